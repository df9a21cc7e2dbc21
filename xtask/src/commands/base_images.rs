//! `cargo xtask base-images`: builds base images from Debian packages and the Rust toolchain of this machine.

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use context::{env_file, project::Project, report};

/// Build the base images from Debian packages, for networks without a container registry
///
/// Builds slipway-base/rust, slipway-base/postgres and slipway-base/nginx, and sets RUST_IMAGE, POSTGRES_IMAGE and
/// NGINX_IMAGE in .env. Existing images are reused. To install newer packages, remove the images slipway-base/system
/// first.
#[derive(clap::Args)]
pub(crate) struct Args {}

impl Args {
    #[expect(clippy::unused_self, reason = "all commands have the same signature")]
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let sh = &project.shell;
        let toolchain = Toolchain::of_this_machine(sh)?;
        let debian = Debian::of_this_machine(sh)?;
        let (rust, postgres) = (rust(sh, &debian, &toolchain)?, postgres(sh, &debian)?);
        let nginx = nginx(sh, debian)?;
        env_file::create_if_missing(&project.root)?;
        let images = [
            ("RUST_IMAGE", rust.as_str()),
            ("POSTGRES_IMAGE", postgres.as_str()),
            ("NGINX_IMAGE", nginx.as_str()),
        ];
        env_file::set(&project.root, &images)?;
        for (name, image) in images {
            report::field(name, format!("{image} (set in .env)"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn rust(sh: &Shell, debian: &Debian, toolchain: &Toolchain) -> anyhow::Result<String> {
    let Toolchain { version, host, sysroot } = toolchain;
    let system = debian.system(sh, "rust", "ca-certificates,gcc,libc6-dev")?;
    let options = [
        format!("--build-arg=SYSTEM={system}"),
        format!("--build-arg=RUST_VERSION={version}"),
        format!("--build-arg=HOST={host}"),
        format!("--build-context=toolchain={sysroot}"),
    ];
    build(sh, format!("slipway-base/rust:{version}"), "rust.Dockerfile", &options)
}

fn postgres(sh: &Shell, debian: &Debian) -> anyhow::Result<String> {
    let system = debian.system(sh, "postgres", "postgresql")?;
    let major = cmd!(sh, "docker run --rm {system} ls /usr/lib/postgresql").quiet().read()?;
    let options = [format!("--build-arg=SYSTEM={system}")];
    build(sh, format!("slipway-base/postgres:{major}"), "postgres.Dockerfile", &options)
}

/// Builds the nginx image. Older Debian releases use the package of forky, because their own package is too old.
fn nginx(sh: &Shell, mut debian: Debian) -> anyhow::Result<String> {
    if ["bookworm", "trixie"].contains(&debian.codename.as_str()) {
        let main = |source: &String| source.ends_with(&format!(" {} main", debian.codename));
        let main = debian
            .sources
            .iter()
            .find(|it| main(it))
            .context("apt has no source with the section main")?;
        let (uri, _) =
            main.split_once(&debian.codename).context("an apt source does not name its release")?;
        // Accepts an expired index, because a mirror may be outdated. The signature of the index is still checked.
        let uri = uri.replacen("deb ", "deb [check-valid-until=no] ", 1);
        debian = Debian { sources: vec![format!("{uri}forky main")], codename: "forky".to_owned() };
    }
    let system = debian.system(sh, "nginx", "nginx")?;
    let version = cmd!(sh, "docker run --rm {system} nginx -v").quiet().ignore_stdout();
    let version = String::from_utf8(version.output()?.stderr)?;
    let version = version.trim().rsplit('/').next().unwrap_or_default().to_owned();
    let version = version.split(' ').next().unwrap_or_default();
    let image = format!("slipway-base/nginx:{version}");
    step(&image, cmd!(sh, "docker tag {system} {image}"))?;
    Ok(image)
}

fn build(sh: &Shell, image: String, file: &str, options: &[String]) -> anyhow::Result<String> {
    let docker = cmd!(sh, "docker build --quiet --tag {image} --file docker/base/{file}");
    step(&image, docker.args(options).arg("docker/base").env("DOCKER_BUILDKIT", "1"))?;
    Ok(image)
}

/// The Rust toolchain of this machine, which is copied into the image.
struct Toolchain {
    version: String,
    host: String,
    sysroot: String,
}

impl Toolchain {
    fn of_this_machine(sh: &Shell) -> anyhow::Result<Self> {
        let sysroot = cmd!(sh, "rustc --print sysroot").quiet().read()?;
        // Requires a Rust from rustup. If Debian installed Rust, the sysroot is /usr, which must not be copied.
        ensure!(
            Path::new(&sysroot).join("lib/rustlib/multirust-channel-manifest.toml").exists(),
            "the Rust in {sysroot} was not installed by rustup. Install Rust with rustup."
        );
        let about = cmd!(sh, "rustc --version --verbose").quiet().read()?;
        let value = |key: &str| {
            let found = about.lines().find_map(|line| line.strip_prefix(key));
            found.map(str::to_owned).with_context(|| format!("rustc does not print its {key}"))
        };
        Ok(Self { version: value("release: ")?, host: value("host: ")?, sysroot })
    }
}

/// The Debian or Ubuntu release of this machine and its package sources.
struct Debian {
    codename: String,
    sources: Vec<String>,
}

impl Debian {
    fn of_this_machine(sh: &Shell) -> anyhow::Result<Self> {
        if cmd!(sh, "apt-get --version").quiet().ignore_stdout().run().is_err() {
            bail!("apt-get was not found. Run this command on Debian or Ubuntu.");
        }
        let tools =
            [("docker", "install Docker"), ("mmdebstrap", "run sudo apt-get install mmdebstrap")];
        for (tool, remedy) in tools {
            if cmd!(sh, "{tool} --version").quiet().ignore_stdout().run().is_err() {
                bail!("{tool} was not found: {remedy}");
            }
        }
        let release = sh.read_file("/etc/os-release")?;
        let codename = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .context("/etc/os-release does not contain VERSION_CODENAME")?
            .trim_matches('"')
            .to_owned();
        // apt prints its sources in this format, independent of the format of its configuration files.
        let format = "$(ORIGIN) $(RELEASE) deb $(REPO_URI) $(RELEASE) $(COMPONENT)";
        let packages = "Created-By: Packages";
        let targets =
            cmd!(sh, "apt-get indextargets --format {format} {packages}").quiet().read()?;
        let sources = sources(&targets, &codename);
        ensure!(!sources.is_empty(), "apt has no packages of {codename}. Run sudo apt-get update.");
        Ok(Self { codename, sources })
    }

    /// Builds an image with these packages and their dependencies if it is missing, and returns its name.
    fn system(&self, sh: &Shell, purpose: &str, packages: &str) -> anyhow::Result<String> {
        let Self { codename, sources } = self;
        let image = format!("slipway-base/system:{purpose}-{codename}");
        let inspect = cmd!(sh, "docker image inspect {image}").quiet();
        if inspect.ignore_stdout().ignore_stderr().run().is_ok() {
            return Ok(image);
        }
        let dir = sh.create_temp_dir()?;
        let archive = dir.path().join("system.tar");
        // Deletes the database of the Debian package, because the container creates its own at the first start.
        let hook = r#"rm -rf "$1"/var/lib/postgresql/* "$1"/etc/postgresql/*"#;
        let mmdebstrap = cmd!(sh, "mmdebstrap --quiet --variant=minbase --include={packages}")
            .arg(format!("--customize-hook={hook}"))
            .args([codename.as_ref(), archive.as_os_str()])
            .args(sources);
        step(&format!("packages of {codename}: {packages}"), mmdebstrap)?;
        step(&image, cmd!(sh, "docker import {archive} {image}"))?;
        Ok(image)
    }
}

/// Returns the sources of the distribution itself from `targets` ("origin release source"), for mmdebstrap.
fn sources(targets: &str, codename: &str) -> Vec<String> {
    let pockets =
        [codename.to_owned(), format!("{codename}-updates"), format!("{codename}-security")];
    let mut sources: Vec<String> = targets
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(origin, _)| ["Debian", "Ubuntu"].contains(origin))
        .filter_map(|(_, rest)| rest.split_once(' '))
        .filter(|(release, _)| pockets.iter().any(|pocket| pocket == release))
        .map(|(_, source)| source.to_owned())
        .collect();
    // Removes duplicates, because apt lists each source once for each architecture.
    sources.sort();
    sources.dedup();
    sources
}

fn step(name: &str, command: Cmd<'_>) -> anyhow::Result<()> {
    report::stage("build", || {
        command.quiet().ignore_stdout().run().with_context(|| format!("cannot build {name}"))?;
        Ok(((), name.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::sources;

    #[test]
    fn sources_returns_only_those_of_the_distribution_and_release() {
        let targets = "\
Debian trixie deb http://packages.example.org/debian/ trixie main
Debian trixie deb http://packages.example.org/debian/ trixie main
Debian trixie-security deb http://packages.example.org/debian-security/ trixie-security main
Debian bookworm deb http://packages.example.org/debian/ bookworm main
Example trixie deb http://example.org/ trixie stable
";
        assert_eq!(
            sources(targets, "trixie"),
            [
                "deb http://packages.example.org/debian-security/ trixie-security main",
                "deb http://packages.example.org/debian/ trixie main",
            ]
        );
    }
}
