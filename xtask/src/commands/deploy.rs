//! `cargo xtask deploy`: ships what the source is.

use std::{process::ExitCode, time::Instant};

use context::{process, project::Project, report};
use deploy::{
    HostArgs, Platform, Server,
    history::{Entry, History, Record},
    image::{self, Images},
    rolling_update, sbom, schema, secrets, transfer,
};

/// Ship a release to a server, without losing a request
///
/// Builds the source as it is, sends the images, backs the database up, applies the migrations, and puts
/// new replicas in the place of the old ones, one by one. A release that does not get ready is taken
/// back. Whatever ends this command, the old release serves on, and the next `deploy` goes on from there.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    host: HostArgs,
    /// A release that was built before, in the place of the source
    #[arg(long)]
    tag: Option<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    pub(crate) fn run(self, project: &Project) -> anyhow::Result<ExitCode> {
        let started = Instant::now();
        let settings = project.settings()?;
        let server = self.host.server(project, &settings)?;
        let tag = self.tag.clone().map_or_else(|| image::tag(project), Ok)?;
        let images = Images::of(project, &settings, &tag)?;
        let platform = server.platform()?;
        let running = rolling_update::running(&server)?;
        let number = running.first().map_or(settings.replicas, |(_, number)| *number);
        let now = running.first().map(|(image, _)| image.clone());
        report::line(&format!(
            "{tag} → {} ({platform}, {number} replicas, now {})",
            server.place(),
            now.as_deref().map_or("nothing", image::tag_of)
        ));
        if self.dry_run {
            plan(&server, &images, platform, number);
            return Ok(ExitCode::SUCCESS);
        }
        report::stage("build", || {
            let is_new = if self.tag.is_some() {
                image::build_around(project, &settings, &images, platform)?
            } else {
                image::build(project, &settings, &images, platform)?
            };
            let done = if is_new { "built" } else { "was built before" };
            Ok(((), format!("{} {done}", images.api)))
        })?;
        if self.tag.is_none() {
            report::stage("sbom", || Ok(((), sbom::write(project, &tag, platform)?)))?;
        }
        report::stage("send", || Ok(((), send(&server, &images, platform)?)))?;
        let entry = Entry::new(project, "deploy", &tag);
        let mut history = report::stage("lock", || {
            let history = History::open(&server, &images.proxy, &entry)?;
            let before =
                history.records.last().map_or_else(|| "the first of this server".to_owned(), tell);
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

/// Where the last command on this server stood.
fn tell(record: &Record) -> String {
    let Record { time, entry: Entry { what, tag, who, state } } = record;
    if record.has_ended() {
        return format!("the last one: {what} of {tag} at {time}, {state}");
    }
    format!(
        "the {what} of {tag} by {who} at {time} was interrupted after \"{state}\": going on from there"
    )
}

/// What every server gets, and how it got that.
fn send(server: &Server, images: &Images, platform: Platform) -> anyhow::Result<String> {
    let mut said = Vec::new();
    let postgres = server.settings.postgres_image.as_str();
    for image in images.all().into_iter().chain([postgres]).chain(server.redis_image()) {
        if let Some(how) = transfer::send(server, image, platform)? {
            said.push(format!("{how} {image}"));
        }
    }
    Ok(if said.is_empty() { "everything is there".to_owned() } else { said.join(", ") })
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
            return Ok("elsewhere, by DATABASE_URL".to_owned());
        }
        server.start_database(images)?;
        Ok("answers".to_owned())
    })?;
    if server.redis_image().is_some() {
        step("redis", &|| {
            server.start_redis(images)?;
            Ok("started, if it did not run".to_owned())
        })?;
    }
    let status = schema::status(server, images)?;
    step("check", &|| schema::check(project, &status))?;
    step("backup", &|| schema::back_up(server, images, &status))?;
    step("migrate", &|| {
        let said = process::output(&mut server.migrate(images, &["up"]))?;
        Ok(said.lines().collect::<Vec<_>>().join(", "))
    })?;
    step("roll out", &|| {
        let after = rolling_update::run(server, images, number, 1)?.as_secs_f64();
        Ok(format!("{number} replicas serve after {after:.1} s, and nginx reaches them"))
    })?;
    step("backups", &|| {
        if schema::is_elsewhere(server) {
            return Ok("left to whoever runs the database".to_owned());
        }
        server.start_backups(images)?;
        Ok(format!("by the clock, into {}", server.backup_folder().display()))
    })
}

/// What a deployment would do.
fn plan(server: &Server, images: &Images, platform: Platform, number: usize) {
    let is_built = image::is_here(&images.api, platform);
    report::next("build", if is_built { "is built already" } else { "the release image" });
    for image in images.all() {
        if !is_built || transfer::would_send(server, image, platform) {
            report::next("send", image);
        }
    }
    // The release itself knows, where it can be asked already.
    let is_there = is_built && !transfer::would_send(server, &images.api, platform);
    let status = is_there.then(|| schema::status(server, images).ok()).flatten();
    let told = status.map_or_else(
        || "what the release finds pending, after a backup".to_owned(),
        |status| schema::names(&status.pending),
    );
    report::next("migrate", &told);
    report::next("roll out", &format!("{number} replicas, one after the other"));
}
