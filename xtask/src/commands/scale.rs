//! `cargo xtask scale`: more replicas of the API, or fewer.

use std::{process::ExitCode, time::Instant};

use anyhow::Context;

use crate::{
    project::Project,
    release::{
        Server,
        image::{self, Images},
        ledger::{Entry, Ledger},
        roll,
    },
    report,
    state::State,
};

/// Have this many replicas of the API serve, in production
///
/// No request is lost: a replica gets requests when it is ready, and gets no more before it stops.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_parser = clap::value_parser!(u8).range(1..=20))]
    number: u8,
    /// The server, as ssh://user@server; the default is DEPLOY_HOST, else this machine
    #[arg(long)]
    host: Option<String>,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let settings = project.settings()?;
        let server = server(project, &settings, self.host.as_deref())?;
        let running = roll::running(&server)?;
        let (image, before) = running.first().context("no release runs: `cargo xtask deploy`")?;
        let tag = image::tag_of(image).to_owned();
        let images = Images::of(project, &settings, &tag)?.with_api(image);
        let entry = Entry {
            what: format!("scale to {}", self.number),
            tag,
            who: image::who(project),
            state: String::new(),
        };
        let mut ledger = Ledger::open(&server, &images.proxy, &entry)?;
        ledger.write("started")?;
        let number = usize::from(self.number);
        let rolled = roll::to(&server, &images, number, number);
        ledger.end(&rolled)?;
        rolled?;
        report::line(&format!(
            "{before} → {number} replicas on {} in {:.1} s",
            server.place(),
            started.elapsed().as_secs_f64()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// The server that is meant: what `up --production` runs here, if that is up and no other is named.
pub(crate) fn server<'a>(
    project: &'a Project,
    settings: &'a crate::settings::Settings,
    host: Option<&str>,
) -> anyhow::Result<Server<'a>> {
    let server = Server::of_deploy(project, settings, host)?;
    match State::load(project) {
        Some(state) if server.host.is_none() && state.production => {
            Ok(Server::of_this_machine(project, settings, state.api_port))
        }
        _ => Ok(server),
    }
}
