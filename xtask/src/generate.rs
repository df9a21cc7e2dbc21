//! Writes resources as the house would: [`Resource`] is what was asked for, checked; the templates are
//! the house's own files with holes.
#![expect(clippy::format_push_string, reason = "what it makes is text, and short")]

mod api;
mod changes;
mod checkout;
mod db;
mod e2e;
mod field;
mod names;
pub(crate) mod reserved;
mod schema;
mod sql;
mod template;

#[cfg(test)]
mod tests;

use std::path::Path;

use anyhow::bail;

pub(crate) use changes::Changes;
use checkout::{Checkout, Parent};
use field::{Field, Kind};
use names::Names;
pub(crate) use names::is_snake_case;

/// More would be more parameters than clippy lets a function have.
const MOST_FILTERS: usize = 3;

/// A resource to be written.
pub(crate) struct Resource {
    pub(crate) names: Names,
    fields: Vec<Field>,
    /// The number of its migration.
    version: usize,
}

impl Resource {
    /// What was asked for, if it can be written in the checkout at `root`.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the rule.
    pub(crate) fn read(
        name: &str,
        plural: Option<&str>,
        fields: &[String],
        root: &Path,
    ) -> anyhow::Result<Self> {
        Self::new(name, plural, fields, &Checkout::read(root)?)
    }

    fn new(
        name: &str,
        plural: Option<&str>,
        fields: &[String],
        checkout: &Checkout,
    ) -> anyhow::Result<Self> {
        let mut problems = Vec::new();
        let names = Names::new(name, plural).map_err(|problem| problems.push(problem)).ok();
        let mut read: Vec<Field> = Vec::new();
        for text in fields {
            match Field::read(text, names.as_ref(), checkout) {
                Ok(field) if read.iter().any(|other| other.name == field.name) => {
                    problems.push(format!("`{text}`: there is a `{}` already", field.name));
                }
                Ok(field) => read.push(field),
                Err(problem) => problems.push(format!("`{text}`: {problem}")),
            }
        }
        if let Some(names) = &names {
            problems.extend(checkout.problems(names, &read));
        }
        match names {
            Some(names) if problems.is_empty() => {
                Ok(Self { names, fields: read, version: checkout.next_version })
            }
            _ => bail!("nothing was written:\n  {}", problems.join("\n  ")),
        }
    }

    fn optional(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(|field| field.optional)
    }

    /// Those by which lists can be narrowed: references, then enums.
    fn filters(&self) -> Vec<&Field> {
        let references = self.fields.iter().filter(|field| matches!(field.kind, Kind::Ref(_)));
        let enums = self.enums().map(|(field, _)| field);
        references.chain(enums).take(MOST_FILTERS).collect()
    }

    /// The enums with their values.
    fn enums(&self) -> impl Iterator<Item = (&Field, &[String])> {
        self.fields.iter().filter_map(|field| match &field.kind {
            Kind::Enum(values) => Some((field, values.as_slice())),
            _ => None,
        })
    }

    /// The references that need an index of their own: a unique one has it by that.
    fn indexed(&self) -> impl Iterator<Item = (&Field, &Parent)> {
        self.fields.iter().filter(|field| !field.unique).filter_map(|field| match &field.kind {
            Kind::Ref(parent) => Some((field, parent)),
            _ => None,
        })
    }

    fn has(&self, is: impl Fn(&Kind) -> bool) -> bool {
        self.fields.iter().any(|field| is(&field.kind))
    }

    /// A line for each field, or more.
    fn each(&self, line: impl FnMut(&Field) -> String) -> String {
        self.fields.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// All files of the resource, and the lines by which others know of them.
///
/// # Errors
/// A file where such a line belongs is not as we know it.
pub(crate) fn changes(resource: &Resource, root: &Path) -> anyhow::Result<Changes> {
    let mut changes = Changes::new(root);
    sql::write(resource, &mut changes);
    db::write(resource, &mut changes);
    api::write(resource, &mut changes);
    e2e::write(resource, &mut changes);
    changes.register(resource)?;
    changes.format(root)?;
    changes.check_lengths()?;
    Ok(changes)
}
