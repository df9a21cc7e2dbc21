//! The system user a server runs as when we are root: PostgreSQL refuses root itself.

#[cfg(not(unix))]
pub(crate) use other::ServerUser;
#[cfg(unix)]
pub(crate) use unix::ServerUser;

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, lchown};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::Command;
    use std::{fs, io};

    use crate::Error;

    /// A user of `/etc/passwd` who is not root.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct ServerUser {
        uid: u32,
        gid: u32,
    }

    impl ServerUser {
        /// Returns the user to run the server in `folder` as; `None` when that is ourselves.
        ///
        /// Else it is the owner of `folder`, or of the first folder above that exists (who
        /// has called us with sudo), then `postgres`, then `nobody`.
        pub(crate) fn find(folder: &Path) -> Result<Option<Self>, Error> {
            let own = own_uid().map_err(Error::io("find our user by", "id".as_ref()))?;
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

        /// Whether this user may go through every folder above `path`.
        pub(crate) fn reaches(self, path: &Path) -> bool {
            let mut above = path.ancestors().skip(1);
            above.all(|folder| fs::metadata(folder).map_or(true, |found| self.enters(&found)))
        }

        fn enters(self, folder: &fs::Metadata) -> bool {
            let execute = match (folder.uid() == self.uid, folder.gid() == self.gid) {
                (true, _) => 0o100,
                (false, true) => 0o010,
                (false, false) => 0o001,
            };
            folder.mode() & execute != 0
        }

        /// Gives `path` to this user.
        pub(crate) fn own(self, path: &Path) -> io::Result<()> {
            lchown(path, Some(self.uid), Some(self.gid))
        }

        /// Makes `command` run as this user.
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

    /// The first of `users` whose name and uid are `wanted`.
    fn find_user(users: &str, wanted: impl Fn(&str, u32) -> bool) -> Option<ServerUser> {
        users.lines().find_map(|line| {
            // name:password:uid:gid:...
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
        fn a_user_is_read_from_passwd() {
            let users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533:::\n";
            let user = |wanted| find_user(users, |name, _| name == wanted);
            let nobody = user("nobody").expect("nobody is there");
            assert_eq!((nobody.uid, nobody.gid), (65534, 65533));
            assert!(user("postgres").is_none());
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;
    use std::path::Path;
    use std::process::Command;

    use crate::Error;

    /// Nobody: on Windows initdb and `pg_ctl` drop an administrator's rights themselves.
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum ServerUser {}

    impl ServerUser {
        #[expect(clippy::unnecessary_wraps, reason = "on Unix it can fail")]
        pub(crate) fn find(_: &Path) -> Result<Option<Self>, Error> {
            Ok(None)
        }

        pub(crate) fn reaches(self, _: &Path) -> bool {
            match self {}
        }

        pub(crate) fn own(self, _: &Path) -> io::Result<()> {
            match self {}
        }

        pub(crate) fn run(self, _: &mut Command) {
            match self {}
        }
    }
}
