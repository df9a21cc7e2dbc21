# Restores the database from the archive to a point in time, and verifies the archive. Part of archive.sh.

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
    [ -n "$stanza" ] || fail "cannot restore to $(show "$seconds"): the archive has no base backup from before." \
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
