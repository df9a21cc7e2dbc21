# Replaces the official `rust` image on networks without a container registry.
# `cargo xtask base-images` builds this image. SYSTEM is a minimal Debian with a C toolchain, and the
# build context `toolchain` is the rustup toolchain of this machine, for HOST.
ARG SYSTEM
FROM ${SYSTEM}

ARG HOST
COPY --from=toolchain bin /usr/local/bin
COPY --from=toolchain libexec /usr/local/libexec
COPY --from=toolchain lib/lib* /usr/local/lib/
# Copies only the libraries for HOST, because rustlib may contain other targets too.
COPY --from=toolchain lib/rustlib/${HOST} /usr/local/lib/rustlib/${HOST}

ARG RUST_VERSION
ENV RUST_VERSION=${RUST_VERSION}
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["bash"]
