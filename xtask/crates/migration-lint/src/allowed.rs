//! Comments that allow a finding. `-- migrate: allow RULE: REASON` precedes the statement.

use crate::{
    file::{Finding, Parsed},
    rules,
};

const OPENING: &str = "-- migrate: allow ";

/// The `allow` comments of a file.
pub(crate) struct Allowed(Vec<Comment>);

struct Comment {
    /// The byte offset of the comment's line.
    offset: usize,
    rule: String,
    has_reason: bool,
    /// The end of the next statement. The comment applies up to this offset.
    until: usize,
    is_used: bool,
}

impl Allowed {
    pub(crate) fn read(file: &Parsed) -> Self {
        let text = &file.file.text;
        let ends: Vec<usize> =
            file.statements().iter().map(|node| node.text_range().end().into()).collect();
        let mut comments = Vec::new();
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            if let Some(text) = line.trim().strip_prefix(OPENING) {
                let (rule, reason) = text.split_once(':').unwrap_or((text, ""));
                comments.push(Comment {
                    offset,
                    rule: rule.trim().to_owned(),
                    has_reason: !reason.trim().is_empty(),
                    until: ends.iter().copied().find(|end| *end > offset).unwrap_or(text.len()),
                    is_used: false,
                });
            }
            offset += line.len();
        }
        Self(comments)
    }

    /// Returns whether a comment with a reason allows the finding of `rule` at `offset`.
    pub(crate) fn allows(&mut self, offset: usize, rule: &str) -> bool {
        let of = |it: &&mut Comment| it.rule == rule && (it.offset..it.until).contains(&offset);
        let Some(comment) = self.0.iter_mut().find(of) else { return false };
        comment.is_used = true;
        comment.has_reason
    }

    /// Returns findings for comments that are unused or do not have a reason.
    pub(crate) fn mistakes(&self, file: &Parsed) -> Vec<Finding> {
        let wrong = self.0.iter().filter(|comment| !(comment.has_reason && comment.is_used));
        let finding = |comment: &Comment| {
            let advice = if comment.is_used { rules::WITHOUT_REASON } else { rules::UNUSED };
            file.finding(comment.offset, advice).1
        };
        wrong.map(finding).collect()
    }
}
