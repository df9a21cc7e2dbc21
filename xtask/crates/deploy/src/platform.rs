//! The platform that an image is built for.

use std::{fmt, process::Command};

use anyhow::anyhow;
use clap::ValueEnum;

use context::process;

/// Those that `docker/rust-target.sh` compiles for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Platform {
    /// x86-64.
    #[value(name = "linux/amd64")]
    Amd64,
    /// 64-bit ARM.
    #[value(name = "linux/arm64")]
    Arm64,
}

impl Platform {
    /// That of this machine's engine, which may be of another system than `cargo xtask`.
    pub fn of_this_engine() -> anyhow::Result<Self> {
        Self::of_engine(Command::new("docker"))
    }

    /// The platform of the engine that `docker`, a call of that, reaches.
    pub(crate) fn of_engine(mut docker: Command) -> anyhow::Result<Self> {
        let format = "{{.Server.Os}}/{{.Server.Arch}}";
        let name = process::output(docker.args(["version", "--format", format]))?;
        Self::from_str(&name, false).map_err(|_| {
            anyhow!("the engine runs {name}, which nothing is built for: see docker/rust-target.sh")
        })
    }

    /// What this machine's image of that name is for; none if there is no such image.
    pub fn of_image(image: &str) -> Option<Self> {
        let format = "{{.Os}}/{{.Architecture}}";
        let inspect = ["image", "inspect", "--format", format, image];
        let name = process::output(Command::new("docker").args(inspect)).ok()?;
        Self::from_str(&name, false).ok()
    }

    /// The name in tags.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// What Rust calls it.
    pub fn target(self) -> &'static str {
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
