#!/bin/sh
# Prints the Rust target of an architecture, and installs the cross compiler and target if they are missing.
# A cross compiler is much faster than an emulated one.
#   rust-target amd64|arm64
set -eu

case "${1:?}" in
    amd64) machine=x86_64 package=x86-64-linux-gnu ;;
    arm64) machine=aarch64 package=aarch64-linux-gnu ;;
    *)
        echo "ERROR: unsupported architecture $1: add it to docker/rust-target.sh" >&2
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
        echo "ERROR: this image lacks the Rust target for $1. Use an image that contains rustup." >&2
        exit 1
    }
    # rustup must trust the same CA as cargo.
    [ -z "${CARGO_HTTP_CAINFO:-}" ] || export SSL_CERT_FILE="$CARGO_HTTP_CAINFO"
    rustup target add "$target" >&2
fi
echo "$target"
