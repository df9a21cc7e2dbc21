//! Controls nginx, which passes requests to the replicas.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{image::Images, replicas::Replica, server::Server};
use context::process;

/// The name of the Compose service.
const NGINX: &str = "nginx";

/// Writes the argument as the list of replicas, reloads nginx, waits until the old workers no longer accept
/// connections, and prints the process ids of the old workers.
const RELOAD: &str = r#"
workers=$(grep -ls '^nginx: worker' /proc/[0-9]*/cmdline | cut -d/ -f3 | tr '\n' ' ')
printf %s "$1" >/run/nginx/replicas.new
mv /run/nginx/replicas.new /run/nginx/replicas.conf
nginx -c /run/nginx/nginx.conf -e /dev/stderr -t -q
nginx -c /run/nginx/nginx.conf -e /dev/stderr -s reload
is_accepting() {
    grep -qs '^nginx: worker' /proc/$1/cmdline && ! grep -qs 'shutting down' /proc/$1/cmdline
}
tries=0
for worker in $workers; do
    while is_accepting $worker && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
done
echo $workers
"#;

/// Waits until the workers have exited, slightly longer than `worker_shutdown_timeout`. Prints a worker that is still
/// running after that time.
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

/// The Docker format for the published ports of a container.
const PORTS: &str = "{{range .HostConfig.PortBindings}}{{range .}}{{.HostPort}} {{end}}{{end}}";

/// The number of attempts to run a script.
const ATTEMPTS: u32 = 3;

/// The time within which nginx must reach the API.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The ports at which nginx responds without the PROXY protocol: now, and in releases without the first port.
const READINESS_PORTS: [u16; 2] = [8081, 8080];

/// The running nginx container.
pub(super) struct Proxy<'a> {
    pub(super) server: &'a Server<'a>,
    pub(super) container: String,
}

/// The process ids of nginx workers that still use the previous list of replicas.
pub(super) struct OldWorkers(String);

impl<'a> Proxy<'a> {
    pub(super) fn find(server: &'a Server<'a>) -> anyhow::Result<Option<Self>> {
        Ok(server.container(NGINX)?.map(|container| Self { server, container }))
    }

    /// Checks that nginx can start with the new configuration, certificate and ports.
    ///
    /// # Errors
    /// nginx would not start. The error contains the message of nginx.
    pub(super) fn check(server: &Server, images: &Images) -> anyhow::Result<()> {
        let existing = server.containers(NGINX, &["running", "restarting"])?;
        let ports = match existing.first() {
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
            .context("nginx would not start. Check docker/nginx, HTTP_PORT and HTTPS_PORT")?;
        Ok(())
    }

    /// Starts nginx. Replaces the container if it crashes repeatedly, or if its image or settings have changed.
    pub(super) fn start(server: &'a Server<'a>, images: &Images) -> anyhow::Result<Self> {
        for broken in server.containers(NGINX, &["restarting"])? {
            process::output(&mut server.docker(["rm", "--force", &broken]))?;
        }
        process::output(&mut server.compose(images, &["up", "--detach", "--no-deps", NGINX]))?;
        Self::find(server)?
            .context("nginx does not keep running. See `cargo xtask logs --production nginx`.")
    }

    /// Sends new requests only to these replicas. The returned workers still finish earlier requests.
    pub(super) fn point_at(&self, replicas: &[Replica]) -> anyhow::Result<OldWorkers> {
        let mut text = String::new();
        for replica in replicas {
            writeln!(text, "server {}:5000 resolve;", replica.name)?;
        }
        writeln!(text, "server api:5000 resolve backup;")?;
        self.run(RELOAD, &text).map(OldWorkers).context(
            "nginx rejects the list of replicas. See `cargo xtask logs --production nginx`.",
        )
    }

    /// Waits until the old workers have finished their requests.
    pub(super) fn drain(&self, workers: &OldWorkers) -> anyhow::Result<()> {
        let busy = self.run(DRAIN, &workers.0).context(
            "cannot check if nginx has finished the requests to the old replicas. Run the command again.",
        )?;
        if !busy.is_empty() {
            bail!(
                "old replicas still have requests in flight. The next deploy removes these replicas."
            );
        }
        Ok(())
    }

    /// Runs a repeatable script in the container and returns its output. Retries because a busy engine sometimes fails
    /// to start a process.
    fn run(&self, script: &str, argument: &str) -> anyhow::Result<String> {
        let exec = ["exec", &self.container, "sh", "-euc", script, "sh", argument];
        let mut attempt = 1;
        loop {
            match process::output(&mut self.server.docker(exec)) {
                Err(_) if attempt < ATTEMPTS => thread::sleep(Duration::from_millis(500)),
                result => return result,
            }
            attempt += 1;
        }
    }

    /// Waits until the API is ready when called through nginx.
    ///
    /// # Errors
    /// The API is not ready in time, or nginx cannot reach the API.
    pub(super) fn verify(&self, replica: &Replica) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            match self.check_readiness(&replica.id) {
                Ok(()) => return Ok(()),
                Err(error) if started.elapsed() > TIMEOUT => {
                    return Err(error.context(
                        "nginx does not reach the API. See `cargo xtask logs --production nginx`.",
                    ));
                }
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Calls the readiness endpoint through nginx. The call runs in the container `replica`.
    pub(super) fn check_readiness(&self, replica: &str) -> anyhow::Result<()> {
        let network = format!("{}_front", self.server.name());
        let format = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
        let mut inspect = self.server.docker(["inspect", "--format", &format, &self.container]);
        let address = process::output(&mut inspect)?;
        let check = |port: u16| {
            let listen = format!("API_LISTEN={address}:{port}");
            let check = ["exec", "--env", &listen, replica, "/api", "healthcheck"];
            process::output(&mut self.server.docker(check))
        };
        let [port, older] = READINESS_PORTS;
        check(port).or_else(|_| check(older))?;
        Ok(())
    }
}
