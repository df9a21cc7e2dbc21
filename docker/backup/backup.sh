#!/bin/sh
# Makes verified backups. A backup is a folder with a dump and a manifest of its contents. A drill restores the dump
# into a temporary database and compares it with the manifest, row for row.
#   backup.sh once      makes one backup, runs its drill and removes the oldest backups
#   backup.sh drill [N] runs the drill of backup N [default: the newest]
#   backup.sh serve     runs `once` every BACKUP_EVERY_HOURS
#   backup.sh check     fails if the last verified backup is too old
# Needs PostgreSQL's programs, and PGHOST, PGUSER, PGDATABASE and PGPASSWORD or PGPASSWORD_FILE.
set -eu

: "${PGDATABASE:?}"
folder=${BACKUP_FOLDER:-backups}
keep=${BACKUP_KEEP:-7}
every=$((${BACKUP_EVERY_HOURS:-24} * 3600))
here=$(cd "$(dirname "$0")" && pwd)
umask 077
if [ -n "${PGPASSWORD_FILE:-}" ]; then
    # In a file, because other users can read the environment of a process.
    PGPASSFILE=$(mktemp)
    printf '*:*:*:*:%s' "$(cat "$PGPASSWORD_FILE")" >"$PGPASSFILE"
    export PGPASSFILE
    unset PGPASSWORD_FILE
fi

fail() {
    echo "ERROR: $*" >&2
    exit 1
}

log() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

ask() { psql -XAtq --set=ON_ERROR_STOP=1 "$@"; }

# Lists all backups, the oldest first, because their names start with the time.
backups() { (cd "$folder" 2>/dev/null && ls -d -- ????????T??????Z 2>/dev/null) || true; }

newest() { backups | tail -n 1; }

# Prints the newest backup that has passed its drill.
newest_good() {
    for name in $(backups | sort -r); do
        if [ -e "$folder/$name/drilled" ]; then
            echo "$name"
            return
        fi
    done
}

# Prevents concurrent backups. The lock ends with the process.
lock() {
    mkdir -p "$folder" || fail "cannot make the folder $folder"
    exec 9>"$folder/.lock" || fail "cannot write into the folder $folder"
    if command -v flock >/dev/null; then
        flock -w 3600 9 || fail "another backup has been running for an hour"
    fi
}

take() {
    # A killed backup leaves its folder.
    rm -rf "$folder"/.partial-*
    name=$(date -u +%Y%m%dT%H%M%SZ)
    while [ -e "$folder/$name" ]; do
        sleep 1
        name=$(date -u +%Y%m%dT%H%M%SZ)
    done
    FOLDER=$folder/.partial-$name
    mkdir "$FOLDER"
    CONTENTS=$here/contents.sql
    export FOLDER CONTENTS
    trap 'rm -rf "$FOLDER"' EXIT
    ask --file="$here/backup.sql" >/dev/null || fail 'the backup failed; older backups were not changed'
    [ -e "$FOLDER/dumped" ] || fail 'pg_dump failed; older backups were not changed'
    [ -s "$FOLDER/manifest.json" ] || fail 'the manifest is missing; older backups were not changed'
    rm "$FOLDER/dumped" "$FOLDER/contents"
    sync
    # Only a complete backup gets its final name.
    mv "$FOLDER" "$folder/$name"
    trap - EXIT
    log "backed up $PGDATABASE to $folder/$name ($(wc -c <"$folder/$name/database.dump") bytes)"
}

# Runs a query on the manifest of a backup, which the query uses as :'manifest'.
manifest() {
    echo "$2" | ask --dbname=postgres --set=manifest="$(cat "$folder/$1/manifest.json")"
}

drop_scratch() {
    # Suppresses the notice that the database does not exist.
    ask --dbname=postgres --command="SET client_min_messages = error" \
        --command="DROP DATABASE IF EXISTS \"$scratch\" WITH (FORCE)"
}

drill() {
    [ -n "$1" ] || fail "there is no backup in $folder"
    backup=$folder/$1
    for file in database.dump manifest.json; do
        [ -s "$backup/$file" ] || fail "$backup is not a backup: $file is missing"
    done
    scratch=${PGDATABASE}__drill
    work=$(mktemp -d)
    trap 'rm -rf "$work"; drop_scratch || true' EXIT

    manifest "$1" "SELECT :'manifest'::jsonb->>'sha256'" >"$work/expected-sum"
    sha256sum <"$backup/database.dump" | cut -d ' ' -f 1 >"$work/sum"
    cmp -s "$work/expected-sum" "$work/sum" ||
        fail "$backup/database.dump is corrupt: its checksum differs from the manifest"

    drop_scratch
    ask --dbname=postgres --command="CREATE DATABASE \"$scratch\" TEMPLATE template0"
    pg_restore --exit-on-error --no-owner --no-privileges --dbname="$scratch" "$backup/database.dump" ||
        fail "$backup cannot be restored"
    lines="jsonb_each(:'manifest'::jsonb->'contents')"
    manifest "$1" "SELECT key, value->>'rows', value->>'hash' FROM $lines" | sort >"$work/expected"
    ask --dbname="$scratch" --file="$here/contents.sql" | sort >"$work/restored"
    diff "$work/expected" "$work/restored" >&2 ||
        fail "$backup differs from the database (< backed up, > restored; name|rows|hash)"

    drop_scratch
    rm -rf "$work"
    trap - EXIT
    touch "$backup/drilled"
    log "restored $backup into a temporary database with the same rows: $(manifest "$1" \
        "SELECT sum((value->>'rows')::bigint) || ' in ' || count(*) || ' tables' FROM $lines")"
}

# Removes old backups. Runs only after a successful drill, so the newest backup is verified.
prune() {
    backups | sort -r | tail -n +"$((keep + 1))" | while read -r name; do
        rm -rf "${folder:?}/$name"
        log "removed $folder/$name: $keep are kept"
    done
}

once() {
    # The commands are not joined by &&, because `set -e` ignores failures inside an && list.
    lock
    take
    drill "$(newest)"
    prune
}

# Prints the seconds since the last verified backup, or nothing.
age() {
    good=$(newest_good)
    [ -z "$good" ] || echo $(($(date +%s) - $(date -r "$folder/$good/drilled" +%s)))
}

serve() {
    trap 'exit 0' TERM INT
    while true; do
        seconds=$(age)
        pause=$((every - ${seconds:-$every}))
        if [ "$pause" -le 0 ]; then
            pause=$every
            if ! sh "$0" once; then
                # Retries after 300 seconds, or after 10 if the database is unreachable, as in the first deployment.
                pause=300
                pg_isready --quiet || pause=10
            fi
        fi
        sleep "$pause" &
        wait $!
    done
}

check() {
    seconds=$(age)
    [ -n "$seconds" ] || fail "no verified backup in $folder"
    [ "$seconds" -le $((every * 2)) ] || fail "the last verified backup is $((seconds / 3600)) hours old"
}

case ${1:-} in
    once) once ;;
    drill)
        lock
        drill "${2:-$(newest)}"
        ;;
    serve) serve ;;
    check) check ;;
    *) fail 'usage: backup.sh once | drill [NAME] | serve | check' ;;
esac
