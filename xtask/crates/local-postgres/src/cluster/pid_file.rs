//! Reads `postmaster.pid`, the lock file of a running server.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Error;
use crate::process::Process;

/// The content of `postmaster.pid`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) port: u16,
    /// True if the server accepts connections.
    pub(super) ready: bool,
}

/// The process that now has the process id in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The server of this data folder, or a PostgreSQL whose data folder is unknown.
    Server,
    /// A PostgreSQL with another data folder.
    OtherPostgres,
    /// Another program, or no process.
    Nobody,
}

impl PidFile {
    pub(super) fn path(data: &Path) -> PathBuf {
        data.join("postmaster.pid")
    }

    /// Reads the file. Returns `None` if the file is missing or invalid.
    pub(super) fn read(data: &Path) -> Result<Option<Self>, Error> {
        let path = Self::path(data);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        // The lines are pid, data folder, start time, port, socket folder, address, shared memory
        // key and status.
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            ready: lines.get(7) == Some(&"ready"),
        })
    }

    /// Returns which process has the process id now. After a crash, another program can have the id.
    pub(super) fn holder(&self, data: &Path) -> Result<Holder, Error> {
        let found = Process::find(self.pid).map_err(Error::io("look up the process in", data))?;
        Ok(found.map_or(Holder::Nobody, |process| classify(&process, data)))
    }
}

fn classify(process: &Process, data: &Path) -> Holder {
    let Process { program, command } = process;
    let file = program.rsplit(['/', '\\']).next().unwrap_or(program);
    if !file.contains("postgres") && !file.contains("postmaster") {
        return Holder::Nobody;
    }
    let names_ours = format!("{command} ").contains(&format!("-D {} ", data.display()));
    // The process is a child of a server ("postgres: checkpointer") or a server with another data folder.
    let is_other = command.starts_with("postgres: ") || command.contains(" -D /");
    if is_other && !names_ours {
        return Holder::OtherPostgres;
    }
    // The process is assumed to be the server, because the command line may not contain the folder (Windows).
    Holder::Server
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_reads_pid_port_and_status() {
        let read = |status: &str| {
            PidFile::parse(&format!("4711\n/data\n1700000000\n5433\n\n127.0.0.1\n 1 2\n{status}"))
        };
        let file = read("ready   \n").expect("the file is complete");
        assert_eq!((file.pid, file.port, file.ready), (4711, 5433, true));
        assert!(!read("starting\n").expect("the file is complete").ready);
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn classify_compares_the_command_line_with_the_data_folder() {
        let holder = |program: &str, command: &str| {
            let (program, command) = (program.to_owned(), command.to_owned());
            classify(&Process { program, command }, "/my/data".as_ref())
        };
        let postgres = |command: &str| holder("/a b/bin/postgres", command);
        assert_eq!(postgres("/a b/bin/postgres -D /my/data -p 1"), Holder::Server);
        assert_eq!(postgres("/a b/bin/postgres -D /my/data"), Holder::Server);
        assert_eq!(postgres("/a b/bin/postgres"), Holder::Server);
        assert_eq!(holder("postgres.exe", "postgres.exe"), Holder::Server);
        assert_eq!(postgres("/a b/bin/postgres -D /my/data2"), Holder::OtherPostgres);
        assert_eq!(postgres("postgres: checkpointer"), Holder::OtherPostgres);
        assert_eq!(holder("vim", "vim -D /my/data"), Holder::Nobody);
    }
}
