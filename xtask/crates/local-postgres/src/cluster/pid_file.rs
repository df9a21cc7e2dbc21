//! `postmaster.pid`, by which a running server holds its data folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Error;
use crate::process::Process;

/// What a server wrote about itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub(super) pid: u32,
    pub(super) port: u16,
    /// Whether it accepts connections: not while it starts, recovers or stops.
    pub(super) ready: bool,
}

/// Whose the process id in the file is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// The server of this data folder, or one that may be.
    Server,
    /// A PostgreSQL of another data folder.
    OtherPostgres,
    /// A program's that is no PostgreSQL, or nobody's.
    Nobody,
}

impl PidFile {
    pub(super) fn path(data: &Path) -> PathBuf {
        data.join("postmaster.pid")
    }

    /// Reads the file; `None` when there is none, or none that a server can have written.
    pub(super) fn read(data: &Path) -> Result<Option<Self>, Error> {
        let path = Self::path(data);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Self::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &path)(error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        // pid, data folder, time of start, port, folder of the socket, address, key of
        // the shared memory, status.
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        Some(Self {
            pid: lines.first()?.parse().ok()?,
            port: lines.get(3)?.parse().ok()?,
            ready: lines.get(7) == Some(&"ready"),
        })
    }

    /// Whose the process id is now: after a crash it may be another program's.
    pub(super) fn holder(&self, data: &Path) -> Result<Holder, Error> {
        let found = Process::find(self.pid).map_err(Error::io("look up the process in", data))?;
        Ok(found.map_or(Holder::Nobody, |process| judge(&process, data)))
    }
}

fn judge(process: &Process, data: &Path) -> Holder {
    let Process { program, command } = process;
    let file = program.rsplit(['/', '\\']).next().unwrap_or(program);
    if !file.contains("postgres") && !file.contains("postmaster") {
        return Holder::Nobody;
    }
    let names_ours = format!("{command} ").contains(&format!("-D {} ", data.display()));
    // A server's children are called "postgres: checkpointer" and the like.
    let is_other = command.starts_with("postgres: ") || command.contains(" -D /");
    if is_other && !names_ours {
        return Holder::OtherPostgres;
    }
    // Started by hand, or on Windows, a server does not tell its folder: take it for ours.
    Holder::Server
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read() {
        let read = |status: &str| {
            PidFile::parse(&format!("4711\n/data\n1700000000\n5433\n\n127.0.0.1\n 1 2\n{status}"))
        };
        let file = read("ready   \n").expect("a whole file");
        assert_eq!((file.pid, file.port, file.ready), (4711, 5433, true));
        assert!(!read("starting\n").expect("a whole file").ready);
        assert_eq!(PidFile::parse(""), None);
    }

    #[test]
    fn a_process_is_judged_by_its_command() {
        let judged = |program: &str, command: &str| {
            let (program, command) = (program.to_owned(), command.to_owned());
            judge(&Process { program, command }, "/my/data".as_ref())
        };
        let ran = |command: &str| judged("/a b/bin/postgres", command);
        assert_eq!(ran("/a b/bin/postgres -D /my/data -p 1"), Holder::Server);
        assert_eq!(ran("/a b/bin/postgres -D /my/data"), Holder::Server);
        assert_eq!(ran("/a b/bin/postgres"), Holder::Server);
        assert_eq!(judged("postgres.exe", "postgres.exe"), Holder::Server);
        assert_eq!(ran("/a b/bin/postgres -D /my/data2"), Holder::OtherPostgres);
        assert_eq!(ran("postgres: checkpointer"), Holder::OtherPostgres);
        assert_eq!(judged("vim", "vim -D /my/data"), Holder::Nobody);
    }
}
