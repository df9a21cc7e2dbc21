//! Resources, as the OpenAPI document and the schema of the database describe them.

use db::Client;
use serde_json::Value;

use super::values::{Generator, kind};
use crate::harness::{Operation, Spec, entries};

/// A collection with a POST and a paged GET, and the items below it.
pub(super) struct Resource {
    pub(super) path: String,
    pub(super) table: String,
    pub(super) fields: Vec<Field>,
    /// Whether a row belongs to the account that created it.
    pub(super) is_owned: bool,
    pub(super) list: Operation,
    pub(super) create: Operation,
    pub(super) get: Operation,
    pub(super) replace: Option<Operation>,
    pub(super) update: Option<Operation>,
    pub(super) delete: Option<Operation>,
}

/// A field that clients write.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) is_required: bool,
    pub(super) is_unique: bool,
    pub(super) reference: Option<Reference>,
    pub(super) values: Generator,
}

/// A foreign key with one column.
#[derive(Clone)]
pub(super) struct Reference {
    table: String,
    column: String,
    pub(super) target: String,
    /// What deleting the target does, as `pg_constraint.confdeltype` spells it.
    pub(super) on_delete: u8,
}

/// The constraints of a database.
pub(super) struct Constraints {
    references: Vec<Reference>,
    /// Tables and their columns that have a unique index of their own.
    unique: Vec<(String, String)>,
}

impl Constraints {
    pub(super) async fn of(client: &Client) -> Self {
        let references = "SELECT source.relname::text, attname::text, target.relname::text, confdeltype \
            FROM pg_constraint JOIN pg_class source ON source.oid = conrelid \
            JOIN pg_class target ON target.oid = confrelid \
            JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] \
            WHERE contype = 'f' AND cardinality(conkey) = 1";
        let unique = "SELECT relname::text, attname::text FROM pg_index JOIN pg_class ON pg_class.oid = indrelid \
            JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] \
            WHERE indisunique AND NOT indisprimary AND indnatts = 1 AND indpred IS NULL";
        let references =
            client.query(references, &[]).await.expect("rows").into_iter().map(|row| {
                let on_delete = row.get::<_, i8>(3).cast_unsigned();
                Reference { table: row.get(0), column: row.get(1), target: row.get(2), on_delete }
            });
        let unique = client.query(unique, &[]).await.expect("rows").into_iter();
        Self {
            references: references.collect(),
            unique: unique.map(|row| (row.get(0), row.get(1))).collect(),
        }
    }

    /// Returns the reference of a field that holds an id, or of a field that holds ids, which a join table keeps.
    fn reference(&self, table: &str, field: &str) -> Option<&Reference> {
        let mut own = self.references.iter().filter(|it| it.table == table);
        let joins = |it: &&Reference| {
            let is_join = |other: &Reference| other.table == it.table && other.target == table;
            it.table != table
                && Some(it.column.as_str()) == field.strip_suffix('s')
                && self.references.iter().any(is_join)
        };
        own.find(|it| it.column == field).or_else(|| self.references.iter().find(joins))
    }
}

impl Resource {
    /// Finds every resource of the document.
    pub(super) fn find_all(spec: &Spec, constraints: &Constraints) -> Vec<Self> {
        spec.operations.iter().filter_map(|list| Self::find(spec, constraints, list)).collect()
    }

    fn find(spec: &Spec, constraints: &Constraints, list: &Operation) -> Option<Self> {
        if list.method != "GET" || !list.has_parameter("query", "cursor") {
            return None;
        }
        let create = spec.operation("POST", &list.path)?;
        let get = spec
            .operations
            .iter()
            .find(|it| it.method == "GET" && parent(&it.path) == Some(&list.path))?;
        let of_item = |method| spec.operation(method, &get.path).cloned();
        let (_, segment) = list.path.rsplit_once('/')?;
        let table = segment.replace('-', "_");
        let body =
            spec.resolve(&create.spec["requestBody"]["content"]["application/json"]["schema"]);
        let fields = entries(&body["properties"]).map(|(name, schema)| Field {
            name: name.clone(),
            is_required: body["required"]
                .as_array()
                .is_some_and(|it| it.contains(&Value::from(name.as_str()))),
            is_unique: constraints.unique.contains(&(table.clone(), name.clone())),
            reference: constraints.reference(&table, name).cloned(),
            values: Generator::new(spec.inline(schema)),
        });
        let fields: Vec<_> = fields.collect();
        let stored =
            spec.resolve(&get.spec["responses"]["200"]["content"]["application/json"]["schema"]);
        Some(Self {
            path: list.path.clone(),
            is_owned: stored["properties"].get("owner_id").is_some()
                && body["properties"].get("owner_id").is_none(),
            fields,
            table,
            list: list.clone(),
            create: create.clone(),
            get: get.clone(),
            replace: of_item("PUT"),
            update: of_item("PATCH"),
            delete: of_item("DELETE"),
        })
    }

    /// Returns the path of the items of the parent, if the resource is nested.
    pub(super) fn parent_path(&self) -> Option<&str> {
        let (parent, _) = self.path.rsplit_once('/')?;
        parent.ends_with('}').then_some(parent)
    }

    /// Reports whether `path` is the path of the items of this resource, whatever its parameters are called.
    pub(super) fn has_items_at(&self, path: &str) -> bool {
        let segments = |path: &str| {
            path.split('/')
                .map(|it| if it.starts_with('{') { "{}" } else { it }.to_owned())
                .collect::<Vec<_>>()
        };
        segments(&self.get.path) == segments(path)
    }

    /// Returns the operations that change an item.
    pub(super) fn writes(&self) -> impl Iterator<Item = &Operation> {
        [&self.replace, &self.update, &self.delete].into_iter().flatten()
    }
}

impl Field {
    pub(super) fn is_array(&self) -> bool {
        kind(&self.values.schema) == "array"
    }

    /// Reports whether the field holds a free-form object, which PATCH merges.
    pub(super) fn is_object(&self) -> bool {
        kind(&self.values.schema) == "object" && self.values.schema.get("properties").is_none()
    }
}

/// Returns the path of the collection, if `path` ends with a parameter.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').filter(|(_, last)| last.starts_with('{')).map(|(parent, _)| parent)
}
