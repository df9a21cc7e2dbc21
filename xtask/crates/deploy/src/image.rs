//! Names and builds the images of a release.

use std::{env, fs, process::Command};

use anyhow::Context;

use crate::platform::Platform;
use context::{ca_certificates, fingerprint, git, process, project::Project, settings::Settings};

const SOURCE: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    ".cargo",
    "crates",
    "docker/Dockerfile",
    "docker/rust-target.sh",
    "docker/with-extra-ca.sh",
];

/// The cargo settings that are passed to the Docker build.
const PROFILE: [&str; 2] = ["CARGO_PROFILE_RELEASE_LTO", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS"];

/// The build folders of the images that extend official images.
const PROXY: &str = "docker/nginx";
const BACKUP: &str = "docker/backup";
const POSTGRES: &str = "docker/postgres";
/// The Debian packages that copy backups to BACKUP_TARGET.
const OFFSITE_PACKAGES: &str = "age ca-certificates rclone";
/// The Debian packages that get a certificate for ACME_DOMAIN.
const ACME_PACKAGES: &str = "ca-certificates lego openssl";

/// The images of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// The API server and the migration tool.
    pub api: String,
    /// nginx.
    pub proxy: String,
    /// The PostgreSQL programs and the backup script.
    pub backup: String,
    /// PostgreSQL, with pgBackRest if production archives the write-ahead log.
    pub postgres: String,
}

impl Images {
    /// Returns the images of the release `tag`.
    pub fn of(project: &Project, settings: &Settings, tag: &str) -> anyhow::Result<Self> {
        Ok(Self {
            api: api_of(settings, tag),
            proxy: proxy_of(project, settings)?,
            backup: backup_of(project, settings)?,
            postgres: postgres_of(project, settings)?,
        })
    }

    /// Returns the names of the images that every release has.
    pub fn all(&self) -> [&str; 3] {
        [&self.api, &self.proxy, &self.backup]
    }

    /// Returns these images with another API image.
    #[must_use]
    pub fn with_api(&self, api: &str) -> Self {
        Self { api: api.to_owned(), ..self.clone() }
    }
}

fn proxy_of(project: &Project, settings: &Settings) -> anyhow::Result<String> {
    let base = format!("{}{}", settings.nginx_image, proxy_packages(settings));
    around(project, settings, "proxy", PROXY, &base)
}

/// Returns the name of the backup image.
pub fn backup_of(project: &Project, settings: &Settings) -> anyhow::Result<String> {
    let base = format!("{}{}", postgres_of(project, settings)?, backup_packages(settings));
    around(project, settings, "backup", BACKUP, &base)
}

fn postgres_of(project: &Project, settings: &Settings) -> anyhow::Result<String> {
    if settings.archives {
        return around(project, settings, "postgres", POSTGRES, &settings.postgres_image);
    }
    Ok(settings.postgres_image.clone())
}

/// Returns the name of an image whose tag is a hash of the build folder and the base image.
fn around(
    project: &Project,
    settings: &Settings,
    name: &str,
    folder: &str,
    base: &str,
) -> anyhow::Result<String> {
    let hash = fingerprint::of_files(&project.root, &[folder])?
        ^ local_postgres::Fnv1a::of(base.as_bytes());
    Ok(format!("{}-{name}:{hash:016x}", settings.image_prefix()))
}

fn proxy_packages(settings: &Settings) -> &'static str {
    if settings.variable("ACME_DOMAIN").is_some() { ACME_PACKAGES } else { "" }
}

fn backup_packages(settings: &Settings) -> &'static str {
    if settings.variable("BACKUP_TARGET").is_some() { OFFSITE_PACKAGES } else { "" }
}

/// Returns the API image of the release `tag`. An empty tag gives the common prefix of all API images.
pub fn api_of(settings: &Settings, tag: &str) -> String {
    format!("{}-api:{tag}", settings.image_prefix())
}

/// Returns the tag of an image, which is the name of the release.
pub fn tag_of(image: &str) -> &str {
    image.rsplit_once(':').map_or(image, |(_, tag)| tag)
}

/// Returns the release name of the source: its git tag or commit. Uncommitted changes add `-dirty` and a hash, and
/// cargo settings add a hash of the settings.
pub fn tag(project: &Project) -> anyhow::Result<String> {
    let name = tag_of_source(project)?;
    let value = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let profile: Vec<_> =
        PROFILE.iter().filter_map(|name| Some(format!("{name}={}", value(name)?))).collect();
    if profile.is_empty() {
        return Ok(name);
    }
    let profile = local_postgres::Fnv1a::of(profile.join(" ").as_bytes()) & 0xffff_ffff;
    Ok(format!("{name}-profile-{profile:08x}"))
}

