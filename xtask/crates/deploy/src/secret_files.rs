//! The files of the secrets, on this machine or on the server.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;

use crate::server::Server;
use context::process;

/// Returns the secrets folder of this machine. Creates the folder so that other users can never open it.
pub(super) fn private_folder(server: &Server) -> std::io::Result<PathBuf> {
    let folder = server.secrets_folder();
    fs::create_dir_all(folder.parent().unwrap_or(&folder))?;
    if !folder.exists() {
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700)
            .create(&folder)?;
        #[cfg(not(unix))]
        fs::create_dir(&folder)?;
    }
    #[cfg(unix)]
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(folder)
}

/// Writes a file that every user can read, because containers run as other users. The folder restricts access. The file
/// is overwritten in place, because containers have mounted it.
pub(super) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = || {
        #[cfg(unix)]
        if path.exists() {
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        }
        fs::write(path, text)?;
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o444))?;
        std::io::Result::Ok(())
    };
    written().with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file in the secrets folder of the server.
pub(super) fn copy(server: &Server, image: &str, name: &str, text: &str) -> anyhow::Result<()> {
    if server.host.is_none() {
        return write(&private_folder(server)?.join(name), text);
    }
    let mut copy = in_folder(server, image, r#"umask 022; cat >"$1""#, &[name]);
    process::run_with_input(&mut copy, text)
        .with_context(|| format!("cannot copy {name} to {}", server.place()))
}

/// Returns a command that runs a shell script in the secrets folder of the server. The folder is private before the
/// script runs, because Docker creates it for all users.
pub(super) fn in_folder(server: &Server, image: &str, script: &str, arguments: &[&str]) -> Command {
    let mount = format!("{}:/secrets", server.secrets_folder().display());
    let mut run = server.docker(["run", "--interactive", "--rm", "--network", "none"]);
    run.args(["--user", "0", "--volume", &mount, "--workdir", "/secrets", "--entrypoint", "sh"])
        .args([image, "-euc", &format!("chmod 700 .\n{script}"), "sh"])
        .args(arguments);
    run
}
