#!/bin/sh
# Creates the database cluster on the first start, then runs the server.
# Supports these variables of the official image: PGDATA, POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_PASSWORD_FILE, POSTGRES_DB and POSTGRES_INITDB_ARGS. Arguments are passed to `postgres`.
set -eu

case "${1:-}" in
    '' | -*) set -- postgres "$@" ;;
esac

if [ "$1" != postgres ] || [ -s "$PGDATA/PG_VERSION" ]; then
    exec "$@"
fi

if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
fi
if [ -z "${POSTGRES_PASSWORD:-}" ]; then
    echo "POSTGRES_PASSWORD is not set. The first start needs it as the password of the new superuser." >&2
    exit 1
fi
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

# Only a complete cluster gets its final name. After an interruption, the next start creates a new cluster.
fresh=$PGDATA.fresh
rm -rf "$fresh"
mkdir -p "$fresh"

umask 077
password_file=$(mktemp)
printf '%s\n' "$POSTGRES_PASSWORD" >"$password_file"
# shellcheck disable=SC2086 # several arguments, split at spaces
initdb --pgdata="$fresh" --username="$user" --pwfile="$password_file" \
    --auth-local=trust --auth-host=scram-sha-256 ${POSTGRES_INITDB_ARGS:-}
rm "$password_file"
echo 'host all all all scram-sha-256' >>"$fresh/pg_hba.conf"

# The server listens only on its socket, so that clients cannot connect during the setup.
pg_ctl --pgdata="$fresh" --wait --options="-c listen_addresses=''" start
if [ "$database" != postgres ]; then
    createdb --username="$user" --maintenance-db=postgres "$database"
fi
pg_ctl --pgdata="$fresh" --wait --mode=fast stop

if [ -d "$PGDATA" ]; then
    rmdir "$PGDATA"
fi
mv "$fresh" "$PGDATA"
exec "$@"
