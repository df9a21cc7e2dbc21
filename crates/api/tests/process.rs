//! The server as a process: its settings, its log and its signals. It needs no database for these.
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
    /// The server in production, with these variables set, once it listens.
    fn start(variables: &[(&str, &str)]) -> Self {
        let mut child = command(variables).spawn().expect("a process");
        let mut log = BufReader::new(child.stderr.take().expect("it is a pipe")).lines();
        let line = find(&mut log, r#""message":"listening""#);
        let address = text(&line, "address").parse().expect("an address");
        Self { child, log, address }
    }

    /// The answer to a GET with this header line.
    fn get(&self, path: &str, line: &str) -> String {
        let mut stream = TcpStream::connect(self.address).expect("a connection");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{line}\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    fn end(mut self) -> ExitStatus {
        self.child.wait().expect("an end")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(variables: &[(&str, &str)]) -> Command {
    // The limit is that of one test; what runs is the server.
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

/// The text of a field in a line of the log.
fn text<'a>(line: &'a str, field: &str) -> &'a str {
    let (_, rest) = line.split_once(&format!("\"{field}\":\"")).expect("a field");
    rest.split_once('"').expect("its end").0
}

/// The next line of the log that holds `text`.
fn find(log: &mut Lines<BufReader<ChildStderr>>, text: &str) -> String {
    let mut lines = log.map(|line| line.expect("UTF-8"));
    lines.find(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in the log"))
}

#[test]
fn unusable_settings_are_all_named_and_end_it_with_78() {
    let variables = [
        ("API_MAX_CONNECTIONS", "0"),
        ("API_CORS_ORIGINS", "*"),
        ("DATABASE_URL", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
    ];
    let output = command(&variables).output().expect("a process");
    assert_eq!(output.status.code(), Some(78));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    for (name, _) in variables {
        assert!(text.contains(name), "no {name} in {text}");
    }
}

#[test]
fn a_standard_input_that_is_no_socket_is_named() {
    let mut command = command(&[("API_LISTEN", "stdin")]);
    let output = command.stdin(Stdio::null()).output().expect("a process");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(text.contains("API_LISTEN=stdin: standard input is no listening socket"), "{text}");
}

#[test]
fn a_request_is_one_line_of_json_with_its_ids_and_without_its_path() {
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
        assert!(line.contains(part), "no {part} in {line}");
    }
    assert!(!line.contains("secret"), "{line}");
    process.get("/other", "Traceparent: 00-nonsense-01");
    assert!(!find(&mut process.log, r#""message":"answered""#).contains("trace_id"));
}

#[test]
fn of_many_requests_at_once_each_has_its_line_to_the_end() {
    let mut process = Process::start(&[]);
    // What is not read of the log meanwhile must fit into the pipe.
    let ids: Vec<_> = (0..100).map(|number| format!("id-{number}")).collect();
    let mut stream = TcpStream::connect(process.address).expect("a connection");
    let requests = ids.iter().enumerate().map(|(number, id)| {
        let connection = if number + 1 < ids.len() { "keep-alive" } else { "close" };
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\nX-Request-Id: {id}\r\n\r\n"
        )
    });
    stream.write_all(requests.collect::<String>().as_bytes()).expect("it reads");
    stream.read_to_end(&mut Vec::new()).expect("answers");
    process.signal("TERM");
    let lines = process.log.by_ref().map(|line| line.expect("UTF-8"));
    let lines: Vec<_> = lines.filter(|line| line.contains("answered")).collect();
    let logged: Vec<_> = lines.iter().map(|line| text(line, "request_id")).collect();
    assert_eq!(logged, ids);
    assert_eq!(process.end().code(), Some(0));
}

#[test]
fn a_signal_stops_it() {
    for name in ["TERM", "INT"] {
        let process = Process::start(&[]);
        process.signal(name);
        assert_eq!(process.end().code(), Some(0), "{name}");
    }
}

#[test]
fn while_it_drains_it_serves_and_a_second_signal_ends_it_at_once() {
    let mut process = Process::start(&[("API_DRAIN_SECONDS", "60")]);
    process.signal("TERM");
    find(&mut process.log, "stopping");
    assert!(process.get("/health/live", "A: b").starts_with("HTTP/1.1 200 "));
    assert!(process.get("/health/ready", "A: b").starts_with("HTTP/1.1 503 "));
    process.signal("TERM");
    assert_eq!(process.end().code(), Some(1));
}

#[test]
fn without_a_free_file_it_waits_and_then_serves_on() {
    let mut process = Process::start(&[("FILES", "40")]);
    let started = Instant::now();
    let held: Vec<_> = (0..60).map(|_| TcpStream::connect(process.address)).collect();
    for _ in 0..4 {
        find(&mut process.log, "cannot accept connections");
    }
    // One that does not wait between tries has said it thousands of times by then.
    assert!(started.elapsed() >= Duration::from_millis(300));
    drop(held);
    assert!(process.get("/health/live", "A: b").starts_with("HTTP/1.1 200 "));
    process.signal("TERM");
    assert_eq!(process.end().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn as_many_threads_answer_requests_as_it_is_told() {
    let process = Process::start(&[("API_WORKER_THREADS", "3")]);
    let tasks = format!("/proc/{}/task", process.child.id());
    let workers = || {
        let tasks = std::fs::read_dir(&tasks).expect("a process").map(|task| task.expect("a task"));
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        tasks.filter_map(|task| name(task).ok()).filter(|name| name.contains("tokio")).count()
    };
    // A thread gives itself its name.
    let started = Instant::now();
    while workers() < 3 && started.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(workers(), 3);
}
