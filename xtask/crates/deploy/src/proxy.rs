//! nginx, which passes requests to replicas.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{image::Images, replicas::Replica, server::Server};
use context::process;

/// The service.
const NGINX: &str = "nginx";

/// Takes its argument as the replicas, has nginx read it, waits until the workers there were take no more
/// connections, and prints them.
const READ_ANEW: &str = r#"
workers=$(grep -ls '^nginx: worker' /proc/[0-9]*/cmdline | cut -d/ -f3 | tr '\n' ' ')
printf %s "$1" >/run/nginx/replicas.new
mv /run/nginx/replicas.new /run/nginx/replicas.conf
nginx -c /run/nginx/nginx.conf -e /dev/stderr -t -q
nginx -c /run/nginx/nginx.conf -e /dev/stderr -s reload
takes_more() {
    grep -qs '^nginx: worker' /proc/$1/cmdline && ! grep -qs 'shutting down' /proc/$1/cmdline
}
tries=0
for worker in $workers; do
    while takes_more $worker && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
done
echo $workers
"#;

/// Waits until these workers have ended, a little longer than `worker_shutdown_timeout` has it, and prints one
/// that has not.
const DRAIN: &str = r"
tries=0
for worker in $1; do
    while grep -qs '^nginx: worker' /proc/$worker/cmdline; do
        [ $tries -lt 1300 ] || { echo $worker; exit; }
        sleep 0.05
        tries=$((tries + 1))
    done
done
";

/// The ports that lead to a container.
const PORTS: &str = "{{range .HostConfig.PortBindings}}{{range .}}{{.HostPort}} {{end}}{{end}}";

/// How often a script is started before it counts as failed.
const STARTS: u32 = 3;

/// How long nginx may take to find the API.
const TIMEOUT: Duration = Duration::from_secs(5);

/// nginx, where it runs.
pub(super) struct Proxy<'a> {
    pub(super) server: &'a Server<'a>,
    pub(super) container: String,
}

/// The processes of nginx that still pass requests to where they went before.
pub(super) struct Former(String);

impl<'a> Proxy<'a> {
    pub(super) fn find(server: &'a Server<'a>) -> anyhow::Result<Option<Self>> {
        Ok(server.container(NGINX)?.map(|container| Self { server, container }))
    }

    /// Has nginx as it is to be look at its configuration and the certificate, and take the ports that are new.
    ///
    /// # Errors
    /// It would not start; its reason.
    pub(super) fn check(server: &Server, images: &Images) -> anyhow::Result<()> {
        let there = server.containers(NGINX, &["running", "restarting"])?;
        let ports = match there.first() {
            Some(container) => {
                process::output(&mut server.docker(["inspect", "--format", PORTS, container]))?
            }
            None => String::new(),
        };
        let is_new = |port: u16| !ports.split(' ').any(|taken| taken == port.to_string());
        let publish: Vec<_> = [(server.plain_port, 8080), (server.tls_port, 8443)]
            .into_iter()
            .filter(|(port, _)| is_new(*port))
            .map(|(port, inside)| format!("--publish={}:{port}:{inside}", server.address))
            .collect();
        process::output(&mut server.run_once(images, &publish, NGINX, &["check"]))
            .context("nginx would not start as docker/nginx, HTTP_PORT and HTTPS_PORT have it")?;
        Ok(())
    }

    /// Starts nginx, or starts it anew if it ends each time, or its image or its settings are others.
    pub(super) fn start(server: &'a Server<'a>, images: &Images) -> anyhow::Result<Self> {
        for broken in server.containers(NGINX, &["restarting"])? {
            process::output(&mut server.docker(["rm", "--force", &broken]))?;
        }
        process::output(&mut server.compose(images, &["up", "--detach", "--no-deps", NGINX]))?;
        Self::find(server)?
            .context("nginx does not stay up: `cargo xtask logs --production nginx` tells why")
    }

    /// From now on new requests go to these alone. Those of [`Former`] go on.
    pub(super) fn point_at(&self, replicas: &[Replica]) -> anyhow::Result<Former> {
        let mut text = String::new();
        for replica in replicas {
            writeln!(text, "server {}:5000 resolve;", replica.name)?;
        }
        writeln!(text, "server api:5000 resolve backup;")?;
        self.run(READ_ANEW, &text).map(Former).context("nginx does not take the replicas")
    }

    /// Waits until every request has ended that went where it goes no more.
    pub(super) fn drain(&self, former: &Former) -> anyhow::Result<()> {
        let busy =
            self.run(DRAIN, &former.0).context("cannot tell whether requests are in flight")?;
        if !busy.is_empty() {
            bail!(
                "requests are still in flight: the replicas they are at stay, and the next deploy removes them"
            );
        }
        Ok(())
    }

    /// What a script prints in the container. Both may run again, and do if they fail: at times an engine that has
    /// much to do cannot start one.
    fn run(&self, script: &str, argument: &str) -> anyhow::Result<String> {
        let exec = ["exec", &self.container, "sh", "-euc", script, "sh", argument];
        let mut starts = 1;
        loop {
            match process::output(&mut self.server.docker(exec)) {
                Err(_) if starts < STARTS => thread::sleep(Duration::from_millis(500)),
                result => return result,
            }
            starts += 1;
        }
    }

    /// Waits until the API says through nginx that it can do its work.
    ///
    /// # Errors
    /// It cannot, or nginx does not find it.
    pub(super) fn verify(&self, replica: &Replica) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match self.ask(&replica.id) {
                Ok(()) => return Ok(()),
                Err(error) if started.elapsed() > TIMEOUT => {
                    return Err(error.context("nginx does not reach the API"));
                }
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Asks through nginx whether the API can do its work. A replica is who asks.
    pub(super) fn ask(&self, replica: &str) -> anyhow::Result<()> {
        let network = format!("{}_front", self.server.name());
        let format = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
        let mut inspect = self.server.docker(["inspect", "--format", &format, &self.container]);
        let listen = format!("API_LISTEN={}:8080", process::output(&mut inspect)?);
        let check = ["exec", "--env", &listen, replica, "/api", "healthcheck"];
        process::output(&mut self.server.docker(check))?;
        Ok(())
    }
}
