//! `cargo xtask open`: opens the documentation page in the browser.

use std::process::{Command, ExitCode, Stdio};

use context::{process, project::Project, report, urls::Urls};

/// Open the documentation page of the API in the browser, or print its URL
///
/// Always prints the URL. Opens the browser only if the command runs in a terminal and --print is not passed.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Print the URL without opening the browser
    #[arg(long)]
    print: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let (_, state) = engine::current(project)?;
        let Urls { docs, .. } = Urls::of(&state, &project.settings()?);
        report::line(&docs);
        if !self.print && process::is_interactive() && !open(&docs) {
            report::note("cannot start a browser on this machine. Open the URL in your browser.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Opens `url` in the default browser. Returns false if the system has no program for this.
fn open(url: &str) -> bool {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let mut command = Command::new(program);
    command.arg(url).stdout(Stdio::null()).stderr(Stdio::null());
    // On Windows, the status is ignored, because explorer.exe exits with 1 even if it has opened the URL.
    command.status().is_ok_and(|status| status.success() || cfg!(windows))
}
