//! What kind of machine an image is for.

use std::{fmt, process::Command};

use anyhow::anyhow;
use clap::ValueEnum;

use super::Server;
use crate::process;

/// Those that `docker/rust-target.sh` compiles for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Platform {
    #[value(name = "linux/amd64")]
    Amd64,
    #[value(name = "linux/arm64")]
    Arm64,
}

impl Platform {
    /// The server's own.
    pub(crate) fn of(server: &Server) -> anyhow::Result<Self> {
        Self::of_engine(server.docker::<&str>([]))
    }

    /// That of this machine's engine, which may be of another system than `cargo xtask`.
    pub(crate) fn of_this_engine() -> anyhow::Result<Self> {
        Self::of_engine(Command::new("docker"))
    }

    fn of_engine(mut docker: Command) -> anyhow::Result<Self> {
        let format = "{{.Server.Os}}/{{.Server.Arch}}";
        let name = process::ask(docker.args(["version", "--format", format]))?;
        Self::from_str(&name, false).map_err(|_| {
            anyhow!("the engine runs {name}, which nothing is built for: see docker/rust-target.sh")
        })
    }

    /// What this machine's image of that name is for; none if there is no such image.
    pub(crate) fn of_image(image: &str) -> Option<Self> {
        let format = "{{.Os}}/{{.Architecture}}";
        let inspect = ["image", "inspect", "--format", format, image];
        let name = process::ask(Command::new("docker").args(inspect)).ok()?;
        Self::from_str(&name, false).ok()
    }

    /// The name in tags.
    pub(crate) fn architecture(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// What Rust calls it.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64-unknown-linux-gnu",
            Self::Arm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "linux/{}", self.architecture())
    }
}
