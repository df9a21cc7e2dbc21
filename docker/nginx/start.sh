#!/bin/sh
# Writes the settings into the configuration and starts nginx. With `check`, only validates the configuration.
# Files are written to /run/nginx, because the rest of the file system is read-only.
set -eu

# Uses Docker's DNS, or the DNS server of this machine.
resolver=$(sed -n 's/^nameserver //p' /etc/resolv.conf | head -n 1)
case "$resolver" in *:*) resolver="[$resolver]" ;; esac

# Redirects contain the public port, except if it is the default port 443.
port=${HTTPS_PORT:-443}
[ "$port" = 443 ] && port='' || port=":$port"

# Decides how requests are distributed over the replicas (docs/production.md).
case "${PROXY_BALANCE:-slices}" in
slices) balance='hash $slice;' ;;
round_robin) balance='' ;;
*)
    echo "invalid PROXY_BALANCE $PROXY_BALANCE: expected slices or round_robin" >&2
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

# nginx uses every replica that DNS returns, until a rolling update writes another list. The `backup` entry is used
# if the replicas in that list have stopped.
printf 'server api:5000 resolve;\nserver api:5000 resolve backup;\n' >/run/nginx/replicas.conf

[ "${1:-}" = check ] && exec nginx -c /run/nginx/nginx.conf -e /dev/stderr -t -q
exec nginx -c /run/nginx/nginx.conf -e /dev/stderr -g 'daemon off;'
