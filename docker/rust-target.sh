#!/bin/sh
# Prints what Rust calls the machines of an architecture. Gets what compiling for them needs, where that is not here:
# a compiler of this machine does the work, since one that is emulated takes many times as long.
#   rust-target amd64|arm64
set -eu

case "${1:?}" in
    amd64) machine=x86_64 package=x86-64-linux-gnu ;;
    arm64) machine=aarch64 package=aarch64-linux-gnu ;;
    *)
        echo "ERROR: nothing is built for $1: add it to docker/rust-target.sh" >&2
        exit 1
        ;;
esac
target=$machine-unknown-linux-gnu

if ! command -v "$machine-linux-gnu-gcc" >/dev/null; then
    apt-get update >&2
    apt-get install --yes --no-install-recommends "gcc-$package" "libc6-dev-$1-cross" >&2
fi
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    command -v rustup >/dev/null || {
        echo "ERROR: the Rust of this image compiles for no $1, and rustup, which could add that, is not in it" >&2
        exit 1
    }
    # rustup is to trust what cargo does.
    [ -z "${CARGO_HTTP_CAINFO:-}" ] || export SSL_CERT_FILE="$CARGO_HTTP_CAINFO"
    rustup target add "$target" >&2
fi
echo "$target"
