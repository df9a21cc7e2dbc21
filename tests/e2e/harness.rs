//! The test harness: the API on its own database, and checks of responses.

mod app;
mod client;
mod database;
mod identity;
mod postgres;
mod problem;
mod process;
#[cfg(feature = "redis")]
mod redis;
mod resource;
mod spec;
mod tools;
mod values;
mod wire;

pub(crate) use app::{TestApp, config};
pub(crate) use client::{Client, Reply, Write};
pub(crate) use database::Database;
pub(crate) use identity::{Identity, Row, SESSION};
pub(crate) use postgres::OwnPostgres;
pub(crate) use problem::problem;
pub(crate) use process::ServerProcess;
#[cfg(feature = "redis")]
pub(crate) use redis::Redis;
pub(crate) use resource::{Catalog, Field, Resource};
pub(crate) use spec::{Operation, Spec};
pub(crate) use tools::Tools;
pub(crate) use values::Generator;
pub(crate) use wire::Wire;
