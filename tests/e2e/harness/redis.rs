//! A Redis of one test's own: `redis-server` of this machine, or else of the image that REDIS_IMAGE names.

use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use uuid::Uuid;

const IMAGE: &str = "redis:8.2";
/// For an image to be pulled.
const PATIENCE: Duration = Duration::from_mins(2);
/// Runs a server until its own input ends, which it does when these tests end, however they do.
const SCRIPT: &str = r#""$@" >/dev/null & read -r _; kill -9 "$!""#;

/// Gone when this is dropped. Its methods block.
pub(crate) struct Redis {
    port: u16,
    running: Option<Child>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        // Below the ports that connections get as their own end: it must be free for a second start.
        let somewhere = u16::try_from(Uuid::new_v4().as_u128() % 10_000).expect("it is small");
        let port = local_postgres::free_port(Some(10_000 + somewhere)).expect("a free port");
        let mut redis = Self { port, running: None };
        redis.start_again();
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.stdin.take());
            running.wait().expect("a status");
        }
    }

    /// Starts it, empty; it answers when this returns.
    pub(crate) fn start_again(&mut self) {
        let mut child = command(self.port).stdin(Stdio::piped()).spawn().expect("a process");
        let started = Instant::now();
        while self.ask("PING").is_err() {
            let ended = child.try_wait().expect("a status");
            assert!(
                ended.is_none() && started.elapsed() < PATIENCE,
                "no Redis ({ended:?}): install redis-server, or Docker and an image, and name that in REDIS_IMAGE"
            );
            sleep(Duration::from_millis(20));
        }
        self.running = Some(child);
    }

    /// Has it answer nobody for a minute.
    pub(crate) fn pause(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"CLIENT PAUSE 60000 ALL\r\n")?;
        stream.read_exact(&mut [0; "+OK\r\n".len()])
    }

    /// What it says to a command, as it is sent.
    pub(crate) fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "{command}\r\nQUIT\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let answer = answer.strip_suffix("+OK\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(answer.to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A shell that runs it, here or in a container.
fn command(port: u16) -> Command {
    let local = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    let (port, is_local) = (port.to_string(), local.is_ok_and(|status| status.success()));
    let (mut command, server_port) = if is_local {
        (Command::new("sh"), port.as_str())
    } else {
        let image = env::var("REDIS_IMAGE").ok().filter(|image| !image.is_empty());
        let mut docker = Command::new("docker");
        docker.args(["run", "--rm", "--interactive", "--publish"]);
        docker.arg(format!("127.0.0.1:{port}:6379")).arg(image.as_deref().unwrap_or(IMAGE));
        docker.arg("sh");
        (docker, "6379")
    };
    command.args(["-c", SCRIPT, "sh", "redis-server", "--port", server_port]);
    // No file is written, and strangers reach neither a container's port nor this one.
    command.args(["--save", "", "--appendonly", "no", "--protected-mode", "no"]);
    command.args(if is_local { ["--bind", "127.0.0.1"] } else { ["--bind", "0.0.0.0"] });
    command
}
