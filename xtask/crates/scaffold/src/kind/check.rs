//! CHECK constraints of columns.

use super::Kind;
use naming::quoted;

/// A CHECK constraint of a column.
pub(crate) struct Check {
    /// The end of the constraint's name.
    pub(crate) suffix: &'static str,
    /// The SQL for migrations.
    pub(crate) rule: String,
    /// The SQL as PostgreSQL reports it.
    pub(crate) reported: String,
}

impl Kind {
    pub(crate) fn check(&self, column: &str) -> Option<Check> {
        let column = quoted(column);
        let length = |min: u32, max: u32| Check {
            suffix: "length",
            rule: format!("CHECK (char_length({column}) BETWEEN {min} AND {max})"),
            reported: format!(
                "CHECK (((char_length({column}) >= {min}) AND (char_length({column}) <= {max})))"
            ),
        };
        Some(match self {
            Self::Text { max } => length(1, *max),
            kind if kind.is("email") => length(3, 254),
            kind if kind.is("url") => length(1, 2000),
            Self::TextArray { .. } => Check {
                suffix: "items",
                rule: format!("CHECK (cardinality({column}) <= 100)"),
                reported: format!("CHECK ((cardinality({column}) <= 100))"),
            },
            kind if kind.is("jsonb") => Check {
                suffix: "object",
                rule: format!("CHECK (jsonb_typeof({column}) = 'object')"),
                reported: format!("CHECK ((jsonb_typeof({column}) = 'object'::text))"),
            },
            Self::Enum(variants) => {
                let list = |end: &str| {
                    let values = variants.iter().map(|it| format!("'{}'{end}", it.value));
                    values.collect::<Vec<_>>().join(", ")
                };
                Check {
                    suffix: "values",
                    rule: format!("CHECK ({column} IN ({}))", list("")),
                    reported: format!("CHECK (({column} = ANY (ARRAY[{}])))", list("::text")),
                }
            }
            _ => return None,
        })
    }
}
