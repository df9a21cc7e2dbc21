//! Changes the password of the superuser without the current password.

use std::io::Write;
use std::process::Stdio;

use super::{Cluster, Credentials, Status, Stop};
use crate::Error;

impl Cluster {
    /// Changes the password of `credentials.user` to `credentials.password`.
    ///
    /// Uses single-user mode, which needs no password and is open only to the owner of the files. A
    /// running server is restarted on the same port. No row is changed.
    ///
    /// # Errors
    /// Returns [`Error::Password`] if PostgreSQL rejects the change, and the errors of
    /// [`Cluster::stop`] and [`Cluster::start`].
    pub fn set_password(&self, credentials: &Credentials<'_>) -> Result<(), Error> {
        let status = self.status()?;
        self.check_version()?;
        self.stop(Stop::Fast)?;
        self.clear_pid_file()?;
        let changed = self.change_password(credentials);
        if let Status::Running { port, .. } = status {
            self.start(port)?;
        }
        changed
    }

    fn change_password(&self, credentials: &Credentials<'_>) -> Result<(), Error> {
        let _lock = self.lock()?;
        let Credentials { user, password } = credentials;
        let (user, password) = (user.replace('"', "\"\""), password.replace('\'', "''"));
        let mut server = self.command("postgres");
        server.arg("--single").arg("-D").arg(self.data());
        // These options make single-user mode fail after an error. By default, it ignores errors.
        server.args(["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "postgres"]);
        server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let program = self.installation.program("postgres");
        let mut change = || {
            let mut child = server.spawn()?;
            let mut input = child.stdin.take().expect("stdin is piped");
            // If the server has exited, its output contains the reason. Otherwise, closing stdin stops
            // the server.
            let _ = writeln!(input, "ALTER ROLE \"{user}\" PASSWORD '{password}'");
            drop(input);
            child.wait_with_output()
        };
        let output = change().map_err(Error::io("run", &program))?;
        if output.status.success() {
            return Ok(());
        }
        let output = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Error::Password { output })
    }
}
