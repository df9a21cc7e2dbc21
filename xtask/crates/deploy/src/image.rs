//! The images of a release: their names, and how they are built.

use std::{env, fs, process::Command};

use anyhow::Context;

use crate::platform::Platform;
use context::{fingerprint, git, process, project::Project, settings::Settings};

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

/// Settings of cargo that the Dockerfile lets through.
const PROFILE: [&str; 2] = ["CARGO_PROFILE_RELEASE_LTO", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS"];

/// The folders of the images that are made around others.
const PROXY: &str = "docker/nginx";
const BACKUP: &str = "docker/backup";

/// The images that a release runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// The server and the migration tool.
    pub api: String,
    /// nginx.
    pub proxy: String,
    /// PostgreSQL's programs and the backup script.
    pub backup: String,
}

impl Images {
    /// Those of the release `tag`.
    pub fn of(project: &Project, settings: &Settings, tag: &str) -> anyhow::Result<Self> {
        let prefix = settings.image_prefix();
        // What it is made of, folder and base, is its tag.
        let around = |name: &str, folder: &str, base: &str| -> anyhow::Result<String> {
            let hash = fingerprint::of_files(&project.root, &[folder])?
                ^ local_postgres::Fnv1a::of(base.as_bytes());
            Ok(format!("{prefix}-{name}:{hash:016x}"))
        };
        Ok(Self {
            api: api_of(settings, tag),
            proxy: around("proxy", PROXY, &settings.nginx_image)?,
            backup: around("backup", BACKUP, &settings.postgres_image)?,
        })
    }

    /// All of them.
    pub fn all(&self) -> [&str; 3] {
        [&self.api, &self.proxy, &self.backup]
    }

    /// Returns the same images, except for that of the API.
    #[must_use]
    pub fn with_api(&self, api: &str) -> Self {
        Self { api: api.to_owned(), ..self.clone() }
    }
}

/// The image of the API in the release `tag`; without one, what the names of all of them begin with.
pub fn api_of(settings: &Settings, tag: &str) -> String {
    format!("{}-api:{tag}", settings.image_prefix())
}

/// The part of an image's name that tells the release.
pub fn tag_of(image: &str) -> &str {
    image.rsplit_once(':').map_or(image, |(_, tag)| tag)
}

/// What git calls the source: the same source has the same name everywhere. A source that is not
/// committed has `-dirty` in it, and a hash; what is built with other settings of cargo, a hash of these.
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
    // No character that a tag of an image cannot have.
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

/// Builds what is not built yet, on this machine, and returns whether there was anything to do.
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
    let ca = settings.variable("EXTRA_CA_FILE").unwrap_or_else(|| "docker/extra-ca.pem".to_owned());
    let url = git::output(project, &["remote", "get-url", "origin"]).unwrap_or_default();
    let arguments = [
        ("RUST_IMAGE", settings.rust_image.clone()),
        ("SOURCE", without_password(&url)),
        ("REVISION", git::output(project, &["rev-parse", "HEAD"]).unwrap_or_default()),
        ("VERSION", tag_of(&images.api).to_owned()),
        ("SCHEMA", schema(project)?.to_string()),
    ];
    let mut command = docker_build(project, platform);
    // The time of the commit, so that the image of a commit is the same whenever it is built.
    if let Some(time) = git::output(project, &["log", "-1", "--format=%ct"]) {
        command.env("SOURCE_DATE_EPOCH", time);
    }
    command.args(["--file", "docker/Dockerfile", "--target", "runtime"]);
    command.args(["--tag", &images.api, "--secret", &format!("id=extra_ca,src={ca}")]);
    for (name, value) in arguments {
        command.arg(format!("--build-arg={name}={value}"));
    }
    // Docker takes their values from our own environment, if they are there.
    command.args(PROFILE.map(|name| format!("--build-arg={name}")));
    process::run(command.arg("."))?;
    Ok(true)
}

/// Builds the images around the API's if they are not built yet, and returns whether there was anything
/// to do.
pub fn build_around(
    project: &Project,
    settings: &Settings,
    images: &Images,
    platform: Platform,
) -> anyhow::Result<bool> {
    let mut is_new = false;
    for (image, folder, base) in [
        (&images.proxy, PROXY, format!("NGINX_IMAGE={}", settings.nginx_image)),
        (&images.backup, BACKUP, format!("POSTGRES_IMAGE={}", settings.postgres_image)),
    ] {
        if is_here(image, platform) {
            continue;
        }
        let mut command = docker_build(project, platform);
        command.args(["--quiet", "--tag", image, "--build-arg", &base, folder]);
        process::output(&mut command).with_context(|| format!("{image} cannot be built"))?;
        is_new = true;
    }
    Ok(is_new)
}

fn docker_build(project: &Project, platform: Platform) -> Command {
    let mut command = Command::new("docker");
    command.current_dir(&project.root).env("DOCKER_BUILDKIT", "1");
    command.args(["build", &format!("--platform={platform}")]);
    command
}

/// The number of the newest migration.
fn schema(project: &Project) -> anyhow::Result<u32> {
    let folder = fs::read_dir(project.path("crates/db/migrations"))?;
    let number = |name: &str| name.strip_prefix('V')?.split_once("__")?.0.parse().ok();
    let numbers = folder.filter_map(|entry| number(&entry.ok()?.file_name().to_string_lossy()));
    Ok(numbers.max().unwrap_or(0))
}

/// A URL of git without the user and the password that may be in it.
fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        }
        None => url.to_owned(),
    }
}

/// However long the engine takes to say: a build that is not needed takes longer. One of the same name for another
/// platform is none.
pub fn is_here(image: &str, platform: Platform) -> bool {
    Platform::of_image(image) == Some(platform)
}
