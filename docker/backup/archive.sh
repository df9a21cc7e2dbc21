#!/bin/sh
# Continuous archiving with pgBackRest, and point-in-time recovery.
#   archive.sh serve         makes base backups and drills on a schedule
#   archive.sh check         fails if the archive has a problem, and prints its state
#   archive.sh plan TIME     prints TIME in UTC, or fails if the database cannot be restored to TIME
#   archive.sh restore TIME  restores the database into another folder, while PostgreSQL keeps running
#   archive.sh swap          replaces the cluster by the restored folder; PostgreSQL must be stopped
#   archive.sh back          returns to the cluster before the last swap; PostgreSQL must be stopped
#   archive.sh kept          lists the clusters before the swaps
#   archive.sh forget        deletes these clusters
#   archive.sh drill         restores the newest backup into a temporary cluster and checks it
#   archive.sh stop          ends the archive of this cluster
# Runs as the user of PostgreSQL. Needs its programs, PGHOST, PGUSER, PGPASSWORD_FILE and the settings of pgBackRest.
#
# Each cluster has a stanza, which is the archive of pgBackRest for one cluster. The file `stanza` in the cluster names
# it. The name is the time at which the archive started, so the newest stanza that is older than a time has the
# history of this time. A restore starts another stanza, so a stanza has only one timeline.
set -eu
umask 077
export TZ=UTC

cluster=${PGBACKREST_PG1_PATH:?}
repository=${PGBACKREST_REPO1_PATH:?}
every=$((${BACKUP_EVERY_HOURS:-24} * 3600))
week=604800
here=$(cd "$(dirname "$0")" && pwd)
stamp=%Y%m%dT%H%M%SZ
trap 'exit 1' HUP INT TERM

fail() {
    echo "ERROR: $*" >&2
    exit 1
}

log() { echo "$(date +%Y-%m-%dT%H:%M:%SZ) $*"; }

ask() { PGPASSWORD=$(cat "$PGPASSWORD_FILE") psql -XAtq --set=ON_ERROR_STOP=1 --dbname=postgres "$@"; }

# Runs pgBackRest for the stanza $1.
backrest() {
    PGBACKREST_STANZA=$1
    export PGBACKREST_STANZA
    shift
    PGPASSWORD=$(cat "$PGPASSWORD_FILE") pgbackrest "$@"
}

stanzas() { (cd "$repository/archive" 2>/dev/null && ls -d -- ????????T??????Z 2>/dev/null) || true; }

# Prints the stanza of the running cluster, if there is one.
live() { cat "$cluster/stanza" 2>/dev/null || true; }

# Lists the complete backups of the stanza $1, the oldest first. $2 is a pattern for the names.
# shellcheck disable=SC2086 # the pattern must not be quoted
backups() { (cd "$repository/backup/$1" 2>/dev/null && ls -d -- $2/backup.manifest 2>/dev/null) || true; }

time_of() { date -r "$1" +%s; }

show() { date --date="@$1" +%Y-%m-%dT%H:%M:%SZ; }

# Prints the time of the first or the last backup of a stanza.
backup_time() {
    file=$(backups "$1" "$2" | "$3" -n 1)
    [ -z "$file" ] || time_of "$repository/backup/$1/$file"
}

# Prints the time at which the newest WAL file of the stanza $1 was archived.
archived_until() {
    find "$repository/archive/$1" -type f -name '????????????????????????-*' -printf '%T@\n' | sort -n | tail -n 1 |
        cut -d . -f 1
}

# Lists the times to which the database can be restored. The last WAL of the running cluster is not archived yet.
ranges() {
    for name in $(stanzas); do
        from=$(backup_time "$name" '*' head)
        [ -n "$from" ] || continue
        until=$(show "$(archived_until "$name")")
        [ "$name" != "$(live)" ] || until=now
        echo "from $(show "$from") to $until"
    done
}

