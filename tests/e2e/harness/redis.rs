//! A Redis server for a single test: the installed `redis-server`, or a container of the image REDIS_IMAGE.

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
/// The time limit for starting Redis, including the time to pull its image.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Runs a server until the stdin of the script is closed, which happens when the tests end.
const SCRIPT: &str = r#""$@" >/dev/null & read -r _; kill -9 "$!""#;

/// A Redis server that is stopped when this value is dropped. The methods block.
pub(crate) struct Redis {
    port: u16,
    running: Option<Child>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        // Chooses a port below the ephemeral ports, so that the port is still free for a second start.
        let somewhere = u16::try_from(Uuid::new_v4().as_u128() % 10_000).expect("a small number");
        let port = local_postgres::free_port(Some(10_000 + somewhere)).expect("a free port");
        let mut redis = Self { port, running: None };
        redis.restart();
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

    /// Starts an empty server. Blocks until it responds.
    pub(crate) fn restart(&mut self) {
        let mut child = command(self.port).stdin(Stdio::piped()).spawn().expect("a process");
        let started = Instant::now();
        while self.ask("PING").is_err() {
            let ended = child.try_wait().expect("a status");
            assert!(
                ended.is_none() && started.elapsed() < TIMEOUT,
                "cannot start Redis ({ended:?}). Install redis-server, or set REDIS_IMAGE to a Docker image."
            );
            sleep(Duration::from_millis(20));
        }
        self.running = Some(child);
    }

    /// Makes the server hang for a minute.
    pub(crate) fn pause(&self) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(b"CLIENT PAUSE 60000 ALL\r\n")?;
        stream.read_exact(&mut [0; "+OK\r\n".len()])
    }

    /// Sends a command and returns the raw reply.
    pub(crate) fn ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "{command}\r\nQUIT\r\n")?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        let reply = reply.strip_suffix("+OK\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
        Ok(reply.to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns a command that runs the server on this machine or in a container.
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
    // Redis writes no files, and listens only on the loopback interface or inside the container.
    command.args(["--save", "", "--appendonly", "no", "--protected-mode", "no"]);
    command.args(if is_local { ["--bind", "127.0.0.1"] } else { ["--bind", "0.0.0.0"] });
    command
}