fn tag_of_source(project: &Project) -> anyhow::Result<String> {
    let source = fingerprint::of_files(&project.root, &SOURCE)? & 0xffff_ffff;
    let Some(revision) = git::output(project, &["rev-parse", "--short=12", "HEAD"]) else {
        return Ok(format!("unversioned-{source:08x}"));
    };
    let name = git::output(project, &["describe", "--tags", "--exact-match"]).unwrap_or(revision);
    // Replaces the characters that Docker does not allow in a tag.
    let name: String = name
        .trim_start_matches('v')
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '-' })
        .collect();
    let changes = git::output(project, &[&["status", "--porcelain", "--"][..], &SOURCE].concat());
    Ok(match changes.as_deref() {
        Some("") => name,
        _ => format!("{name}-dirty-{source:08x}"),
    })
}

/// Builds the images that this machine does not have, and returns whether the API image was built.
pub fn build(
    project: &Project,
    settings: &Settings,
    images: &Images,
    platform: Platform,
) -> anyhow::Result<bool> {
    build_around(project, settings, images, platform)?;
    if is_here(&images.api, platform) {
        return Ok(false);
    }
    ca_certificates::write(project, settings)?;
    let ca = ca_certificates::file(project, settings);
    let url = git::output(project, &["remote", "get-url", "origin"]).unwrap_or_default();
    let arguments = [
        ("RUST_IMAGE", settings.rust_image.clone()),
        ("SOURCE", without_password(&url)),
        ("REVISION", git::output(project, &["rev-parse", "HEAD"]).unwrap_or_default()),
        ("VERSION", tag_of(&images.api).to_owned()),
        ("SCHEMA", schema(project)?.to_string()),
    ];
    let mut command = docker_build(project, platform);
    // With the time of the commit, two builds of the same commit create identical images.
    if let Some(time) = git::output(project, &["log", "-1", "--format=%ct"]) {
        command.env("SOURCE_DATE_EPOCH", time);
    }
    command.args(["--file", "docker/Dockerfile", "--target", "runtime"]);
    command.args(["--tag", &images.api, "--secret", &format!("id=extra_ca,src={}", ca.display())]);
    for (name, value) in arguments {
        command.arg(format!("--build-arg={name}={value}"));
    }
    // Only names are passed, because Docker reads the values from the environment.
    command.args(PROFILE.map(|name| format!("--build-arg={name}")));
    process::run(command.arg("."))?;
    Ok(true)
}

/// Builds the proxy and backup images that this machine does not have, and returns whether an image was built.
pub fn build_around(
    project: &Project,
    settings: &Settings,
    images: &Images,
    platform: Platform,
) -> anyhow::Result<bool> {
    let options = [
        format!("--build-arg=NGINX_IMAGE={}", settings.nginx_image),
        format!("--build-arg=PACKAGES={}", proxy_packages(settings)),
    ];
    let is_new = build_folder(project, &images.proxy, PROXY, &options, platform)?;
    Ok(build_backup(project, settings, &images.backup, platform)? || is_new)
}

/// Builds the backup image, and the PostgreSQL image that it extends, unless this machine has them. Returns true after
/// building the backup image.
pub fn build_backup(
    project: &Project,
    settings: &Settings,
    image: &str,
    platform: Platform,
) -> anyhow::Result<bool> {
    let postgres = postgres_of(project, settings)?;
    if settings.archives {
        let base = format!("--build-arg=POSTGRES_IMAGE={}", settings.postgres_image);
        build_folder(project, &postgres, POSTGRES, &[base], platform)?;
    }
    let options = [
        format!("--build-arg=POSTGRES_IMAGE={postgres}"),
        format!("--build-arg=PACKAGES={}", backup_packages(settings)),
    ];
    build_folder(project, image, BACKUP, &options, platform)
}

fn build_folder(
    project: &Project,
    image: &str,
    folder: &str,
    options: &[String],
    platform: Platform,
) -> anyhow::Result<bool> {
    if is_here(image, platform) {
        return Ok(false);
    }
    let mut command = docker_build(project, platform);
    command.args(["--quiet", "--tag", image]).args(options).arg(folder);
    process::output(&mut command).with_context(|| format!("cannot build {image}"))?;
    Ok(true)
}

fn docker_build(project: &Project, platform: Platform) -> Command {
    let mut command = Command::new("docker");
    command.current_dir(&project.root).env("DOCKER_BUILDKIT", "1");
    command.args(["build", &format!("--platform={platform}")]);
    command
}

/// Returns the number of the newest migration.
fn schema(project: &Project) -> anyhow::Result<u32> {
    let folder = fs::read_dir(project.path("crates/db/migrations"))?;
    let number = |name: &str| name.strip_prefix('V')?.split_once("__")?.0.parse().ok();
    let numbers = folder.filter_map(|entry| number(&entry.ok()?.file_name().to_string_lossy()));
    Ok(numbers.max().unwrap_or(0))
}

/// Returns the URL without user and password.
fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        }
        None => url.to_owned(),
    }
}

/// Returns whether this machine has the image for the platform.
pub fn is_here(image: &str, platform: Platform) -> bool {
    Platform::of_image(image) == Some(platform)
}
