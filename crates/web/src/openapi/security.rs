//! The security requirements of operations.
//!
//! Each type in `auth` registers a security scheme. All of them are bearer tokens, so the document has one scheme, and
//! each operation lists the roles that its caller needs.

use serde_json::{Value, json};

use super::values::members;

/// The name of the scheme.
const SCHEME: &str = "token";

/// Replaces all schemes with one scheme, whose description lists them as roles.
pub(super) fn merge_schemes(schemes: &mut Value) {
    let single = members(schemes).filter(|(name, _)| roles(name).count() == 1);
    let roles = single.map(|(role, scheme)| {
        let description = scheme["description"].as_str().unwrap_or_default();
        format!("\n- `{role}`: {description}")
    });
    let roles: String = roles.collect();
    let description = format!(
        "A session token from `POST /sessions`, or an API token from `POST /tokens`. \
        Each operation lists the roles that it requires:\n{roles}"
    );
    *schemes = json!({
        SCHEME: { "type": "http", "scheme": "bearer", "description": description },
    });
}

/// Replaces the schemes that the operation requires with roles. Operations that change data also require `write`.
pub(super) fn correct(method: &str, operation: &mut Value) {
    let requirements = operation["security"].as_array().map(Vec::as_slice).unwrap_or_default();
    let requirements = requirements.iter().map(|requirement| {
        let mut roles: Vec<_> = members(requirement).flat_map(|(name, _)| roles(name)).collect();
        if !roles.is_empty() && method != "get" && !roles.contains(&"write") {
            roles.push("write");
        }
        if roles.is_empty() { json!({}) } else { json!({ SCHEME: roles }) }
    });
    operation["security"] = requirements.collect();
}

/// Returns the roles that a scheme stands for.
fn roles(scheme: &str) -> impl Iterator<Item = &str> {
    scheme.split('_')
}
