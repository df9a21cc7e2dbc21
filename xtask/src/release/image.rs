//! The images of a release: how they are named, built, and brought to a server.

use std::{
    env, fs,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};

use super::{Platform, Server};
use crate::{fingerprint, git, process, project::Project, settings::Settings};

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
pub(crate) struct Images {
    pub(crate) api: String,
    pub(crate) proxy: String,
    pub(crate) backup: String,
}

impl Images {
    /// Those of the release `tag`.
    pub(crate) fn of(project: &Project, settings: &Settings, tag: &str) -> anyhow::Result<Self> {
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
    pub(crate) fn all(&self) -> [&str; 3] {
        [&self.api, &self.proxy, &self.backup]
    }

    /// The same, but for another image of the API.
    pub(crate) fn with_api(&self, api: &str) -> Self {
        Self { api: api.to_owned(), ..self.clone() }
    }
}

/// The image of the API in the release `tag`; without one, what the names of all of them begin with.
pub(crate) fn api_of(settings: &Settings, tag: &str) -> String {
    format!("{}-api:{tag}", settings.image_prefix())
}

/// The part of an image's name that tells the release.
pub(crate) fn tag_of(image: &str) -> &str {
    image.rsplit_once(':').map_or(image, |(_, tag)| tag)
}

/// What git calls the source: the same source has the same name everywhere. A source that is not
/// committed has `-dirty` in it, and a hash; what is built with other settings of cargo, a hash of these.
pub(crate) fn tag(project: &Project) -> anyhow::Result<String> {
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
    let Some(revision) = git::said(project, &["rev-parse", "--short=12", "HEAD"]) else {
        return Ok(format!("unversioned-{source:08x}"));
    };
    let name = git::said(project, &["describe", "--tags", "--exact-match"]).unwrap_or(revision);
    // No character that a tag of an image cannot have.
    let name: String = name
        .trim_start_matches('v')
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() || "._-".contains(it) { it } else { '-' })
        .collect();
    let changes = git::said(project, &[&["status", "--porcelain", "--"][..], &SOURCE].concat());
    Ok(match changes.as_deref() {
        Some("") => name,
        _ => format!("{name}-dirty-{source:08x}"),
    })
}

/// Builds what is not built yet, on this machine, and returns whether there was anything to do.
pub(crate) fn build(
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
    let url = git::said(project, &["remote", "get-url", "origin"]).unwrap_or_default();
    let arguments = [
        ("RUST_IMAGE", settings.rust_image.clone()),
        ("SOURCE", without_password(&url)),
        ("REVISION", git::said(project, &["rev-parse", "HEAD"]).unwrap_or_default()),
        ("VERSION", tag_of(&images.api).to_owned()),
        ("SCHEMA", schema(project)?.to_string()),
    ];
    let mut command = docker_build(project, platform);
    // The time of the commit, so that the image of a commit is the same whenever it is built.
    if let Some(time) = git::said(project, &["log", "-1", "--format=%ct"]) {
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
pub(crate) fn build_around(
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
        process::ask(&mut command).with_context(|| format!("{image} cannot be built"))?;
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
pub(crate) fn is_here(image: &str, platform: Platform) -> bool {
    Platform::of_image(image) == Some(platform)
}

fn has(docker: &mut Command, image: &str) -> Option<String> {
    process::ask(docker.args(["image", "inspect", "--format", "{{.Id}}", image])).ok()
}

/// Whether the server lacks an image that is here, or has another of that name.
pub(crate) fn would_send(server: &Server, image: &str, platform: Platform) -> bool {
    let there = has(&mut server.docker::<&str>([]), image);
    there.is_none() || there != here(image, platform)
}

/// This machine's image of that name, if it is for the platform.
fn here(image: &str, platform: Platform) -> Option<String> {
    is_here(image, platform).then(|| has(&mut Command::new("docker"), image)).flatten()
}

/// Brings an image to the server, which is of that platform, if it is not there, and says how.
pub(crate) fn send(
    server: &Server,
    image: &str,
    platform: Platform,
) -> anyhow::Result<Option<&'static str>> {
    let there = has(&mut server.docker::<&str>([]), image);
    let here = here(image, platform);
    if there.is_some() && (here.is_none() || here == there) {
        return Ok(None);
    }
    if process::ask(&mut server.docker(["pull", "--quiet", image])).is_ok() {
        return Ok(Some("pulled"));
    }
    if here.is_none() {
        bail!("{image} is neither here, for {platform}, nor in a registry that the server reaches");
    }
    let mut save = Command::new("docker");
    let mut save = save.args(["save", image]).stdout(Stdio::piped()).spawn()?;
    let mut load = server.docker(["load", "--quiet"]);
    let sent = process::ask(load.stdin(save.stdout.take().context("it is piped")?));
    // It has an end of the pipe: `docker save` would wait for ever for somebody to read what it writes.
    drop(load);
    save.wait()?;
    sent.with_context(|| format!("{image} cannot be sent to {}", server.place()))?;
    Ok(Some("sent"))
}

/// A label of an image on the server.
pub(crate) fn label(server: &Server, image: &str, name: &str) -> anyhow::Result<String> {
    let format = format!("{{{{index .Config.Labels {name:?}}}}}");
    process::ask(&mut server.docker(["image", "inspect", "--format", &format, image]))
}

/// Who ships, for the ledger: a name and a machine.
pub(crate) fn who(project: &Project) -> String {
    let user = git::said(project, &["config", "user.name"]).filter(|name| !name.is_empty());
    let user = user.or_else(|| env::var("USER").ok()).unwrap_or_else(|| "somebody".to_owned());
    let machine = process::probe(&mut Command::new("hostname"), Duration::from_secs(1));
    format!("{user} on {}", machine.unwrap_or_else(|_| "a machine without a name".to_owned()))
}
