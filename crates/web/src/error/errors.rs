//! Collects the invalid values of a request.

use super::{ApiError, FieldError};

/// The maximum number of errors in a response. Otherwise, the response could be much larger than the request.
const MAX_ERRORS: usize = 20;

/// The invalid values of a request. Keeps the first values, up to the limit, and counts all.
#[derive(Default)]
pub(crate) struct Errors {
    number: usize,
    first: Vec<FieldError>,
}

impl Errors {
    /// Adds an error.
    pub(crate) fn add(&mut self, error: FieldError) {
        self.number += 1;
        if self.first.len() < MAX_ERRORS {
            self.first.push(error);
        }
    }

    /// Returns the collected errors as one error.
    ///
    /// # Errors
    /// Returns [`ApiError::Invalid`], or [`ApiError::TooManyInvalid`] if a response cannot list all errors.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        let Self { number, first } = self;
        match number {
            0 => Ok(()),
            number if number > first.len() => Err(ApiError::TooManyInvalid { number, first }),
            _ => Err(ApiError::Invalid(first)),
        }
    }
}
