//! The requests that other processes send to the supervisor.

/// A request, which is sent as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Returns the status immediately.
    Status,
    /// Returns the status when the newest source is served or has failed.
    Wait,
    /// Returns the status immediately and after every change.
    Watch,
}

impl Request {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Wait => "wait",
            Self::Watch => "watch",
        }
    }
}
