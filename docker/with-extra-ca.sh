#!/bin/sh
# Runs a command that may download crates. If a proxy replaces TLS certificates, put its CA into the
# secret `extra_ca` (EXTRA_CA_FILE), and cargo trusts it.
set -eu

extra=/run/secrets/extra_ca
if [ -e "$extra" ] && grep -q 'BEGIN CERTIFICATE' "$extra"; then
    bundle=$(mktemp)
    cat /etc/ssl/certs/ca-certificates.crt "$extra" >"$bundle"
    export CARGO_HTTP_CAINFO="$bundle"
fi
exec "$@"
