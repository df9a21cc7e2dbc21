//! The questions that other processes ask the supervisor.

/// A question, a word on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// How it is now.
    Status,
    /// How it is when the newest source is served or has failed.
    Wait,
    /// How it is now, and at every change.
    Watch,
}

impl Question {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Wait => "wait",
            Self::Watch => "watch",
        }
    }
}
