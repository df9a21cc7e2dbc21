//! Finds the processes that listen on a port of this machine.

use anyhow::Context;

/// A process that listens on a port.
pub struct Listener {
    /// The process ID.
    pub pid: u32,
    /// The name of its program.
    pub name: String,
}

/// Returns the processes that listen on `port` and are visible to this user.
#[cfg(target_os = "linux")]
pub fn on_port(port: u16) -> anyhow::Result<Vec<Listener>> {
    use std::fs;
    // If IPv6 is disabled, /proc/net/tcp6 does not exist, which is not an error.
    let v4 = fs::read_to_string("/proc/net/tcp").context("cannot read /proc/net/tcp")?;
    let v6 = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    let end = format!(":{port:04X}");
    let socket = |line: &str| {
        let fields: Vec<_> = line.split_whitespace().collect();
        // In these files, 0A means the state LISTEN.
        let is_it = fields.get(1)?.ends_with(&end) && fields[3] == "0A";
        is_it.then(|| format!("socket:[{}]", fields[9]))
    };
    let sockets: Vec<_> = v4.lines().chain(v6.lines()).filter_map(socket).collect();
    let has_one = |folder: &std::path::Path| {
        let files = fs::read_dir(folder.join("fd")).into_iter().flatten().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
    };
    let process = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path();
        let name = || fs::read_to_string(folder.join("comm")).unwrap_or_default();
        has_one(&folder).then(|| Listener { pid, name: name().trim().to_owned() })
    };
    Ok(fs::read_dir("/proc")?.flatten().filter_map(process).collect())
}

/// Returns the processes that listen on `port` and are visible to this user.
#[cfg(not(target_os = "linux"))]
pub fn on_port(port: u16) -> anyhow::Result<Vec<Listener>> {
    // Only macOS and Windows use this library, because it compiles slowly. Linux reads /proc.
    let all = listeners::get_all().map_err(|error| anyhow::anyhow!("{error}"));
    let all = all.context("cannot list the ports in use")?.into_iter();
    let on_it = all.filter(|listener| listener.socket.port() == port);
    Ok(on_it.map(|it| Listener { pid: it.process.pid, name: it.process.name }).collect())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, process};

    use super::on_port;

    #[test]
    fn on_port_finds_the_listening_process() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let port = listener.local_addr().expect("the listener has an address").port();
        let found = on_port(port).expect("the listeners can be read");
        let pids: Vec<_> = found.iter().map(|it| it.pid).collect();
        assert!(pids.contains(&process::id()), "{pids:?}");
    }
}