# Starts a stanza if the cluster has none, or if another cluster has used the archive since.
ensure_stanza() {
    [ -z "$(live)" ] || [ "$(live)" != "$(stanzas | tail -n 1)" ] || return 0
    name=$(date +$stamp)
    backrest "$name" stanza-create
    echo "$name" >"$cluster/stanza.new"
    mv "$cluster/stanza.new" "$cluster/stanza"
    log "started the archive $name"
}

# Deletes the stanzas of earlier clusters when the time for which they are kept has passed.
prune() {
    for name in $(stanzas); do
        [ "$name" != "$(live)" ] || continue
        until=$(archived_until "$name")
        [ $(($(date +%s) - ${until:-0})) -gt $((PGBACKREST_REPO1_RETENTION_FULL * 86400)) ] || continue
        rm -rf "${repository:?}/backup/$name" "${repository:?}/archive/$name" "${repository:?}/drilled-$name"
        log "removed the archive $name of an earlier cluster"
    done
}

# Does all work that is due.
work() {
    ensure_stanza
    stanza=$(live)
    now=$(date +%s)
    full=$(backup_time "$stanza" '*F' tail)
    last=$(backup_time "$stanza" '*' tail)
    type=''
    if [ $((now - ${full:-0})) -ge $week ]; then
        type='full'
    elif [ $((now - last)) -ge $every ]; then
        type='diff'
    fi
    if [ -n "$type" ]; then
        backrest "$stanza" --type=$type backup
        log "made a $type base backup"
    fi
    drilled=$repository/drilled-$stanza
    if [ ! -e "$drilled" ] || [ $((now - $(time_of "$drilled"))) -ge $week ]; then
        sh "$0" drill
    fi
    prune
}

serve() {
    trap 'kill ${pausing:-} 2>/dev/null || true; wait; exit 0' TERM INT
    pause=10
    while true; do
        if sh "$0" work; then
            pause=60
        else
            pause=$((pause * 2))
            [ $pause -le 3600 ] || pause=3600
            log "the next try is in $pause seconds"
        fi
        sleep $pause &
        pausing=$!
        wait "$pausing"
        pausing=''
    done
}

check() {
    stanza=$(live)
    [ -n "$stanza" ] || fail 'the archive has not started yet'
    last=$(backup_time "$stanza" '*' tail)
    [ -n "$last" ] || fail 'there is no base backup yet'
    now=$(date +%s)
    [ $((now - last)) -le $((every * 2)) ] || fail "the last base backup is $(((now - last) / 3600)) hours old"
    waiting=$(ask --command="SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'
        AND modification < now() - interval '5 minutes'") || fail 'PostgreSQL cannot be reached'
    [ "$waiting" = 0 ] || fail "$waiting WAL files could not be archived for 5 minutes. See the log of PostgreSQL."
    drilled=$repository/drilled-$stanza
    [ -e "$drilled" ] || fail 'no base backup was restored for a test yet'
    [ $((now - $(time_of "$drilled"))) -le $((week * 2)) ] ||
        fail "the last successful drill was on $(show "$(time_of "$drilled")")"
    first=$(backup_time "$stanza" '*' head)
    echo "can restore from $(show "$first"), archived until $(show "$(archived_until "$stanza")")"
}

# shellcheck source=docker/backup/recover.sh
. "$here/recover.sh"

case ${1:-} in
    serve) serve ;;
    work) work ;;
    check) check ;;
    plan)
        find_stanza "$2"
        show "$seconds"
        ;;
    restore) restore "$2" ;;
    swap) swap "$cluster.restored" ;;
    back)
        newest=$(kept | tail -n 1)
        [ -n "$newest" ] || fail 'there is no cluster from before a restore'
        swap "$newest"
        ;;
    kept) kept ;;
    forget) rm -rf "$cluster".before-* ;;
    drill) drill ;;
    stop) rm -f "$cluster/stanza" ;;
    *) fail 'usage: archive.sh serve | check | plan TIME | restore TIME | swap | back | kept | forget | drill | stop' ;;
esac
