//! `cargo xtask deploy`: deploys a release to a server.

use std::{process::ExitCode, time::Instant};

use serde::Serialize;

use context::{process, project::Project, report};
use deploy::{
    HostArgs, Platform, Server, archive, certificates, database_volume,
    history::{Entry, History, Record},
    image::{self, Images},
    rolling_update, sbom, schema, secrets, transfer,
};

/// Deploy a release to a server without downtime
///
/// Builds the source, sends the images, backs up the database, applies the migrations and replaces the API
/// replicas one by one. If the new release does not become ready, the old release is restored. If the command
/// is interrupted, the old release keeps serving and the next `deploy` continues.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// Deploy the existing release TAG instead of the source
    #[arg(long)]
    tag: Option<String>,
    /// The number of replicas. The default is the number that is running, or API_REPLICAS.
    #[arg(skip)]
    number: Option<usize>,
    /// Print the steps without running them
    #[arg(long)]
    dry_run: bool,
    /// Print the steps of --dry-run as JSON
    #[arg(long, requires = "dry_run")]
    json: bool,
}

/// A step of a deployment, for --dry-run.
#[derive(Serialize)]
struct Step {
    step: &'static str,
    what: String,
}

/// The output of `--dry-run --json`.
#[derive(Serialize)]
struct Plan<'a> {
    tag: &'a str,
    server: &'a str,
    platform: String,
    replicas: usize,
    /// The release that runs now. `None` if no release runs.
    current: Option<&'a str>,
    steps: Vec<Step>,
}

