//! Rejects unknown and repeated query parameters. poem would ignore misspelled names without an error.

use std::collections::HashSet;

use poem::Request;

use crate::{
    error::{ApiError, Errors, FieldError},
    openapi,
    paths::Paths,
};

/// Checks that a request has only the query parameters of its operation, and each of them once.
///
/// # Errors
/// Returns [`ApiError::Invalid`] with the names of unknown and repeated parameters.
pub(crate) fn check(request: &Request, paths: &Paths) -> Result<(), ApiError> {
    if request.uri().query().is_none_or(str::is_empty) {
        return Ok(());
    }
    // A page that is not an operation may have any parameters.
    let Some(operation) = openapi::find_operation(request, paths) else { return Ok(()) };
    // An invalid query has an error of its own.
    let given: Vec<(String, String)> = request.params().unwrap_or_default();
    let (mut seen, mut errors) = (HashSet::new(), Errors::default());
    for (name, _) in &given {
        let is_new = seen.insert(name);
        match operation.query.iter().find(|known| known.name == *name) {
            None if is_new => errors.add(FieldError::parameter(name, "is not known")),
            Some(known) if !is_new && !known.is_list => {
                errors.add(FieldError::parameter(name, "occurs more than once"));
            }
            _ => {}
        }
    }
    errors.finish()
}
