# Copies backups to BACKUP_TARGET, a folder in an S3-compatible store, and fetches them from there. Part of backup.sh.
# Needs rclone and age.

# Each backup is a folder with these files. The manifest is copied last, so a folder with a manifest is complete.
files='database.dump manifest.json'

# Sets `remote` and the settings of rclone.
open_target() {
    case ${BACKUP_TARGET:-} in
        s3://[!/]*) ;;
        '') fail 'BACKUP_TARGET is not set. Set it to s3://BUCKET/PREFIX in .env.' ;;
        *) fail "invalid BACKUP_TARGET $BACKUP_TARGET: expected s3://BUCKET/PREFIX" ;;
    esac
    for program in rclone age; do
        command -v "$program" >/dev/null ||
            fail "$program is missing, and BACKUP_TARGET needs it. Install the packages rclone and age."
    done
    remote=offsite:${BACKUP_TARGET#s3://}
    remote=${remote%/}
    secret=${BACKUP_S3_SECRET_ACCESS_KEY:-}
    [ -z "${BACKUP_S3_SECRET_ACCESS_KEY_FILE:-}" ] || secret=$(cat "$BACKUP_S3_SECRET_ACCESS_KEY_FILE")
    # rclone has its own variable for CA certificates, and fails if AWS_CA_BUNDLE is set.
    [ -z "${AWS_CA_BUNDLE:-}" ] || export RCLONE_CA_CERT="$AWS_CA_BUNDLE"
    unset AWS_CA_BUNDLE
    # With the default of 10, an unreachable store fails only after minutes.
    export RCLONE_LOW_LEVEL_RETRIES=3
    # No configuration file. Without a key, rclone uses the role of the machine.
    export RCLONE_CONFIG='' RCLONE_CONFIG_OFFSITE_TYPE=s3 RCLONE_CONFIG_OFFSITE_ENV_AUTH=true \
        RCLONE_CONFIG_OFFSITE_PROVIDER=AWS RCLONE_CONFIG_OFFSITE_NO_CHECK_BUCKET=true \
        RCLONE_CONFIG_OFFSITE_ENDPOINT="${BACKUP_S3_ENDPOINT:-}" \
        RCLONE_CONFIG_OFFSITE_REGION="${BACKUP_S3_REGION:-}" \
        RCLONE_CONFIG_OFFSITE_ACCESS_KEY_ID="${BACKUP_S3_ACCESS_KEY_ID:-}" \
        RCLONE_CONFIG_OFFSITE_SECRET_ACCESS_KEY="$secret" \
        RCLONE_CONFIG_OFFSITE_SERVER_SIDE_ENCRYPTION="${BACKUP_S3_ENCRYPTION:-}"
    [ -z "${BACKUP_S3_ENDPOINT:-}" ] || export RCLONE_CONFIG_OFFSITE_PROVIDER=Other
    [ -z "${BACKUP_S3_ACCESS_KEY_ID:-}" ] || export RCLONE_CONFIG_OFFSITE_ENV_AUTH=false
}

# Succeeds if the backup $1 needs no copy. The file `copied` contains the target, because the target can change.
is_copied() {
    [ -z "${BACKUP_TARGET:-}" ] || [ "$(cat "$folder/$1/copied" 2>/dev/null)" = "$BACKUP_TARGET" ]
}

# Succeeds if backups of this folder were copied to the target, or fetched from it.
uses_target() {
    grep -qxF -e "$BACKUP_TARGET" "$folder/.targets" 2>/dev/null && return
    # Earlier versions did not write the list.
    for one in $(backups); do
        ! is_copied "$one" || return 0
    done
    return 1
}

# Records that backups of this folder belong to the target.
use_target() {
    uses_target || echo "$BACKUP_TARGET" >>"$folder/.targets"
}

# Prevents a new server or another database from continuing the backups of a lost server.
need_own_target() {
    ! uses_target || return 0
    all=$(list) || fail "cannot copy $1. The backup in $folder is complete."
    [ -z "$all" ] ||
        fail "$BACKUP_TARGET has backups that were not made in $folder, the newest is $(echo "$all" | tail -n 1)." \
            "If they are backups of this database, restore the newest with cargo xtask db fetch and db load." \
            "Otherwise set BACKUP_TARGET to another prefix. Nothing was copied."
}

