//! Gives the superuser another password without knowing the one it has.

use std::io::Write;
use std::process::Stdio;

use super::{Cluster, Credentials, Status, Stop};
use crate::Error;

impl Cluster {
    /// Changes the password of `credentials.user` to `credentials.password`.
    ///
    /// In single-user mode, which asks for none and which only the owner of the files can enter. A
    /// running server is stopped for that moment and started again on its port. No row is touched.
    ///
    /// # Errors
    /// [`Error::Password`] with what PostgreSQL says, as when there is no such user, and those of
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
        // Else it would go on after an error, and end as if there had been none.
        server.args(["-c", "exit_on_error=on", "-c", "log_min_error_statement=panic", "postgres"]);
        server.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let program = self.installation.program("postgres");
        let mut change = || {
            let mut child = server.spawn()?;
            let mut input = child.stdin.take().expect("it is piped");
            // Closed at the end of the statement, which ends the server. If it has ended already,
            // its output tells why.
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
