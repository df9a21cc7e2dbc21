//! The resources that the OpenAPI document and the database schema describe.

use db::Client;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::{
    Operation, Spec, TestApp,
    spec::entries,
    values::{Generator, kind},
};

/// The OpenAPI document and its resources.
pub(crate) struct Catalog {
    pub(crate) spec: Spec,
    pub(crate) resources: Vec<Resource>,
}

/// The catalog, which is the same for all tests of a process.
static CATALOG: OnceCell<Catalog> = OnceCell::const_new();

/// A resource: a collection with POST and a paginated GET, and its items.
pub(crate) struct Resource {
    pub(crate) path: String,
    pub(crate) table: String,
    pub(crate) fields: Vec<Field>,
    /// True if a row belongs to the account that created it.
    pub(crate) is_owned: bool,
    pub(crate) list: Operation,
    pub(crate) create: Operation,
    pub(crate) get: Operation,
    pub(crate) replace: Option<Operation>,
    pub(crate) update: Option<Operation>,
    pub(crate) delete: Option<Operation>,
}

/// A writable field.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) is_required: bool,
    /// The value that an absent field gets.
    pub(crate) default: Option<Value>,
    pub(crate) is_unique: bool,
    pub(crate) reference: Option<Reference>,
    pub(crate) values: Generator,
}

/// A foreign key of one column.
#[derive(Clone)]
pub(crate) struct Reference {
    table: String,
    column: String,
    pub(crate) target: String,
    /// The ON DELETE action, as in `pg_constraint.confdeltype`.
    pub(crate) on_delete: u8,
}

/// The constraints of a database.
struct Constraints {
    references: Vec<Reference>,
    /// Tables with their columns that have a unique index of one column.
    unique: Vec<(String, String)>,
}

impl Catalog {
    pub(crate) async fn of(app: &TestApp) -> &'static Self {
        let read = async || {
            let (spec, database) = (Spec::of(app).await, app.database.connect().await);
            let resources = Resource::find_all(&spec, &Constraints::of(&database).await);
            Self { spec, resources }
        };
        CATALOG.get_or_init(read).await
    }

    /// Returns the resource whose collection or items have this path. Parameter names do not matter.
    pub(crate) fn resource_at(&self, path: &str) -> Option<&Resource> {
        let is_at = |resource: &&Resource| {
            matches(&resource.path, path) || matches(&resource.get.path, path)
        };
        self.resources.iter().find(is_at)
    }

    /// Returns the resource that is stored in this table.
    pub(crate) fn resource_of(&self, table: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.table == table)
    }
}

impl Constraints {
    async fn of(client: &Client) -> Self {
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

    /// Returns the reference of a field with an id, or of a field with ids in a join table.
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
    /// Finds all resources of the document.
    fn find_all(spec: &Spec, constraints: &Constraints) -> Vec<Self> {
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
            default: schema.get("default").cloned(),
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

    /// Returns the path of the parent's items, if the resource is nested.
    pub(crate) fn parent_path(&self) -> Option<&str> {
        let (parent, _) = self.path.rsplit_once('/')?;
        parent.ends_with('}').then_some(parent)
    }

    /// Returns the operations that change an item.
    pub(crate) fn writes(&self) -> impl Iterator<Item = &Operation> {
        [&self.replace, &self.update, &self.delete].into_iter().flatten()
    }
}

impl Field {
    pub(crate) fn is_array(&self) -> bool {
        kind(&self.values.schema) == "array"
    }

    /// Returns whether the field holds a free-form object, which PATCH merges.
    pub(crate) fn is_object(&self) -> bool {
        kind(&self.values.schema) == "object" && self.values.schema.get("properties").is_none()
    }
}

/// Returns the path of the collection if `path` ends with a parameter.
fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').filter(|(_, last)| last.starts_with('{')).map(|(parent, _)| parent)
}

/// Returns whether two paths are equal except for their parameters.
fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(path)
            .all(|(segment, other)| segment.starts_with('{') || *segment == other)
}
