//! Generates the doc comment of a field from its name.

use naming::{with_article, words};

use super::Kind;
use crate::names::{Names, is_plural};

impl Kind {
    /// Returns the doc comment without the final period.
    pub(crate) fn doc(&self, name: &str, base: &str, names: &Names) -> String {
        let label = words(base);
        let has = |words: &[&str]| {
            words.iter().any(|word| label.split(' ').any(|it| it.eq_ignore_ascii_case(word)))
        };
        match self {
            kind if kind.is("bool") => match base.split_once('_') {
                Some(("is", rest)) => format!("True if the {} is {}", names.one(), words(rest)),
                Some((verb @ ("has" | "can"), rest)) => {
                    format!("True if the {} {verb} {}", names.one(), words(rest))
                }
                _ => format!("The {label} flag"),
            },
            kind if (kind.is("int") || kind.is("bigint")) && is_plural(&label) => {
                format!("The number of {label}")
            }
            Self::Numeric { digits, scale } => format!(
                "The {label}, a decimal number with at most {} digits before the point and {scale} after it",
                digits - scale
            ),
            kind if kind.is("date") && !label.ends_with("date") && !label.ends_with("day") => {
                format!("The {} date", label.strip_suffix(" on").unwrap_or(&label))
            }
            kind if kind.is("timestamptz") => match label.strip_suffix(" at").unwrap_or(&label) {
                label if has(&["time"]) => format!("The {label}, in UTC"),
                label => format!("The {label} time, in UTC"),
            },
            kind if kind.is("email") && has(&["address"]) => format!("The {label}"),
            kind if kind.is("email") && label.ends_with("email") => format!("The {label} address"),
            kind if kind.is("email") => format!("The {label}, an e-mail address"),
            kind if kind.is("url") && !has(&["url"]) => format!("The URL of the {label}"),
            kind if kind.is("jsonb") => format!("The {label}, an object of any shape"),
            Self::Ref(target) if target.one == label => format!("The id of the {label}"),
            Self::Ref(target) => format!("The id of the {label}, {}", with_article(&target.one)),
            Self::Many(target) if target.one == label => format!("The ids of the {}", words(name)),
            Self::Many(target) => {
                format!("The ids of the {}, each {}", words(name), with_article(&target.one))
            }
            _ => format!("The {label}"),
        }
    }
}
