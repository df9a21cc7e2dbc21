//! Shared by all commands: the project, its settings, state and lock, child processes, terminal output.

pub mod ca_certificates;
pub mod checkouts;
pub mod compile;
pub mod confirm;
pub mod container_memory;
pub mod engine_kind;
pub mod env_file;
pub mod external_database;
pub mod fingerprint;
pub mod git;
pub mod http;
pub mod image_name;
mod layout;
pub mod listener;
pub mod lock;
pub mod migration_lint;
pub mod ports;
pub mod process;
pub mod project;
pub mod report;
pub mod service;
pub mod settings;
pub mod state;
pub mod urls;