# Copies the newest verified backup to the target, if there is one, and removes the oldest copies.
copy() {
    [ -n "${BACKUP_TARGET:-}" ] || return 0
    lock_transfer
    name=$(newest_good)
    [ -n "$name" ] || fail "there is no verified backup in $folder"
    if is_copied "$name"; then
        return
    fi
    open_target
    [ -n "${BACKUP_AGE_RECIPIENT:-}${BACKUP_S3_ENCRYPTION:-}" ] ||
        fail "the copies would not be encrypted. Set BACKUP_AGE_RECIPIENT to the public key of age-keygen," \
            "or BACKUP_S3_ENCRYPTION to AES256 if the store encrypts them."
    need_own_target "$name"
    from=$folder/$name
    suffix=''
    if [ -n "${BACKUP_AGE_RECIPIENT:-}" ]; then
        from=$folder/.transfer-encrypted
        suffix=.age
        trap 'rm -rf "$from"' EXIT
        mkdir "$from"
        for file in $files; do
            age --recipient "$BACKUP_AGE_RECIPIENT" --output "$from/$file.age" "$folder/$name/$file" ||
                fail "cannot encrypt $folder/$name/$file for BACKUP_AGE_RECIPIENT"
        done
    fi
    for file in $files; do
        # rclone compares the checksums and retries.
        rclone copyto "$from/$file$suffix" "$remote/$name/$file$suffix" ||
            fail "cannot copy $name to $BACKUP_TARGET. The backup in $folder is complete."
    done
    use_target
    printf %s "$BACKUP_TARGET" >"$folder/$name/copied"
    log "copied $name to $BACKUP_TARGET"
    prune_target
}

# Lists all complete backups in the target, the oldest first.
list() {
    open_target
    found=$(rclone lsf --recursive --files-only --include '/*/manifest.json*' "$remote") ||
        fail "cannot list $BACKUP_TARGET"
    echo "$found" | sed -n 's/^\([0-9]\{8\}T[0-9]\{6\}Z\)\/.*/\1/p' | sort
}

# Deletes all backups in the target except the newest BACKUP_TARGET_KEEP complete ones. Deletes incomplete ones too.
prune_target() {
    most=${BACKUP_TARGET_KEEP:-30}
    [ "$most" -ge 1 ] || fail "BACKUP_TARGET_KEEP is $most, but must be 1 or more"
    all=$(list)
    kept=$(echo "$all" | tail -n "$most")
    folders=$(rclone lsf --dirs-only "$remote") || fail "cannot list $BACKUP_TARGET"
    for name in $(echo "$folders" | sed -n 's/^\([0-9]\{8\}T[0-9]\{6\}Z\)\/$/\1/p'); do
        if echo "$kept" | grep -qxF -e "$name"; then
            continue
        fi
        rclone purge "$remote/$name" || fail "cannot remove $name from $BACKUP_TARGET"
        log "removed $name from $BACKUP_TARGET: $most are kept"
    done
}

# Fails if the newest copy is too old. Does not ask the store, because the health check must be fast.
check_copies() {
    if [ -z "${BACKUP_TARGET:-}" ]; then
        return
    fi
    for name in $(backups | sort -r); do
        if is_copied "$name"; then
            seconds=$(($(date +%s) - $(date -r "$folder/$name/copied" +%s)))
            [ "$seconds" -le $((every * 2)) ] ||
                fail "the last copy in $BACKUP_TARGET is $((seconds / 3600)) hours old"
            return
        fi
    done
    fail "no backup in $folder was copied to $BACKUP_TARGET"
}

# Fetches the backup $1 into the folder fetched-NAME, which `once` does not remove.
fetch() {
    open_target
    all=$(list)
    name=${1:-$(echo "$all" | tail -n 1)}
    [ -n "$name" ] || fail "there is no backup in $BACKUP_TARGET"
    echo "$all" | grep -qxF -e "$name" ||
        fail "there is no backup $name in $BACKUP_TARGET. The newest are $(echo "$all" | tail -n 3 | tr '\n' ' ')"
    lock_transfer
    bytes=$(rclone size "$remote/$name" | sed -n 's/.*(\([0-9]*\) Byte.*/\1/p')
    # The disk needs space for the encrypted and the decrypted file.
    need_space $((${bytes:-0} * 2))
    into=$folder/.transfer-fetched
    work=$(mktemp -d)
    trap 'rm -rf "$into" "$work"' EXIT
    rclone copy "$remote/$name" "$into" || fail "cannot fetch $name from $BACKUP_TARGET"
    if [ -e "$into/manifest.json.age" ]; then
        cat >"$work/key"
        [ -s "$work/key" ] ||
            fail "$name is encrypted. Run cargo xtask db fetch --identity FILE with the file of age-keygen."
        for file in $files; do
            age --decrypt --identity "$work/key" --output "$into/$file" "$into/$file.age" ||
                fail "cannot decrypt $name. Pass the private key that belongs to the public key of the backup."
            rm "$into/$file.age"
        done
    fi
    sum=$(sha256sum <"$into/database.dump" | cut -d ' ' -f 1)
    grep -q "\"sha256\": \"$sum\"" "$into/manifest.json" ||
        fail "$name in $BACKUP_TARGET is corrupt: its checksum differs from the manifest"
    rm -rf "$folder/fetched-$name"
    mv "$into" "$folder/fetched-$name"
    use_target
    log "fetched $name to $folder/fetched-$name"
}
