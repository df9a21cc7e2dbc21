//! Finds a process by its id with `/proc` on Linux, `ps` on other Unixes and `tasklist` on Windows.

use std::process::Command;
use std::{fs, io};

/// A running process.
pub(crate) struct Process {
    /// The path of the program. On Windows, only the file name.
    pub(crate) program: String,
    /// The command line. On Windows, the same as `program`.
    pub(crate) command: String,
}

impl Process {
    /// Returns the process `pid`, or `None` if it has exited or is a zombie.
    pub(crate) fn find(pid: u32) -> io::Result<Option<Self>> {
        if cfg!(target_os = "linux") {
            Ok(from_proc(pid))
        } else if cfg!(windows) {
            from_tasklist(pid)
        } else {
            from_ps(pid)
        }
    }
}

fn from_proc(pid: u32) -> Option<Process> {
    // Every user can read this file. For a zombie process, the file is empty.
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_end_matches('\0');
    let program = line.split('\0').next().filter(|name| !name.is_empty())?;
    Some(Process { program: program.to_owned(), command: line.replace('\0', " ") })
}

fn from_ps(pid: u32) -> io::Result<Option<Process>> {
    let column = |name: &str| -> io::Result<String> {
        let pid = pid.to_string();
        let output = Command::new("ps").args(["-ww", "-p", &pid, "-o", name]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let (program, command) = (column("comm=")?, column("args=")?);
    Ok((!program.is_empty()).then_some(Process { program, command }))
}

fn from_tasklist(pid: u32) -> io::Result<Option<Process>> {
    let filter = format!("PID eq {pid}");
    let output = Command::new("tasklist").args(["/FI", &filter, "/FO", "CSV", "/NH"]).output()?;
    // The output is a line such as "postgres.exe","4711","Console","1","9,000 K".
    let table = String::from_utf8_lossy(&output.stdout);
    let program = table.split('"').nth(1).unwrap_or_default().to_owned();
    Ok(table.contains(&format!("\"{pid}\"")).then(|| Process { command: program.clone(), program }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn find_ignores_exited_processes() -> io::Result<()> {
        let own = Process::find(std::process::id())?.expect("this process is running");
        assert!(own.program.contains("local_postgres"), "{}", own.program);

        let mut child = Command::new(std::env::current_exe()?)
            .arg("--list")
            .stdout(std::process::Stdio::null())
            .spawn()?;
        // Waits until the child has exited. On Linux, the child then stays a zombie until `wait` is called.
        if cfg!(target_os = "linux") {
            std::thread::sleep(std::time::Duration::from_millis(500));
            assert!(Process::find(child.id())?.is_none());
        }
        child.wait()?;
        assert!(Process::find(child.id())?.is_none());
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn ps_finds_this_process() -> io::Result<()> {
        let own = from_ps(std::process::id())?.expect("this process is running");
        // The assertions check only the beginning, because Linux truncates names to 15 characters.
        assert!(own.program.contains("local_postgres"), "{}", own.program);
        assert!(own.command.contains("local_postgres"), "{}", own.command);
        assert!(from_ps(u32::from(u16::MAX) * 1000)?.is_none());
        Ok(())
    }
}
