//! Validated resources, from which all files are generated.

use anyhow::bail;
use naming::{is_imported, quoted, type_name};

use crate::{
    checkout::{Checkout, Parent},
    field::Field,
    kind::Kind,
    names::{Names, singular},
    request::NewResource,
};

/// The query parameters of every list operation.
const LIST_PARAMETERS: [&str; 3] = ["cursor", "limit", "q"];
/// The maximum length of a name in PostgreSQL.
const LONGEST_NAME: usize = 63;
/// The maximum number of fields of a resource.
const MOST_FIELDS: usize = 60;

/// A resource.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) names: Names,
    pub(crate) fields: Vec<Field>,
    pub(crate) owned: bool,
    pub(crate) under: Option<Parent>,
    /// The columns that the full-text search covers.
    pub(crate) search: Vec<String>,
    /// The name of the Rust enum for each enum column.
    enum_types: Vec<(String, String)>,
}

/// A join table between two resources.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) table: String,
    /// The column that refers to the resource with the `many` field.
    pub(crate) own: String,
    /// The column that refers to the other resource.
    pub(crate) other: String,
    /// The name of the JSON property.
    pub(crate) column: String,
}

/// A filter of the list operation.
pub(crate) struct Filter<'a> {
    pub(crate) field: &'a Field,
    /// The name of the query parameter.
    pub(crate) parameter: String,
}

impl Resource {
    /// Validates a request.
    ///
    /// # Errors
    /// The request is invalid. The message lists all problems.
    pub(crate) fn new(request: &NewResource, checkout: &Checkout) -> anyhow::Result<Self> {
        let mut problems = Vec::new();
        let mut names = match Names::new(&request.name, request.plural.as_deref()) {
            Ok(names) => names,
            Err(problem) => bail!("nothing was written, because {problem}"),
        };
        let name = names.thing_type();
        let schemas =
            [&name, &format!("{name}Page"), &format!("Create{name}"), &format!("Update{name}")];
        if schemas.iter().any(|name| checkout.has_schema(name)) {
            names.suffix = "Item";
        }
        let find = |things: &str| checkout.target(things);
        let mut fields: Vec<Field> = Vec::new();
        for text in &request.fields {
            let field = Field::read(text, &names, &find);
            match field {
                Ok(field) if fields.iter().any(|other| other.column == field.column) => {
                    problems.push(format!(
                        "`{text}`: the resource already has a field `{}`",
                        field.column
                    ));
                }
                Ok(field) => fields.push(field),
                Err(problem) => problems.push(format!("`{text}`: {problem}")),
            }
        }
        let under = request.under.as_deref().map(|things| checkout.parent(things)).transpose();
        let under = under.unwrap_or_else(|problem| {
            problems.push(format!("--under: {problem}"));
            None
        });
        let reserved = under.iter().map(|parent| parent.column.clone());
        for column in reserved.chain(request.owned.then(|| "owner_id".to_owned())) {
            if fields.iter().any(|field| field.column == column) {
                problems.push(format!(
                    "the options already add a column `{column}`. Choose another name for the field."
                ));
            }
        }
        let mut resource = Self {
            names,
            fields,
            owned: request.owned,
            under,
            search: Vec::new(),
            enum_types: Vec::new(),
        };
        for name in &request.search {
            match resource.fields.iter().find(|field| field.name == *name) {
                Some(field) if field.kind.is_text() => resource.search.push(field.column.clone()),
                Some(_) => {
                    problems.push(format!("--search: `{name}` is not a text, email or url field"));
                }
                None => problems.push(format!("--search: there is no field `{name}`")),
            }
        }
        if resource.fields.len() > MOST_FIELDS {
            problems.push(format!(
                "a resource can have at most {MOST_FIELDS} fields. Split it into several resources."
            ));
        }
        resource.name_enums(checkout);
        problems.extend(resource.conflicts(checkout));
        if !problems.is_empty() {
            bail!("nothing was written, because\n  {}", problems.join("\n  "));
        }
        Ok(resource)
    }

    /// Returns a resource that contains only one field, for adding the field to an existing resource.
    pub(crate) fn of_field(names: Names, field: Field, checkout: &Checkout) -> Self {
        let (fields, owned, under) = (vec![field], false, None);
        let (search, enum_types) = (Vec::new(), Vec::new());
        let mut resource = Self { names, fields, owned, under, search, enum_types };
        resource.name_enums(checkout);
        resource
    }

    /// Chooses unused names for the Rust enums.
    fn name_enums(&mut self, checkout: &Checkout) {
        let is_enum = |field: &&Field| matches!(field.kind, Kind::Enum(_));
        for field in self.fields.iter().filter(is_enum) {
            let mut name = type_name(&self.names.thing) + &type_name(&field.column);
            while checkout.has_schema(&name)
                || is_imported(&name)
                || name == self.names.things_type()
            {
                name += "Value";
            }
            self.enum_types.push((field.column.clone(), name));
        }
    }

    /// Returns the name of the table, quoted if necessary.
    pub(crate) fn table(&self) -> String {
        quoted(&self.names.things)
    }

    /// Returns the name of the struct that has the operations.
    pub(crate) fn api_type(&self) -> String {
        let name = self.names.things_type();
        let is_taken = is_imported(&name) || name == format!("Create{}", self.names.thing_type());
        if is_taken { name + "Api" } else { name }
    }

