//! nginx: to which replicas it passes requests.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::{Server, image::Images, replicas::Replica};
use crate::process;

/// Longer than `worker_shutdown_timeout` in docker/nginx/nginx.conf.
const PATIENCE: Duration = Duration::from_secs(65);
/// How long nginx may take to look up the names of new replicas.
const SETTLING: Duration = Duration::from_secs(2);

/// Prints the workers there are, takes what comes as the replicas, and has nginx read it.
const READ_ANEW: &str = r"
grep -ls 'nginx: worker' /proc/[0-9]*/cmdline | cut -d/ -f3 | tr '\n' ' '
cat >/run/nginx/replicas.new
mv /run/nginx/replicas.new /run/nginx/replicas.conf
nginx -c /run/nginx/nginx.conf -e /dev/stderr -t -q && nginx -c /run/nginx/nginx.conf -e /dev/stderr -s reload
";

/// nginx, where it runs.
pub(super) struct Proxy<'a> {
    server: &'a Server<'a>,
    container: String,
}

/// The processes of nginx that still pass requests to where they went before.
pub(super) struct Former(String);

impl<'a> Proxy<'a> {
    pub(super) fn find(server: &'a Server<'a>) -> anyhow::Result<Option<Self>> {
        Ok(server.container("nginx")?.map(|container| Self { server, container }))
    }

    /// Starts nginx, or starts it anew if its image or its settings are others.
    pub(super) fn start(server: &'a Server<'a>, images: &Images) -> anyhow::Result<Self> {
        let up = ["up", "--detach", "--no-deps", "nginx"];
        process::ask(&mut server.compose(images, &up))?;
        Self::find(server)?.context("nginx does not stay up: `cargo xtask logs nginx` tells why")
    }

    /// From now on new requests go to these alone. Those of [`Former`] go on.
    pub(super) fn point_at(&self, replicas: &[Replica]) -> anyhow::Result<Former> {
        let mut text = String::new();
        for replica in replicas {
            writeln!(text, "server {}:5000 resolve;", replica.name)?;
        }
        writeln!(text, "server api:5000 resolve backup;")?;
        let mut exec = self.server.docker(["exec", "--interactive", &self.container]);
        let mut child = exec
            .args(["sh", "-euc", READ_ANEW])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start docker")?;
        child.stdin.take().context("it is piped")?.write_all(text.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("nginx refuses: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let former = Former(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        self.settle(&former);
        Ok(former)
    }

    /// Waits until every former process takes no more connections.
    fn settle(&self, former: &Former) {
        let script = "for pid in $0; do cd /proc/$pid 2>/dev/null || continue; \
             ! grep -qs 'nginx: worker' cmdline || grep -qs 'shutting down' cmdline || exit 1; done";
        self.wait(script, former, SETTLING);
    }

    /// Waits until every request has ended that went where it goes no more.
    pub(super) fn drain(&self, former: &Former) -> anyhow::Result<()> {
        let script =
            "for pid in $0; do ! grep -qs 'nginx: worker' /proc/$pid/cmdline || exit 1; done";
        if !self.wait(script, former, PATIENCE) {
            bail!("requests are still in flight after {} seconds", PATIENCE.as_secs());
        }
        Ok(())
    }

    fn wait(&self, script: &str, former: &Former, patience: Duration) -> bool {
        let started = Instant::now();
        let check = ["exec", &self.container, "sh", "-c", script, &former.0];
        while process::ask(&mut self.server.docker(check)).is_err() {
            if started.elapsed() > patience {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// Asks through nginx whether the API can do its work.
    ///
    /// # Errors
    /// It cannot, or nginx does not find it.
    pub(super) fn verify(&self, replica: &Replica) -> anyhow::Result<()> {
        let network = format!("{}_front", self.server.name());
        let format = format!("{{{{(index .NetworkSettings.Networks {network:?}).IPAddress}}}}");
        let address =
            self.server.docker(["inspect", "--format", &format, &self.container]).output();
        let address = String::from_utf8_lossy(&address?.stdout).trim().to_owned();
        let listen = format!("API_LISTEN={address}:8080");
        let check = ["exec", "--env", &listen, &replica.id, "/api", "healthcheck"];
        let started = Instant::now();
        loop {
            match process::ask(&mut self.server.docker(check)) {
                Ok(_) => return Ok(()),
                Err(error) if started.elapsed() > SETTLING * 2 => {
                    return Err(error.context("nginx does not reach the API"));
                }
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}
