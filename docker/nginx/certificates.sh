#!/bin/sh
# Gets a certificate for ACME_DOMAIN from an ACME authority and renews it after two thirds of its lifetime.
#   certificates.sh serve  checks the certificate at least every hour
#   certificates.sh check  fails if the last attempt has failed
# nginx serves the responses to the challenges (HTTP-01) and the certificate from the same folder. Needs lego and
# openssl, and ACME_DOMAIN and ACME_EMAIL.
set -eu

folder=${CERTIFICATES_FOLDER:-/certificates}
server=${ACME_DIRECTORY:-https://acme-v02.api.letsencrypt.org/directory}
domains=$(printf %s "${ACME_DOMAIN:?}" | tr ',' ' ')
# The certificate chain and the key in one file, so that a single rename replaces both.
served=$folder/served.pem
# The domains and the authority of the certificate in `served`.
issued_for=$folder/issued-for
failed=$folder/failed
# The seconds to wait after each failure in a row. Let's Encrypt allows five failures in an hour.
pauses='60 300 600 1200 2400 4800 9600 21600'
ca=/run/secrets/acme_ca
[ ! -s "$ca" ] || export LEGO_CA_CERTIFICATES="$ca"
umask 077

log() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

# Prints the time of a certificate in seconds: `startdate` or `enddate`.
time_of() { date -d "$(openssl x509 -noout "-$1" -in "$served" | cut -d= -f2)" +%s; }

lifetime() { echo $(($(time_of enddate) - $(time_of startdate))); }

is_due() {
    [ "$(cat "$issued_for" 2>/dev/null)" != "$domains $server" ] ||
        ! openssl x509 -noout -checkend "$(($(lifetime) / 3))" -in "$served" >/dev/null
}

# Gets a certificate. Replaces the served one only if the new one is valid and belongs to its key.
issue() {
    set --
    for domain in $domains; do
        set -- "$@" --domains "$domain"
    done
    lego --accept-tos --email "${ACME_EMAIL:?}" --server "$server" --path "$folder/lego" --pem \
        --http --http.webroot "$folder/challenges" "$@" run || return 1
    new=$folder/lego/certificates/${domains%% *}.pem
    openssl x509 -noout -checkend 0 -in "$new" || return 1
    [ "$(openssl x509 -noout -pubkey -in "$new")" = "$(openssl pkey -pubout -in "$new")" ] || return 1
    cp "$new" "$served.new" && mv "$served.new" "$served" && printf %s "$domains $server" >"$issued_for"
}

serve() {
    mkdir -p "$folder/challenges"
    failures=0
    while :; do
        if ! is_due || output=$(issue 2>&1); then
            log "the certificate for $domains is valid until $(openssl x509 -noout -enddate -in "$served" | cut -d= -f2)"
            rm -f "$failed"
            failures=0
            pause=$(($(lifetime) / 10))
            [ "$pause" -lt 3600 ] || pause=3600
        else
            echo "$output" >"$failed"
            pause=$(echo "$pauses" | cut -d ' ' -f $((failures + 1)))
            [ "$failures" = 7 ] || failures=$((failures + 1))
            log "ERROR: no certificate for $domains from $server; the next attempt is in $pause seconds:"
            echo "$output"
        fi
        sleep "$pause" &
        pausing=$!
        wait "$pausing"
    done
}

pausing=''
trap '[ -z "$pausing" ] || kill "$pausing"; exit 0' TERM INT
case "${1:-serve}" in
serve) serve ;;
check)
    [ ! -e "$failed" ] || {
        tail -n 5 "$failed"
        exit 1
    }
    ;;
*)
    echo "unknown command $1: expected serve or check" >&2
    exit 2
    ;;
esac