    /// Returns the name of the Rust enum of a field.
    pub(crate) fn enum_type(&self, field: &Field) -> &str {
        let found = self.enum_types.iter().find(|(column, _)| *column == field.column);
        found.map_or("", |(_, name)| name)
    }

    /// Returns the path of the list operation in poem's notation.
    pub(crate) fn path(&self) -> String {
        let nested =
            self.under.as_ref().map(|parent| format!("/{}/:{}", parent.path, parent.column));
        format!("{}/{}", nested.unwrap_or_default(), self.names.path())
    }

    /// Returns the columns that the resource kit fills from the path and the account, each with its referenced table.
    pub(crate) fn scope(&self) -> impl Iterator<Item = (&str, &str)> {
        let parent =
            self.under.iter().map(|parent| (parent.column.as_str(), parent.table.as_str()));
        parent.chain(self.owned.then_some(("owner_id", "accounts")))
    }

    /// Returns the columns of [`Self::scope`], quoted if necessary.
    pub(crate) fn scope_columns(&self) -> Vec<String> {
        self.scope().map(|(column, _)| quoted(column)).collect()
    }

    /// Returns the columns that need an index.
    pub(crate) fn indexed(&self) -> Vec<String> {
        let is_indexed = |field: &&Field| !field.unique && matches!(field.kind, Kind::Ref(_));
        let references = self.fields.iter().filter(is_indexed).map(|field| field.column.clone());
        self.scope().map(|(column, _)| column.to_owned()).chain(references).collect()
    }

    /// Returns the join table of a `many` field.
    pub(crate) fn link(&self, field: &Field) -> Link {
        let (thing, base) = (&self.names.thing, singular(field.base()));
        let own = format!("{thing}_id");
        let other = format!("{base}_id");
        let other = if other == own { format!("other_{other}") } else { other };
        let table = format!("{thing}_{}", field.name.strip_suffix("_ids").unwrap_or(&field.name));
        Link { table, own, other, column: field.column.clone() }
    }

    pub(crate) fn links(&self) -> Vec<Link> {
        let fields = self.fields.iter().filter(|field| matches!(field.kind, Kind::Many(_)));
        fields.map(|field| self.link(field)).collect()
    }

    /// Returns the filters of the list operation. Enums and references are filters.
    pub(crate) fn filters(&self) -> Vec<Filter<'_>> {
        let mut filters: Vec<Filter<'_>> = Vec::new();
        for field in &self.fields {
            let mut parameter = match field.kind {
                Kind::Enum(_) | Kind::Ref(_) => field.column.clone(),
                Kind::Many(_) => format!("{}_id", singular(field.base())),
                _ => continue,
            };
            let is_taken = |name: &str| {
                LIST_PARAMETERS.contains(&name)
                    || self.under.as_ref().is_some_and(|parent| parent.column == name)
                    || filters.iter().any(|other| other.parameter == name)
            };
            while is_taken(&parameter) {
                parameter = format!("filter_{parameter}");
            }
            filters.push(Filter { field, parameter });
        }
        filters
    }

    /// Returns whether the list operation has filters or a full-text search, and so needs the `search` query.
    pub(crate) fn has_search(&self) -> bool {
        !self.search.is_empty() || !self.filters().is_empty()
    }

    /// Returns the columns that the full-text search covers, each with whether it is nullable.
    fn searched(&self) -> impl Iterator<Item = (String, bool)> {
        let fields = self
            .search
            .iter()
            .filter_map(|name| self.fields.iter().find(|field| field.column == *name));
        fields.map(|field| (quoted(&field.column), field.optional))
    }

    /// Returns the `tsvector` expression of the full-text search.
    pub(crate) fn search_document(&self) -> String {
        let part =
            |(column, optional)| if optional { format!("coalesce({column}, '')") } else { column };
        format!(
            "to_tsvector('simple', {})",
            self.searched().map(part).collect::<Vec<_>>().join(" || ' ' || ")
        )
    }

    /// Returns the expression of [`Self::search_document`] as PostgreSQL reports it.
    pub(crate) fn reported_search_document(&self) -> String {
        let part = |(column, optional)| {
            if optional { format!("COALESCE({column}, ''::text)") } else { column }
        };
        let joined = self
            .searched()
            .map(part)
            .reduce(|all, part| format!("(({all} || ' '::text) || {part})"));
        format!("to_tsvector('simple'::regconfig, {})", joined.unwrap_or_default())
    }

    /// Returns conflicts with existing tables, files, paths and PostgreSQL's limit of name length.
    fn conflicts(&self, checkout: &Checkout) -> Vec<String> {
        let (things, path, links) = (&self.names.things, self.names.path(), self.links());
        let mut problems = Vec::new();
        let rename = "Choose another name or pass --plural.";
        for table in [things].into_iter().chain(links.iter().map(|link| &link.table)) {
            if checkout.schema.has_table(table) {
                problems.push(format!("a table `{table}` already exists. {rename}"));
            }
        }
        if let Some((_, path)) = checkout.source(things) {
            problems.push(format!("the file {path} already exists. {rename}"));
        }
        if self.under.is_none() && checkout.has_path(&path) {
            problems.push(format!("the server already has a path /{path}. {rename}"));
        }
        let mut names = links.iter().map(|link| format!("{}_{}_fkey", link.table, link.other));
        if let Some(name) = names.find(|name| name.len() > LONGEST_NAME) {
            problems.push(format!(
                "the constraint name `{name}` is longer than {LONGEST_NAME} characters. Choose shorter names."
            ));
        }
        problems
    }
}
