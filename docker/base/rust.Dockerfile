# Stands in for the official `rust` image where no registry can be reached.
# `cargo xtask base-images` builds it: SYSTEM is a minimal Debian with a C toolchain, and the
# build context `toolchain` is this machine's own Rust as rustup installed it, for HOST.
ARG SYSTEM
FROM ${SYSTEM}

ARG HOST
COPY --from=toolchain bin /usr/local/bin
COPY --from=toolchain libexec /usr/local/libexec
COPY --from=toolchain lib/lib* /usr/local/lib/
# Not all of rustlib, where the libraries of other targets are too.
COPY --from=toolchain lib/rustlib/${HOST} /usr/local/lib/rustlib/${HOST}

ARG RUST_VERSION
ENV RUST_VERSION=${RUST_VERSION}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["bash"]
