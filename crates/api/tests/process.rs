//! Tests of the server as a process: settings, log and signals. No database is necessary.
#![cfg(unix)]

use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStderr, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

struct Process {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
    address: SocketAddr,
}

impl Process {
    /// Starts the server in production with these variables, and waits until it listens.
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).spawn().expect("the server starts");
        let mut log = BufReader::new(child.stderr.take().expect("stderr is a pipe")).lines();
        let line = find(&mut log, r#""message":"listening""#);
        let address = text(&line, "address").parse().expect("an address");
        Self { child, log, address }
    }

    /// Sends a GET request with this header line, and returns the response.
    fn get(&self, path: &str, line: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("the server accepts");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("the server reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("a response");
        response
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh starts").success());
    }

    fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("an exit status")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Errors are ignored, because the process may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(variables: &[(&str, &str)]) -> Command {
    // Starts the server through a shell, because one test limits the number of open files with `ulimit`.
    let limited = "test -z \"$FILES\" || ulimit -n \"$FILES\"; exec \"$0\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_api")]).stderr(Stdio::piped()).env_clear();
    command.envs([
        ("APP_ENV", "production"),
        ("API_LISTEN", "127.0.0.1:0"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing"),
    ]);
    command.envs(variables.iter().copied());
    command
}

/// Returns the value of a field in a line of the log.
fn text<'a>(line: &'a str, field: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("\"{field}\":\"")).expect("the field exists");
    rest.split_once('"').expect("a closing quote").0
}

/// Returns the next line of the log that contains `text`.
fn find(log: &mut Lines<BufReader<ChildStderr>>, text: &str) -> String {
    let mut lines = log.map(|line| line.expect("UTF-8"));
    lines
        .find(|line| line.contains(text))
        .unwrap_or_else(|| panic!("the log does not contain {text}"))
}

#[test]
fn invalid_settings_are_all_named_and_exit_with_78() {
    let variables = [
        ("API_MAX_CONNECTIONS", "0"),
        ("API_CORS_ORIGINS", "*"),
        ("DATABASE_URL", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ];
    let output = command(&variables).output().expect("the server starts");
    assert_eq!(output.status.code(), Some(78));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    for (name, _) in variables {
        assert!(text.contains(name), "{name} is not named in {text}");
    }
}

#[test]
fn listen_stdin_without_a_socket_is_an_error() {
    let mut command = command(&[("API_LISTEN", "stdin")]);
    let output = command.stdin(Stdio::null()).output().expect("the server starts");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.contains("API_LISTEN=stdin requires a listening socket"), "{text}");
}

#[test]
fn request_log_has_ids_and_no_path() {
    let mut process = Process::start(&[]);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("X-Request-Id: mine\r\nTraceparent: 00-{trace}-00f067aa0ba902b7-01");
    process.get("/secret?token=secret", &header);
    let line = find(&mut process.log, r#""message":"answered""#);
    for part in [
        r#""method":"GET""#,
        r#""route":"""#,
        r#""status":404"#,
        r#""microseconds":"#,
        r#""request_id":"mine""#,
        &format!(r#""trace_id":"{trace}""#),
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!line.contains("secret"), "{line}");
    process.get("/other", "Traceparent: 00-nonsense-01");
    assert!(!find(&mut process.log, r#""message":"answered""#).contains("trace_id"));
}

#[test]
fn shutdown_writes_the_log_lines_of_all_requests() {
    let mut process = Process::start(&[]);
    // The test reads the log only at the end, so all lines must fit into the buffer of the pipe.
    let ids: Vec<_> = (0..100).map(|number| format!("id-{number}")).collect();
    let mut stream = TcpStream::connect(process.address).expect("the server accepts");
    let requests = ids.iter().enumerate().map(|(number, id)| {
        let connection = if number + 1 < ids.len() { "keep-alive" } else { "close" };
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\nX-Request-Id: {id}\r\n\r\n"
        )
    });
    stream.write_all(requests.collect::<String>().as_bytes()).expect("the server reads");
    stream.read_to_end(&mut Vec::new()).expect("responses");
    process.signal("TERM");
    let lines = process.log.by_ref().map(|line| line.expect("UTF-8"));
    let lines: Vec<_> = lines.filter(|line| line.contains("answered")).collect();
    let logged: Vec<_> = lines.iter().map(|line| text(line, "request_id")).collect();
    assert_eq!(logged, ids);
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn signal_stops_the_server() {
    for name in ["TERM", "INT"] {
        let process = Process::start(&[]);
        process.signal(name);
        assert_eq!(process.wait().code(), Some(0), "{name}");
    }
}

#[test]
fn draining_server_serves_until_a_second_signal_kills_it() {
    let mut process = Process::start(&[("API_DRAIN_SECONDS", "60")]);
    process.signal("TERM");
    find(&mut process.log, "shutting down");
    assert!(process.get("/health/live", "A: b").starts_with("HTTP/1.1 200 "));
    assert!(process.get("/health/ready", "A: b").starts_with("HTTP/1.1 503 "));
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(1));
}

#[test]
fn server_recovers_from_too_many_open_files() {
    let mut process = Process::start(&[("FILES", "40")]);
    let started = Instant::now();
    let held: Vec<_> = (0..60).map(|_| TcpStream::connect(process.address)).collect();
    for _ in 0..4 {
        find(&mut process.log, "cannot accept connections");
    }
    // The server must wait between two attempts. Without the wait, many errors are logged in a few milliseconds.
    assert!(started.elapsed() >= Duration::from_millis(300));
    drop(held);
    assert!(process.get("/health/live", "A: b").starts_with("HTTP/1.1 200 "));
    process.signal("TERM");
    assert_eq!(process.wait().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn worker_threads_setting_is_applied() {
    let process = Process::start(&[("API_WORKER_THREADS", "3")]);
    let tasks = format!("/proc/{}/task", process.child.id());
    let workers = || {
        let tasks =
            std::fs::read_dir(&tasks).expect("the server runs").map(|task| task.expect("a task"));
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        tasks.filter_map(|task| name(task).ok()).filter(|name| name.contains("tokio")).count()
    };
    // A new thread gets its name shortly after its start, so the test polls.
    let started = Instant::now();
    while workers() < 3 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(workers(), 3);
}
