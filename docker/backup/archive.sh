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

# Sets `stanza` for the time $1, and `seconds` and `target`, which are this time since 1970 and for PostgreSQL.
find_stanza() {
    two='[0-9]{2}'
    format="[0-9]{4}-$two-${two}T$two:$two(:$two(\.[0-9]{1,6})?)?(Z|[+-]$two:$two)?"
    if ! echo "$1" | grep -Eqx "$format" || ! seconds=$(date --date="$1" +%s 2>/dev/null); then
        fail "invalid time $1: expected a time in UTC such as 2026-11-30T17:00, or 2026-11-30T17:00+01:00"
    fi
    target=$(date --date="$1" '+%Y-%m-%d %H:%M:%S.%6N+00')
    [ "$seconds" -le "$(date +%s)" ] || fail "$(show "$seconds") is in the future. It is $(show "$(date +%s)") now."
    stanza=''
    for name in $(stanzas); do
        first=$(backup_time "$name" '*' head)
        if [ -n "$first" ] && [ "$first" -lt "$seconds" ]; then
            stanza=$name
        fi
    done
    [ -n "$stanza" ] || fail "cannot restore to $(show "$seconds"), because there is no base backup from before." \
        "Possible times: $(ranges)"
    major=$(postgres --version | sed 's/.* \([0-9]*\)\..*/\1/')
    [ -d "$repository/archive/$stanza/$major-1" ] ||
        fail "cannot restore to $(show "$seconds") with PostgreSQL $major, because the database had another major" \
            "version then. Return to it with cargo xtask db upgrade --back, or load a backup with db load."
}

# Archives the WAL of the running cluster until now. The transaction marks the end, because recovery stops only at a
# transaction after its target.
flush() {
    ask --command='SELECT pg_current_xact_id()' >/dev/null && backrest "$stanza" check
}

# Restores the database to `target` in the folder $1, and starts a server there that only this container can reach.
recover() {
    into=$1
    rm -rf "$into"
    needed=$(du -sk "$repository/backup/$stanza" "$cluster" 2>/dev/null | sort -n | tail -n 1 | cut -f 1)
    free=$(df -Pk "$(dirname "$into")" | awk 'NR == 2 { print $4 }')
    [ "$free" -ge $((needed * 5 / 4)) ] ||
        fail "not enough space: $((free / 1024)) MiB are free on the disk of the database, and a restore needs" \
            "$((needed * 5 / 4096)) MiB"
    mkdir "$into"
    backrest "$stanza" --pg1-path="$into" --type=time --target="$target" --target-action=promote \
        --target-timeline=current restore
    rm -f "$into/stanza"
    if ! start; then
        # The archive of an earlier cluster can end before the time. It has all transactions that can be restored.
        grep -q 'recovery ended before configured recovery target' "$into.log" || fail_recovery
        ended=$(archived_until "$stanza")
        [ "$stanza" != "$(live)" ] && [ "$ended" -le "$seconds" ] || fail_recovery
        log "WARNING: the archive ends at $(show "$ended"), so changes after this time are missing"
        start "-c recovery_target_time=" || fail_recovery
    fi
}

# Starts a server in the restored folder and waits until recovery has ended. Does not archive, because the cluster gets
# its own stanza later.
start() {
    pg_ctl --pgdata="$into" --log="$into.log" --wait start --options="-c listen_addresses= \
        -c unix_socket_directories=/tmp -c hot_standby=off -c archive_mode=off -c shared_buffers=64MB ${1:-}" >/dev/null
    # The server accepts connections only after recovery.
    while ! pg_isready --quiet --host=/tmp; do
        pg_ctl --pgdata="$into" status >/dev/null || return 1
        sleep 0.5
    done
}

fail_recovery() {
    tail -n 20 "$into.log" >&2
    fail 'PostgreSQL could not recover. The lines above are the end of its log. Nothing was changed.'
}

stop_recovered() { pg_ctl --pgdata="$into" --mode=fast --wait stop >/dev/null 2>&1 || true; }

ask_recovered() { psql -XAtq --host=/tmp --set=ON_ERROR_STOP=1 --dbname=postgres "$@"; }

# Prints the commit time of the last transaction that was recovered.
last_transaction() {
    sed -n 's/.*last completed transaction was at log time //p' "$into.log" | tail -n 1
}

restore() {
    find_stanza "$1"
    if [ "$stanza" = "$(live)" ]; then
        # PostgreSQL may be down. Everything that was archived can be restored.
        flush || log 'WARNING: PostgreSQL did not archive its last WAL file'
    fi
    into=$cluster.restored
    trap 'stop_recovered; rm -rf "$into" "$into.log"' EXIT
    recover "$into"
    # The role may have had another password at this time.
    ask_recovered --set=role="$PGUSER" --set=password="$(cat "$PGPASSWORD_FILE")" <<'SQL'
ALTER ROLE :"role" PASSWORD :'password';
ALTER SYSTEM RESET restore_command;
ALTER SYSTEM RESET recovery_target_time;
ALTER SYSTEM RESET recovery_target_action;
ALTER SYSTEM RESET recovery_target_timeline;
SQL
    log "restored the database to $(show "$seconds"). Its last transaction was at $(last_transaction)."
    pg_ctl --pgdata="$into" --mode=fast --wait stop >/dev/null
    trap - EXIT
    rm -f "$into.log"
}

# Restores the state of a moment ago into a temporary cluster. A transaction before the moment must be there, and a
# later one must not.
drill() {
    stanza=$(live)
    [ -n "$stanza" ] || fail 'the archive has not started yet'
    # pgBackRest uses only backups of an earlier second.
    [ "$(date +%s)" -gt "$(backup_time "$stanza" '*' tail)" ] || sleep 1
    before=$(ask --command='SELECT pg_current_xact_id()')
    target=$(ask --command="SET TimeZone = 'UTC'" --command='SELECT clock_timestamp()')
    after=$(ask --command='SELECT pg_current_xact_id()')
    flush
    into=$cluster.drill
    trap 'stop_recovered; rm -rf "$into" "$into.log"' EXIT
    recover "$into"
    status=$(ask_recovered --command="SELECT pg_xact_status('$before')")
    [ "$status" = committed ] || fail "the restored cluster does not have a transaction from before the time"
    next=$(ask_recovered --command='SELECT pg_snapshot_xmax(pg_current_snapshot())')
    [ "$next" -le "$after" ] || fail "the restored cluster has a transaction from after the time"
    # Reads every row.
    rows=$(ask_recovered --dbname="$PGDATABASE" --file="$here/contents.sql") || fail 'a restored table cannot be read'
    touch "$repository/drilled-$stanza"
    log "restored $PGDATABASE to $target in a temporary cluster and read" \
        "$(echo "$rows" | awk -F '|' 'NF { rows += $2; n++ } END { print rows + 0 " rows in " n + 0 " tables" }')"
}

kept() { ls -d "$cluster".before-* 2>/dev/null || true; }

swap() {
    [ -e "$1/PG_VERSION" ] || fail "$1 is not a cluster"
    before=$cluster.before-$(date +$stamp)
    [ ! -e "$cluster" ] || mv "$cluster" "$before"
    mv "$1" "$cluster"
    echo "$before"
}

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
