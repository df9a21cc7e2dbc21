#!/bin/sh
# Makes verified backups. A backup is a folder with a dump and a manifest of its contents. A drill restores the dump
# into a temporary database and compares it with the manifest, row for row.
#   backup.sh once         makes one backup, runs its drill, removes the oldest backups and copies it to BACKUP_TARGET
#   backup.sh local        does the same without the copy
#   backup.sh drill [NAME] runs the drill of a backup [default: the newest]
#   backup.sh serve        runs `once` every BACKUP_EVERY_HOURS
#   backup.sh check        fails if the last verified backup is too old
#   backup.sh copy         copies the newest backup to BACKUP_TARGET
#   backup.sh list         lists the backups in BACKUP_TARGET
#   backup.sh fetch [NAME] fetches a backup from BACKUP_TARGET [default: the newest]; reads an age key from stdin
# Needs PostgreSQL's programs, and PGHOST, PGUSER, PGDATABASE and PGPASSWORD or PGPASSWORD_FILE.
set -eu

: "${PGDATABASE:?}"
folder=${BACKUP_FOLDER:-backups}
keep=${BACKUP_KEEP:-7}
every=$((${BACKUP_EVERY_HOURS:-24} * 3600))
here=$(cd "$(dirname "$0")" && pwd)
umask 077
if [ -n "${PGPASSWORD_FILE:-}" ]; then
    PGPASSWORD=$(cat "$PGPASSWORD_FILE")
    export PGPASSWORD
    unset PGPASSWORD_FILE
fi
# Without this trap, a signal ends the shell before the traps for EXIT run.
trap 'exit 1' HUP INT TERM

fail() {
    echo "ERROR: $*" >&2
    exit 1
}

log() { echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

ask() { psql -XAtq --set=ON_ERROR_STOP=1 "$@"; }

[ "$keep" -ge 1 ] || fail "BACKUP_KEEP is $keep, but must be 1 or more"

# shellcheck source=docker/backup/offsite.sh
. "$here/offsite.sh"

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

# Holds the lock $1 until the process ends or takes another lock. $2 names the work that the lock protects.
take_lock() {
    mkdir -p "$folder" || fail "cannot make the folder $folder"
    exec 9>"$folder/$1" || fail "cannot write into the folder $folder"
    if command -v flock >/dev/null; then
        flock -w 3600 9 || fail "another $2 has been running for an hour"
    else
        # macOS has Perl instead of flock.
        perl -e 'open my $lock, ">&=", 9 or die $!; alarm 3600; flock $lock, 2 or die $!' ||
            fail "cannot lock $folder/$1, or another $2 has been running for an hour"
    fi
}

# Prevents concurrent backups.
lock() {
    take_lock .lock backup
    # A killed command leaves its folder.
    rm -rf "$folder"/.partial-*
}

# Prevents concurrent transfers. Has its own lock, because a slow store must not delay backups.
lock_transfer() {
    take_lock .transfer-lock 'copy or fetch'
    rm -rf "$folder"/.transfer-*/
}

size_of() { wc -c <"$1" | tr -d ' '; }

# Fails if the disk of the backups has less than $1 free bytes.
need_space() {
    free=$(df -Pk "$folder" | awk 'NR == 2 { print $4 }')
    needed=$(($1 / 1024 + 1))
    [ "$free" -ge "$needed" ] ||
        fail "not enough space in $folder: $((free / 1024)) MiB are free, and a backup needs $((needed / 1024 + 1))" \
            "MiB. Free space, move BACKUP_FOLDER to a larger disk, or set a smaller BACKUP_KEEP."
}

# Checks the space before a backup. A dump is compressed, so the database's size is only the limit of the first dump.
need_space_for_backup() {
    last=$(newest_good)
    if [ -n "$last" ]; then
        bytes=$(($(size_of "$folder/$last/database.dump") * 5 / 4))
    else
        bytes=$(ask --dbname="$PGDATABASE" --command="SELECT pg_database_size(current_database())") ||
            fail 'the backup failed, because the database cannot be reached'
    fi
    # Encryption writes a second file.
    [ -z "${BACKUP_AGE_RECIPIENT:-}" ] || bytes=$((bytes * 2))
    need_space "$bytes"
}

take() {
    need_space_for_backup
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
    log "backed up $PGDATABASE to $folder/$name ($(size_of "$FOLDER/database.dump") bytes)"
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
    shown=$folder/${1#.partial-}
    for file in database.dump manifest.json; do
        [ -s "$backup/$file" ] || fail "$shown is not a backup: $file is missing"
    done
    scratch=${PGDATABASE}__drill
    work=$(mktemp -d)
    trap 'rm -rf "$work"; drop_scratch || true' EXIT
    # A subshell resets this trap.
    trap 'exit 1' HUP INT TERM

    manifest "$1" "SELECT :'manifest'::jsonb->>'sha256'" >"$work/expected-sum"
    sha256sum <"$backup/database.dump" | cut -d ' ' -f 1 >"$work/sum"
    cmp -s "$work/expected-sum" "$work/sum" ||
        fail "$shown/database.dump is corrupt: its checksum differs from the manifest"

    drop_scratch
    ask --dbname=postgres --command="CREATE DATABASE \"$scratch\" TEMPLATE template0"
    pg_restore --exit-on-error --no-owner --no-privileges --dbname="$scratch" "$backup/database.dump" ||
        fail "$shown cannot be restored"
    lines="jsonb_each(:'manifest'::jsonb->'contents')"
    manifest "$1" "SELECT key, value->>'rows', value->>'hash' FROM $lines" | sort >"$work/expected"
    ask --dbname="$scratch" --file="$here/contents.sql" | sort >"$work/restored"
    diff "$work/expected" "$work/restored" >&2 ||
        fail "$shown does not contain the rows of the database. The lines above show table|rows|hash: < is the" \
            'database when it was backed up, > is the restored backup.'

    drop_scratch
    rm -rf "$work"
    trap - EXIT
    touch "$backup/drilled"
    log "restored $shown into a temporary database with the same rows: $(manifest "$1" \
        "SELECT sum((value->>'rows')::bigint) || ' in ' || count(*) || ' tables' FROM $lines")"
}

# Deletes all backups that are older than the newest BACKUP_KEEP verified ones, and old ones that are not verified.
prune() {
    verified=0
    for name in $(backups | sort -r); do
        if [ -e "$folder/$name/drilled" ]; then
            verified=$((verified + 1))
            [ "$verified" -gt "$keep" ] || continue
        elif [ "$verified" = 0 ]; then
            continue
        fi
        rm -rf "${folder:?}/$name"
        log "removed $folder/$name: $keep verified backups are kept"
    done
}

once() {
    # The commands are not joined by &&, because `set -e` ignores failures inside an && list.
    lock
    # Frees space first, because BACKUP_KEEP may be smaller now.
    prune
    take
    set +e
    (
        set -e
        drill ".partial-$name"
    )
    failed=$?
    set -e
    if [ "$failed" != 0 ]; then
        # Only one is kept, because a drill may fail again and again.
        rm -rf "$folder"/rejected-*
        mv "$FOLDER" "$folder/rejected-$name"
        fail "the drill failed. The backup is kept as $folder/rejected-$name until the next drill fails."
    fi
    # Only a verified backup gets its final name.
    mv "$FOLDER" "$folder/$name"
    trap - EXIT
    prune
}

# Prints the seconds since the last verified backup, or nothing.
seconds_since_backup() {
    good=$(newest_good)
    [ -z "$good" ] || echo $(($(date +%s) - $(date -r "$folder/$good/drilled" +%s)))
}

# Prints the seconds to wait after $1 failures. The time doubles with each failure, up to a limit. It is shorter
# while the database is unreachable, as in the first deployment.
backoff() {
    seconds=300 limit=14400
    pg_isready --quiet || seconds=10 limit=300
    [ "$limit" -lt "$every" ] || limit=$every
    tries=$1
    while [ "$tries" -gt 1 ] && [ "$seconds" -lt "$limit" ]; do
        seconds=$((seconds * 2)) tries=$((tries - 1))
    done
    [ "$seconds" -lt "$limit" ] || seconds=$limit
    echo "$seconds"
}

serve() {
    trap 'kill ${pausing:-} 2>/dev/null || true; wait; exit 0' TERM INT
    failures=0
    while true; do
        seconds=$(seconds_since_backup)
        pause=$((every - ${seconds:-$every}))
        command=''
        if [ "$pause" -le 0 ]; then
            command=once pause=$every
        elif ! is_copied "$(newest_good)"; then
            command=copy
        fi
        if [ -z "$command" ] || sh "$0" "$command"; then
            failures=0
        else
            failures=$((failures + 1))
            pause=$(backoff "$failures")
            # A failed copy does not delay the next backup.
            seconds=$(seconds_since_backup)
            left=$((every - ${seconds:-$every}))
            [ "$left" -le 0 ] || [ "$pause" -le "$left" ] || pause=$left
            log "failed tries in a row: $failures; the next try is in $pause seconds"
        fi
        sleep "$pause" &
        pausing=$!
        wait "$pausing"
        pausing=''
    done
}

check() {
    seconds=$(seconds_since_backup)
    [ -n "$seconds" ] || fail "no verified backup in $folder"
    [ "$seconds" -le $((every * 2)) ] || fail "the last verified backup is $((seconds / 3600)) hours old"
    check_copies
}

case ${1:-} in
    once)
        once
        copy
        ;;
    local) once ;;
    drill)
        lock
        drill "${2:-$(newest)}"
        ;;
    serve) serve ;;
    check) check ;;
    copy) copy ;;
    list) list ;;
    fetch) fetch "${2:-}" ;;
    *) fail 'usage: backup.sh once | local | drill [NAME] | serve | check | copy | list | fetch [NAME]' ;;
esac
