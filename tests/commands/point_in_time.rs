//! Point-in-time recovery of the production stack.

use std::process::Command;

use serde_json::{Value, json};

use crate::{
    harness::{Stack, ask, eventually, run},
    production::{call, check_of},
};

/// Returns the time of the database in the format of `--to`.
const NOW: &str =
    "SET TimeZone = 'UTC'; SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.US')";

/// A stack whose production archives the write-ahead log.
pub(crate) struct Archiving<'a> {
    stack: &'a Stack,
    token: &'a str,
    /// A time at which the person exists.
    time: String,
    person: String,
}

impl<'a> Archiving<'a> {
    /// Deploys with continuous archiving, and deletes a person.
    pub(crate) fn start(stack: &'a Stack, token: &'a str) -> Self {
        run(&mut stack.xtask("db restore --to 2026-01-01T00:00 --production"))
            .failed()
            .prints("BACKUP_CONTINUOUS is not true");
        let mut archiving = Self { stack, token, time: String::new(), person: String::new() };
        run(&mut archiving.xtask("deploy --tag second")).succeeded().prints("write-ahead log");
        let state = eventually("a verified base backup", || {
            let output = run(&mut archiving.xtask("status --production --json")).stdout;
            let status: Value = serde_json::from_str(&output).expect("JSON");
            let check = check_of(&status, "archive");
            (check["state"] == "ok").then(|| check["value"].to_string())
        });
        assert!(state.contains("can restore from "), "{state}");
        let body =
            json!({ "name": "Deleted By Mistake", "emails": ["mistake@example.com"] }).to_string();
        let (status, person) = archiving.call("/persons", &["--json", &body]);
        assert_eq!(status, 201, "{person}");
        let person: Value = serde_json::from_str(&person).expect("JSON");
        let id = person["id"].as_str().expect("an id");
        archiving.person = format!("/persons/{id}");
        archiving.time = ask(stack.xtask("psql -- -XAtqc").arg(NOW));
        let delete = format!("DELETE FROM persons WHERE id = '{id}'");
        ask(stack.xtask("psql --write -- -c").arg(delete));
        assert_eq!(archiving.call(&archiving.person, &[]).0, 404);
        archiving
    }

    /// Restores the person, returns to the data without the person, and turns the archive off.
    pub(crate) fn check_restore(&self) {
        let restore = |words: &str| run(&mut self.xtask(&format!("db restore {words}")));
        let to = format!("--to {}", self.time);
        restore(&to).failed().prints("Pass --production");
        restore(&format!("{to} --production")).failed().prints("pass --yes to confirm");
        restore("--to yesterday --production").failed().prints("expected a time in UTC");
        restore("--to 2999-12-31T00:00 --production").failed().prints("is in the future");
        restore("--to 2020-01-01T00:00 --production")
            .failed()
            .prints("no base backup from before")
            .prints("from 20");
        restore("--back --production").failed().prints("no restore has replaced data");

        restore(&format!("{to} --production --yes")).succeeded().prints("--back");
        self.eventually_returns(200);
        restore("--back --production --yes").succeeded();
        self.eventually_returns(404);
        restore("--confirm --production --yes").succeeded().prints("removed");
        restore("--confirm --production --yes").failed().prints("no restore has replaced data");

        run(&mut self.stack.xtask("deploy --tag second")).succeeded();
        let stack = self.stack.variable("COMPOSE_PROJECT_NAME");
        let mut inspect = Command::new("docker");
        run(inspect.args(["inspect", &format!("{stack}-archive-1")])).failed();
        self.eventually_returns(404);
    }

    fn xtask(&self, words: &str) -> Command {
        let mut xtask = self.stack.xtask(words);
        xtask.env("BACKUP_CONTINUOUS", "true");
        xtask
    }

    fn call(&self, path: &str, options: &[&str]) -> (u16, String) {
        let authorization = format!("Authorization: Bearer {}", self.token);
        call(self.stack, path, &[&["--header", &authorization], options].concat())
    }

    /// Waits until the replicas have connected to PostgreSQL again.
    fn eventually_returns(&self, status: u16) {
        eventually("the person", || (self.call(&self.person, &[]).0 == status).then_some(()));
    }
}
