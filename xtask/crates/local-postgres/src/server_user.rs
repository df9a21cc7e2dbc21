//! Selects the system user that runs the server, because PostgreSQL refuses to run as root.

#[cfg(not(unix))]
pub(crate) use other::ServerUser;
#[cfg(unix)]
pub(crate) use unix::ServerUser;

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, lchown};
    use std::os::unix::process::CommandExt;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{fs, io};

    use crate::Error;

    /// A user in `/etc/passwd` other than root.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct ServerUser {
        uid: u32,
        gid: u32,
    }

    impl ServerUser {
        /// Returns the user that runs the server in `folder`, or `None` if this process is not root.
        ///
        /// Prefers the owner of `folder` or of its first existing parent, then `postgres`, then `nobody`.
        pub(crate) fn find(folder: &Path) -> Result<Option<Self>, Error> {
            let own = own_uid().map_err(Error::io("find the current user with", "id".as_ref()))?;
            if own != 0 {
                return Ok(None);
            }
            let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
            let mut existing = folder.ancestors().filter_map(|path| fs::metadata(path).ok());
            let owner = existing.next().map_or(0, |found| found.uid());
            let named = |wanted: &str| find_user(&users, |name, _| name == wanted);
            find_user(&users, |_, uid| uid == owner && uid != 0)
                .or_else(|| named("postgres"))
                .or_else(|| named("nobody"))
                .map(Some)
                .ok_or(Error::NoServerUser)
        }

        /// Returns the first folder above `path` that this user cannot enter.
        pub(crate) fn blocked_by(self, path: &Path) -> Option<PathBuf> {
            let mut above = path.ancestors().skip(1);
            let is_closed =
                |folder: &&Path| fs::metadata(folder).is_ok_and(|found| !self.can_enter(&found));
            above.find(is_closed).map(Path::to_owned)
        }

        fn can_enter(self, folder: &fs::Metadata) -> bool {
            let execute = match (folder.uid() == self.uid, folder.gid() == self.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            folder.mode() & execute != 0
        }

        /// Makes this user the owner of `path`.
        pub(crate) fn chown(self, path: &Path) -> io::Result<()> {
            lchown(path, Some(self.uid), Some(self.gid))
        }

        /// Sets the user of `command`.
        pub(crate) fn run(self, command: &mut Command) {
            command.uid(self.uid).gid(self.gid);
        }
    }

    fn own_uid() -> io::Result<u32> {
        if cfg!(target_os = "linux") {
            return Ok(fs::metadata("/proc/self")?.uid());
        }
        let output = Command::new("id").arg("-u").output()?;
        let uid = String::from_utf8_lossy(&output.stdout);
        uid.trim().parse().map_err(io::Error::other)
    }

    /// Returns the first of `users` for which `wanted` returns true.
    fn find_user(users: &str, wanted: impl Fn(&str, u32) -> bool) -> Option<ServerUser> {
        users.lines().find_map(|line| {
            // Each line of /etc/passwd has the form name:password:uid:gid:...
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            wanted(name, uid).then_some(ServerUser { uid, gid })
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn find_user_reads_uid_and_gid() {
            let users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533:::\n";
            let user = |wanted| find_user(users, |name, _| name == wanted);
            let nobody = user("nobody").expect("the user nobody exists");
            assert_eq!((nobody.uid, nobody.gid), (65534, 65533));
            assert!(user("postgres").is_none());
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use crate::Error;

    /// An empty type. On Windows, `initdb` and `pg_ctl` drop administrator rights by themselves.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum ServerUser {}

    impl ServerUser {
        #[expect(clippy::unnecessary_wraps, reason = "the function can fail on Unix")]
        pub(crate) fn find(_: &Path) -> Result<Option<Self>, Error> {
            Ok(None)
        }

        pub(crate) fn blocked_by(self, _: &Path) -> Option<PathBuf> {
            match self {}
        }

        pub(crate) fn chown(self, _: &Path) -> io::Result<()> {
            match self {}
        }

        pub(crate) fn run(self, _: &mut Command) {
            match self {}
        }
    }
}
