//! `test-migrate` applies the migrations of a folder to the database of DATABASE_URL. `docs/benchmarks/migrations` and
//! tests run and kill it.

use std::{env, fs, path::PathBuf};

use anyhow::Context;
use config::Secret;
use db::migrations::{self, Migrations};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let folder: PathBuf = env::args_os().nth(1).context("usage: test-migrate FOLDER")?.into();
    let url = Secret::from(env::var("DATABASE_URL").context("DATABASE_URL is not set")?);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.push((name, fs::read_to_string(entry.path())?));
    }
    let migrations = Migrations::of_files(&files)?;
    migrations::apply(&migrations, &mut db::connect(&url, None).await?, None).await?;
    Ok(())
}
