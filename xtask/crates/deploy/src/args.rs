//! The arguments of commands that are about a server.

use context::{project::Project, settings::Settings, state::State};

use crate::server::Server;

/// Which server a command is about.
#[derive(clap::Args)]
pub struct HostArgs {
    /// The server, as ssh://user@server; the default is DEPLOY_HOST, else this machine
    #[arg(long)]
    host: Option<String>,
}

/// Whether a command is about production and not about this checkout's stack, and on which server.
#[derive(clap::Args)]
pub struct ProductionArgs {
    /// What `deploy` shipped, and not the stack of this checkout
    #[arg(long)]
    production: bool,
    #[command(flatten)]
    host: HostArgs,
}

impl ProductionArgs {
    /// The server, if it is about one.
    pub fn server<'a>(
        &self,
        project: &'a Project,
        settings: &'a Settings,
    ) -> anyhow::Result<Option<Server<'a>>> {
        let is_meant = self.production || self.host.host.is_some();
        is_meant.then(|| self.host.server(project, settings)).transpose()
    }
}

impl HostArgs {
    /// The server that is meant: what `up --production` runs here, if that is up and no other is named.
    pub fn server<'a>(
        &self,
        project: &'a Project,
        settings: &'a Settings,
    ) -> anyhow::Result<Server<'a>> {
        let server = Server::of_deploy(project, settings, self.host.as_deref())?;
        match State::load(project) {
            Some(state) if server.host.is_none() && state.production => {
                Ok(Server::of_this_machine(project, settings, state.api_port))
            }
            _ => Ok(server),
        }
    }
}
