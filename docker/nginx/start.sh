#!/bin/sh
# Writes the settings into the configuration and starts nginx. With `check`, only validates the configuration.
# Files are written to /run/nginx, because the rest of the file system is read-only.
set -eu

fail() {
    echo "invalid $1 $2: expected $3" >&2
    exit 1
}
number() {
    case "$2" in '' | *[!0-9]*) fail "$1" "$2" 'a number' ;; esac
}

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
*) fail PROXY_BALANCE "$PROXY_BALANCE" 'slices or round_robin' ;;
esac

# All workers together have PROXY_MAX_CONNECTIONS.
connections=${PROXY_MAX_CONNECTIONS:-4096}
number PROXY_MAX_CONNECTIONS "$connections"
workers=$(nproc)
[ "$workers" -gt 8 ] && workers=8
# A worker needs connections to the replicas too.
[ $((connections / workers)) -ge 64 ] ||
    fail PROXY_MAX_CONNECTIONS "$connections" "at least $((64 * workers)), which is 64 for each of $workers workers"

# The limits of each address. 0 turns a limit off.
per_address=${PROXY_CONNECTIONS_PER_ADDRESS:-100}
rate=${PROXY_REQUESTS_PER_SECOND:-200}
number PROXY_CONNECTIONS_PER_ADDRESS "$per_address"
number PROXY_REQUESTS_PER_SECOND "$rate"
limits=''
[ "$per_address" = 0 ] || limits="limit_conn connections $per_address;"
if [ "$rate" = 0 ]; then
    rate=1
else
    # A browser sends many requests at once. Without a burst, nginx would reject all but one in a few milliseconds.
    limits="$limits limit_req zone=requests burst=$((rate * 5)) nodelay;"
fi

# Load balancers or CDNs in front of nginx, which send the address of the client.
real_ip=''
for network in $(printf %s "${PROXY_TRUSTED_PROXIES:-}" | tr ',' ' '); do
    case "$network" in *[!0-9a-fA-F.:/]*) fail PROXY_TRUSTED_PROXIES "$network" 'addresses or ranges' ;; esac
    real_ip="$real_ip set_real_ip_from $network;"
done
case "${PROXY_PROTOCOL:-false}" in
true)
    [ -n "$real_ip" ] || fail PROXY_TRUSTED_PROXIES "''" 'the load balancers that use the PROXY protocol'
    proxy_protocol=' proxy_protocol'
    real_ip="$real_ip real_ip_header proxy_protocol;"
    ;;
false)
    proxy_protocol=''
    real_ip="$real_ip real_ip_header X-Forwarded-For; real_ip_recursive on;"
    ;;
*) fail PROXY_PROTOCOL "$PROXY_PROTOCOL" 'true or false' ;;
esac

# With ACME_DOMAIN, the service `certificates` gets the certificate. Until it has one, nginx uses the
# certificate in the secrets.
if [ -n "${ACME_DOMAIN:-}" ]; then
    certificate='$issued_certificate'
    certificate_key=$certificate
    if [ ! -s /certificates/served.pem ]; then
        (umask 077 && cat /run/secrets/tls_certificate /run/secrets/tls_key >/certificates/served.pem)
    fi
else
    certificate=/run/secrets/tls_certificate
    certificate_key=/run/secrets/tls_key
fi

sed -e "s/@WORKERS@/$workers/" \
    -e "s|@CERTIFICATE@|$certificate|" \
    -e "s|@CERTIFICATE_KEY@|$certificate_key|" \
    -e "s/@WORKER_CONNECTIONS@/$((connections / workers))/" \
    -e "s/@LIMITS@/$limits/" \
    -e "s/@RATE@/$rate/" \
    -e "s|@REAL_IP@|$real_ip|" \
    -e "s/@PROXY_PROTOCOL@/$proxy_protocol/" \
    -e "s/@RESOLVER@/$resolver/" \
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
