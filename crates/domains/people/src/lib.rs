//! The people domain: persons and their e-mail addresses.

mod emails;
mod persons;

use web::{Api, AppState};

/// Returns the operations of this domain, in the order in which the API documentation lists them.
pub fn apis(state: &AppState) -> Vec<Api> {
    vec![Api::new(persons::Persons::new(state)), Api::new(emails::Emails::new(state))]
}
