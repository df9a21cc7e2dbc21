//! People: persons and their e-mail addresses.

mod emails;
mod persons;

use web::{Api, AppState};

/// Returns the operations of this domain, in the order of the docs page.
pub fn apis(state: &AppState) -> Vec<Api> {
    vec![Api::new(persons::Persons::new(state)), Api::new(emails::Emails::new(state))]
}
