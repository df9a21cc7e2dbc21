# Stands in for the official `rust` image where no registry can be reached.
# `cargo xtask base-images` builds it: SYSTEM is a minimal Debian with a C toolchain,
# and the build context `toolchain` is this machine's own Rust, as rustup installed it.
ARG SYSTEM
FROM ${SYSTEM}

COPY --from=toolchain bin /usr/local/bin
COPY --from=toolchain lib /usr/local/lib
COPY --from=toolchain libexec /usr/local/libexec

ARG RUST_VERSION
ENV RUST_VERSION=${RUST_VERSION}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["bash"]
