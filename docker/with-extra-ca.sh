#!/bin/sh
# Runs a command that may download crates. If the secret `extra_ca` contains a CA certificate (EXTRA_CA_FILE), cargo
# trusts it. This is needed behind a proxy that replaces TLS certificates.
set -eu

extra=/run/secrets/extra_ca
if [ -e "$extra" ] && grep -q 'BEGIN CERTIFICATE' "$extra"; then
    bundle=$(mktemp)
    cat /etc/ssl/certs/ca-certificates.crt "$extra" >"$bundle"
    export CARGO_HTTP_CAINFO="$bundle"
fi
exec "$@"
