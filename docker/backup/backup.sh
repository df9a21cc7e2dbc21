#!/bin/sh
# Backups that are known to be good: each is a folder with a dump and a manifest of what is in it, is
# loaded into a throw-away database, and compared with the manifest row for row.
#   backup.sh once      one backup, its drill, and the oldest ones removed
#   backup.sh drill [N] the drill of the backup with that name; the newest without one
#   backup.sh serve     once every BACKUP_EVERY_HOURS
#   backup.sh check     fails if the last good backup is too old
# Needs PostgreSQL's programs, and PGHOST, PGUSER, PGDATABASE and PGPASSWORD or PGPASSWORD_FILE for them.
set -eu

: "${PGDATABASE:?}"
folder=${BACKUP_FOLDER:-backups}
keep=${BACKUP_KEEP:-7}
every=$((${BACKUP_EVERY_HOURS:-24} * 3600))
here=$(cd "$(dirname "$0")" && pwd)
umask 077
if [ -n "${PGPASSWORD_FILE:-}" ]; then
    # As a file, since others can see a process's environment.
    PGPASSFILE=$(mktemp)
    printf '*:*:*:*:%s' "$(cat "$PGPASSWORD_FILE")" >"$PGPASSFILE"
    export PGPASSFILE
    unset PGPASSWORD_FILE
fi

fail() {
    echo "ERROR: $*" >&2
    exit 1
}

say() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

ask() { psql -XAtq --set=ON_ERROR_STOP=1 "$@"; }

# The names of all backups, the oldest first: they begin with the time.
backups() { (cd "$folder" 2>/dev/null && ls -d -- ????????T??????Z 2>/dev/null) || true; }

newest() { backups | tail -n 1; }

# The newest that has passed its drill.
newest_good() {
    for name in $(backups | sort -r); do
        if [ -e "$folder/$name/drilled" ]; then
            echo "$name"
            return
        fi
    done
}

# One at a time; the lock goes with the process that holds it.
lock() {
    mkdir -p "$folder" || fail "cannot make the folder $folder"
    exec 9>"$folder/.lock" || fail "cannot write into the folder $folder"
    if command -v flock >/dev/null; then
        flock -w 3600 9 || fail "another backup has been at work for an hour"
    fi
}

take() {
    # What a killed one left.
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
    ask --file="$here/backup.sql" >/dev/null || fail 'the backup failed; no older one was touched'
    [ -e "$FOLDER/dumped" ] || fail 'pg_dump failed; no older backup was touched'
    [ -s "$FOLDER/manifest.json" ] || fail 'there is no manifest; no older backup was touched'
    rm "$FOLDER/dumped" "$FOLDER/contents"
    sync
    # Only a whole one gets its name.
    mv "$FOLDER" "$folder/$name"
    trap - EXIT
    say "backed up $PGDATABASE to $folder/$name ($(wc -c <"$folder/$name/database.dump") bytes)"
}

# What psql answers to a question about a manifest, which is :'manifest' in it.
manifest() {
    echo "$2" | ask --dbname=postgres --set=manifest="$(cat "$folder/$1/manifest.json")"
}

drop_scratch() {
    # Without the notice that there is none.
    ask --dbname=postgres --command="SET client_min_messages = error" \
        --command="DROP DATABASE IF EXISTS \"$scratch\" WITH (FORCE)"
}

drill() {
    [ -n "$1" ] || fail "there is no backup in $folder"
    backup=$folder/$1
    for file in database.dump manifest.json; do
        [ -s "$backup/$file" ] || fail "$backup is no backup: it has no $file"
    done
    scratch=${PGDATABASE}__drill
    work=$(mktemp -d)
    trap 'rm -rf "$work"; drop_scratch || true' EXIT

    manifest "$1" "SELECT :'manifest'::jsonb->>'sha256'" >"$work/expected-sum"
    sha256sum <"$backup/database.dump" | cut -d ' ' -f 1 >"$work/sum"
    cmp -s "$work/expected-sum" "$work/sum" ||
        fail "$backup/database.dump is not what was written: its checksum is another one"

    drop_scratch
    ask --dbname=postgres --command="CREATE DATABASE \"$scratch\" TEMPLATE template0"
    pg_restore --exit-on-error --no-owner --no-privileges --dbname="$scratch" "$backup/database.dump" ||
        fail "$backup cannot be restored"
    lines="jsonb_each(:'manifest'::jsonb->'contents')"
    manifest "$1" "SELECT key, value->>'rows', value->>'hash' FROM $lines" | sort >"$work/expected"
    ask --dbname="$scratch" --file="$here/contents.sql" | sort >"$work/restored"
    diff "$work/expected" "$work/restored" >&2 ||
        fail "$backup does not hold what was in the database (< backed up, > restored; name|rows|hash)"

    drop_scratch
    rm -rf "$work"
    trap - EXIT
    touch "$backup/drilled"
    say "restored $backup beside it, and found the same rows: $(manifest "$1" \
        "SELECT sum((value->>'rows')::bigint) || ' in ' || count(*) || ' tables' FROM $lines")"
}

# Called after a drill that went well: the newest is good, so that the oldest may go.
prune() {
    backups | sort -r | tail -n +"$((keep + 1))" | while read -r name; do
        rm -rf "${folder:?}/$name"
        say "removed $folder/$name: $keep are kept"
    done
}

once() {
    # Not joined by &&: a failing command within them would not end this then.
    lock
    take
    drill "$(newest)"
    prune
}

# Seconds since the last good backup; nothing if there is none.
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
                # Tried again soon, and sooner while the database is away: with the first deployment it is on its way.
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
    [ -n "$seconds" ] || fail "there is no good backup in $folder"
    [ "$seconds" -le $((every * 2)) ] || fail "the last good backup is $((seconds / 3600)) hours old"
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
