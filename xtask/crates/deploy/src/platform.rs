//! Platforms of images.

use std::{fmt, process::Command};

use anyhow::anyhow;
use clap::ValueEnum;

use context::process;

/// A platform that `docker/rust-target.sh` supports.
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
    /// Returns the platform of this machine's Docker engine, which can differ from the platform of `cargo xtask`.
    pub fn of_this_engine() -> anyhow::Result<Self> {
        Self::of_engine(Command::new("docker"))
    }

    /// Returns the platform of the engine that the command `docker` reaches.
    pub(crate) fn of_engine(mut docker: Command) -> anyhow::Result<Self> {
        let format = "{{.Server.Os}}/{{.Server.Arch}}";
        let name = process::output(docker.args(["version", "--format", format]))?;
        Self::from_str(&name, false).map_err(|_| {
            anyhow!("the Docker engine has the unsupported platform {name}. Add it to docker/rust-target.sh.")
        })
    }

    /// Returns the platform of an image on this machine, or `None` if the image does not exist.
    pub fn of_image(image: &str) -> Option<Self> {
        let format = "{{.Os}}/{{.Architecture}}";
        let inspect = ["image", "inspect", "--format", format, image];
        let name = process::output(Command::new("docker").args(inspect)).ok()?;
        Self::from_str(&name, false).ok()
    }

    /// Returns the name in tags.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns the Rust target.
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
