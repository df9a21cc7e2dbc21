#!/bin/sh
# Runs a command that may fetch crates. Where a proxy replaces TLS certificates, the
# secret `extra_ca` (EXTRA_CA_FILE) names its authority, and cargo trusts it as well.
set -eu

extra=/run/secrets/extra_ca
if [ -e "$extra" ] && grep -q 'BEGIN CERTIFICATE' "$extra"; then
    bundle=$(mktemp)
    cat /etc/ssl/certs/ca-certificates.crt "$extra" >"$bundle"
    export CARGO_HTTP_CAINFO="$bundle"
fi
exec "$@"
