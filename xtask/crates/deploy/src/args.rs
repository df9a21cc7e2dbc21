//! Command-line arguments that select a server.

use context::{project::Project, settings::Settings, state::State};

use crate::server::Server;

/// The argument that selects the server.
#[derive(clap::Args)]
pub struct HostArgs {
    /// Use this server, given as ssh://USER@SERVER [default: DEPLOY_HOST if set, otherwise this machine]
    #[arg(long)]
    host: Option<String>,
}

/// The arguments that select the production stack instead of this checkout's development stack.
#[derive(clap::Args)]
pub struct ProductionArgs {
    /// Use the production stack instead of the development stack of this checkout
    #[arg(long)]
    production: bool,
    #[command(flatten)]
    host: HostArgs,
}

impl ProductionArgs {
    /// Returns the selected server, or `None` for the development stack.
    pub fn server<'a>(
        &self,
        project: &'a Project,
        settings: &'a Settings,
    ) -> anyhow::Result<Option<Server<'a>>> {
        self.is_selected().then(|| self.host.server(project, settings)).transpose()
    }

    /// Returns ` on ssh://USER@SERVER` for messages. Empty for this machine.
    pub fn place(&self, settings: &Settings) -> String {
        let host = self.is_selected().then(|| self.host.name(settings)).flatten();
        host.map_or_else(String::new, |host| format!(" on {host}"))
    }

    /// Returns the argument that selects the server, for another command.
    pub fn into_host(self) -> HostArgs {
        self.host
    }

    /// Returns whether the command line names the production stack.
    pub fn is_selected(&self) -> bool {
        self.production || self.host.host.is_some()
    }
}

impl HostArgs {
    /// Returns the name of the selected server, or `None` for this machine.
    fn name(&self, settings: &Settings) -> Option<String> {
        self.host.clone().or_else(|| settings.variable("DEPLOY_HOST"))
    }

    /// Returns the selected server. Without a selection, a running `up --production` of this checkout has priority.
    pub fn server<'a>(
        &self,
        project: &'a Project,
        settings: &'a Settings,
    ) -> anyhow::Result<Server<'a>> {
        let server = Server::of_deploy(project, settings, self.name(settings))?;
        match State::load(project) {
            Some(state) if server.host.is_none() && state.production => {
                Ok(Server::of_this_machine(project, settings, state.api_port))
            }
            _ => Ok(server),
        }
    }
}