impl Args {
    /// Returns the arguments that deploy an existing release with this number of replicas.
    pub(crate) fn of_release(tag: String, number: usize, host: HostArgs) -> Self {
        Self { host, tag: Some(tag), number: Some(number), dry_run: false, json: false }
    }

    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let settings = project.settings()?;
        settings.report_overridden();
        let server = self.host.server(project, &settings)?;
        let tag = self.tag.clone().map_or_else(|| image::tag(project), Ok)?;
        let images = Images::of(project, &settings, &tag)?;
        let platform = server.platform()?;
        let running = rolling_update::running(&server)?;
        let running_number = running.first().map(|(_, number)| *number);
        let number = self.number.or(running_number).unwrap_or(settings.replicas);
        let now = running.first().map(|(image, _)| image.clone());
        let current = now.as_deref().map(image::tag_of);
        if self.json {
            let (server_name, platform_name) = (server.place(), platform.to_string());
            let steps = plan(&server, &images, platform, number);
            report::json(&Plan {
                tag: &tag,
                server: server_name,
                platform: platform_name,
                replicas: number,
                current,
                steps,
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        report::line(&format!(
            "{tag} → {} ({platform}, {number} replicas, currently {})",
            server.place(),
            current.unwrap_or("nothing")
        ));
        if self.dry_run {
            for Step { step, what } in plan(&server, &images, platform, number) {
                report::step(step, &what);
            }
            return Ok(ExitCode::SUCCESS);
        }
        report::stage("build", || {
            let is_new = if self.tag.is_some() {
                image::build_around(project, &settings, &images, platform)?
            } else {
                image::build(project, &settings, &images, platform)?
            };
            let done = if is_new { "built" } else { "already built" };
            Ok(((), format!("{} {done}", images.api)))
        })?;
        if self.tag.is_none() {
            report::stage("sbom", || Ok(((), sbom::write(project, &tag, platform)?)))?;
        }
        report::stage("send", || Ok(((), send(&server, &images, platform)?)))?;
        let entry = Entry::new(project, "deploy", &tag);
        let mut history = report::stage("lock", || {
            let history = History::open(&server, &images.proxy, &entry)?;
            let before = history
                .records
                .last()
                .map_or_else(|| "first deployment on this server".to_owned(), describe);
            Ok((history, before))
        })?;
        history.write("started")?;
        let done = ship(project, &server, &images, number, &mut history);
        history.end(&done)?;
        done?;
        report::line(&format!("done in {:.1} s", started.elapsed().as_secs_f64()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Describes an entry of the deployment history.
fn describe(record: &Record) -> String {
    let Record { time, entry: Entry { what, tag, who, state } } = record;
    if record.has_ended() {
        return format!("previous entry: {what} of {tag} at {time}, {state}");
    }
    format!(
        "resumes the interrupted {what} of {tag}, which {who} started at {time}; last step: \"{state}\""
    )
}

/// Sends the images that the server lacks, and describes the transfers.
fn send(server: &Server, images: &Images, platform: Platform) -> anyhow::Result<String> {
    let mut sent = Vec::new();
    let postgres = images.postgres.as_str();
    for image in images.all().into_iter().chain([postgres]).chain(server.redis_image()) {
        if let Some(how) = transfer::send(server, image, platform)? {
            sent.push(format!("{how} {image}"));
        }
    }
    Ok(if sent.is_empty() { "the server has all images".to_owned() } else { sent.join(", ") })
}

fn ship(
    project: &Project,
    server: &Server,
    images: &Images,
    number: usize,
    history: &mut History,
) -> anyhow::Result<()> {
    let mut step = |name: &str, work: &dyn Fn() -> anyhow::Result<String>| {
        report::stage(name, || Ok(((), work()?)))?;
        history.write(name)
    };
    step("secrets", &|| {
        secrets::ensure(server, &images.proxy)?;
        Ok(format!("in {}", server.secrets_folder().display()))
    })?;
    step("database", &|| {
        if schema::is_elsewhere(server) {
            return Ok("external, see DATABASE_URL".to_owned());
        }
        database_volume::check(server, images)?;
        archive::create_folder(server, images)?;
        server.start_database(images)?;
        Ok("running".to_owned())
    })?;
    if server.redis_image().is_some() {
        step("redis", &|| {
            server.start_redis(images)?;
            Ok("running".to_owned())
        })?;
    }
    let status = schema::status(server, images)?;
    step("check", &|| schema::check(project, &status))?;
    step("backup", &|| schema::back_up(server, images, &status))?;
    step("migrate", &|| {
        let output = process::output(&mut server.migrate(images, &["up"]))?;
        Ok(output.lines().collect::<Vec<_>>().join(", "))
    })?;
    step("update", &|| {
        let after = rolling_update::run(server, images, number, 1)?.as_secs_f64();
        Ok(format!("{number} replicas serve requests from nginx after {after:.1} s"))
    })?;
    if server.gets_certificate() {
        step("certificate", &|| {
            server.start(images, certificates::SERVICE)?;
            Ok("requested and renewed by the service `certificates`".to_owned())
        })?;
    } else {
        certificates::remove_service(server)?;
    }
    step("backups", &|| {
        if schema::is_elsewhere(server) {
            return Ok("not scheduled, because the database is external".to_owned());
        }
        server.start(images, "backup")?;
        Ok(format!("scheduled, into {}", server.backup_folder().display()))
    })?;
    if server.settings.archives {
        step("archive", &|| {
            server.start(images, archive::SERVICE)?;
            Ok(format!("of the write-ahead log, into {}", archive::folder(server).display()))
        })?;
    } else {
        archive::remove_service(server)?;
    }
    Ok(())
}

/// Returns the steps of a deployment.
fn plan(server: &Server, images: &Images, platform: Platform, number: usize) -> Vec<Step> {
    let is_built = image::is_here(&images.api, platform);
    let build = if is_built { "already built" } else { "the release image" };
    let mut steps = vec![Step { step: "build", what: build.to_owned() }];
    for image in images.all() {
        if !is_built || transfer::would_send(server, image, platform) {
            steps.push(Step { step: "send", what: image.to_owned() });
        }
    }
    // Pending migrations are known only if the server already has the image of the release.
    let can_report = is_built && !transfer::would_send(server, &images.api, platform);
    let status = can_report.then(|| schema::status(server, images).ok()).flatten();
    let pending = status.map_or_else(
        || "the pending migrations, after a backup".to_owned(),
        |status| schema::names(&status.pending),
    );
    steps.push(Step { step: "migrate", what: pending });
    steps.push(Step { step: "update", what: format!("{number} replicas, one by one") });
    steps
}
