# Replaces the official `postgres` image on networks without a container registry.
# `cargo xtask base-images` builds this image. SYSTEM is a minimal Debian with PostgreSQL.
ARG SYSTEM
FROM ${SYSTEM}

# Uses the ids and folders of the official image, so that both images can use the same volume.
RUN groupmod --gid 999 postgres \
    && usermod --uid 999 postgres \
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql \
    && install -d -o postgres -g postgres -m 3777 /var/run/postgresql \
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ \
    && sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" /usr/share/postgresql/*/postgresql.conf.sample

COPY postgres-entrypoint.sh /usr/local/bin/

ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV LANG=C.UTF-8
ENV PGDATA=/var/lib/postgresql/cluster
USER postgres
# SIGINT stops PostgreSQL quickly. It closes open sessions without losing committed data.
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["sh", "/usr/local/bin/postgres-entrypoint.sh"]
CMD ["postgres"]
