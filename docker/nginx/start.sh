#!/bin/sh
# Puts the settings into the configuration and becomes nginx; with `check`, says whether it could. What is
# written lies in /run/nginx: the rest of the file system is read-only.
set -eu

# Docker's own DNS, or whichever this machine uses.
resolver=$(sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1)
case "$resolver" in *:*) resolver="[$resolver]" ;; esac

# A redirect names the port that people see, unless that is the usual one.
port=${HTTPS_PORT:-443}
[ "$port" = 443 ] && port='' || port=":$port"

# Which replica gets a request: docs/production.md.
case "${PROXY_BALANCE:-slices}" in
slices) balance='hash $slice;' ;;
round_robin) balance='' ;;
*)
    echo "PROXY_BALANCE is $PROXY_BALANCE: it may be slices or round_robin" >&2
    exit 1
    ;;
esac

sed -e "s/@RESOLVER@/$resolver/" \
    -e "s/@PORT@/$port/" \
    -e "s/@BALANCE@/$balance/" \
    -e "s/@BODY_LIMIT@/${API_BODY_LIMIT_BYTES:-1048576}/" \
    -e "s/@HEADER_TIMEOUT@/${API_HEADER_TIMEOUT_SECONDS:-10}s/" \
    -e "s/@BODY_TIMEOUT@/${API_BODY_TIMEOUT_SECONDS:-20}s/" \
    -e "s/@READ_TIMEOUT@/$((${API_REQUEST_TIMEOUT_SECONDS:-30} + 5))s/" \
    /etc/slipway/nginx.conf >/run/nginx/nginx.conf

# Until a roll-out says otherwise, every replica that Docker knows. As backup they are there also when
# those of a roll-out are gone.
printf 'server api:5000 resolve;\nserver api:5000 resolve backup;\n' >/run/nginx/replicas.conf

[ "${1:-}" = check ] && exec nginx -c /run/nginx/nginx.conf -e /dev/stderr -t -q
exec nginx -c /run/nginx/nginx.conf -e /dev/stderr -g 'daemon off;'
