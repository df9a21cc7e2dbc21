//! Default values for rows that are older than a field.

use regex::Regex;

use super::Kind;

impl Kind {
    /// Returns the default value in SQL, in Rust and as PostgreSQL reports it.
    ///
    /// # Errors
    /// `value` is invalid for this type, or the type does not support defaults.
    pub(crate) fn default(&self, value: &str, enum_type: &str) -> Result<[String; 3], String> {
        let label = || self.json("none").unwrap_or_default().replace('"', "");
        let wrong =
            || format!("`{value}` is not valid for this type. Pass a value such as `{}`.", label());
        let is_number =
            |pattern: &str| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value));
        let number = |is_valid: bool, rust: String| {
            let kind = if value.contains('.') { "numeric" } else { "integer" };
            let negative = format!("'{value}'::{kind}");
            let reported = if value.starts_with('-') { negative } else { value.to_owned() };
            if is_valid { Ok([value.to_owned(), rust, reported]) } else { Err(wrong()) }
        };
        let text = |is_valid: bool, rust: String| {
            if is_valid {
                Ok([format!("'{value}'"), rust, format!("'{value}'::text")])
            } else {
                Err(wrong())
            }
        };
        match self {
            Self::Text { max } => {
                let is_line = is_number(r"^[^'\pC]*[^'\s\pC][^'\pC]*$")
                    && value.chars().count() <= *max as usize;
                text(is_line, format!("Line({value:?}.to_owned())"))
            }
            Self::Enum(variants) => match variants.iter().find(|it| it.value == value) {
                Some(variant) => text(true, format!("{enum_type}::{}", variant.name)),
                None => Err(wrong()),
            },
            Self::Numeric { digits, scale } => {
                let pattern = format!(
                    r"^-?(0|[1-9]\d{{0,{}}})(\.\d{{1,{scale}}})?$",
                    (digits - scale).saturating_sub(1)
                );
                number(is_number(&pattern), format!("Decimal({value:?}.to_owned())"))
            }
            kind if kind.is("bool") => number(matches!(value, "true" | "false"), value.to_owned()),
            kind if kind.is("int") || kind.is("bigint") => {
                number(is_number(r"^(0|-?[1-9]\d{0,8})$"), value.to_owned())
            }
            kind if kind.is("float") => {
                let rust =
                    if value.contains('.') { value.to_owned() } else { format!("{value}.0") };
                number(is_number(r"^-?(0|[1-9]\d{0,8})(\.\d{1,9})?$"), rust)
            }
            _ => Err("this type does not support --default. Make the field optional.".to_owned()),
        }
    }
}
