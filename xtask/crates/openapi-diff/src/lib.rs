//! Finds changes of an OpenAPI 3.1 document that break clients.

mod comparison;
mod schema;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use comparison::{Comparison, Direction, map, resolve};

/// Returns a description of each change from `old` to `new` that can break a client.
pub fn breaking(old: &Value, new: &Value) -> Vec<String> {
    let mut comparison = Comparison::new(old, new);
    let news = operations(new);
    for (name, operation) in operations(old) {
        match news.get(&name) {
            Some(new) => comparison.operation(&name, operation, new),
            None => comparison.found.push(format!("{name} was removed")),
        }
    }
    comparison.found
}

/// Returns the operations by method and path. Names of path parameters are replaced, because they do not matter.
fn operations(document: &Value) -> BTreeMap<String, &Value> {
    let paths = map(&document["paths"]);
    let operations = paths.flat_map(|(path, operations)| {
        let path: Vec<_> =
            path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        let path = path.join("/");
        map(operations).map(move |(method, it)| (format!("{} {path}", method.to_uppercase()), it))
    });
    operations.collect()
}

impl<'a> Comparison<'a> {
    fn operation(&mut self, name: &str, old: &'a Value, new: &'a Value) {
        if is_open(old) && !is_open(new) {
            self.found.push(format!("{name}: now requires a token"));
        }
        self.parameters(name, old, new);
        self.body(name, old, new);
        for (status, response) in map(&old["responses"]) {
            // Removing an error response does not break clients.
            if !status.starts_with(['2', '3']) {
                continue;
            }
            let place = format!("{name}, {status}");
            match new["responses"].get(status) {
                Some(new) => self.response(&place, response, new),
                None => self.found.push(format!("{place}: was removed")),
            }
        }
    }

    fn parameters(&mut self, name: &str, old: &'a Value, new: &'a Value) {
        let (olds, news) = (parameters(self.old, old), parameters(self.new, new));
        for (key, old) in &olds {
            let place = format!("{name}, parameter {}", key.1);
            match news.get(key) {
                None => self.found.push(format!("{place}: was removed")),
                Some(new) => {
                    if old["required"] != true && new["required"] == true {
                        self.found.push(format!("{place}: is now required"));
                    }
                    let schemas = (&old["schema"], &new["schema"]);
                    self.schema(&place, Direction::Request, schemas.0, schemas.1);
                }
            }
        }
        for ((_, parameter), new) in news.iter().filter(|(key, _)| !olds.contains_key(*key)) {
            if new["required"] == true {
                self.found.push(format!("{name}, parameter {parameter}: is new and required"));
            }
        }
    }

    fn body(&mut self, name: &str, old: &'a Value, new: &'a Value) {
        let place = format!("{name}, body");
        match (old.get("requestBody"), new.get("requestBody")) {
            (Some(old), Some(new)) => {
                if old["required"] != true && new["required"] == true {
                    self.found.push(format!("{place}: is now required"));
                }
                self.content(&place, Direction::Request, old, new);
            }
            (None, Some(new)) if new["required"] == true => {
                self.found.push(format!("{place}: is new and required"));
            }
            (Some(_), None) => self.found.push(format!("{place}: was removed")),
            _ => {}
        }
    }

    fn response(&mut self, place: &str, old: &'a Value, new: &'a Value) {
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        for (header, _) in map(&old["headers"]) {
            let mut names = map(&new["headers"]).map(|(name, _)| name);
            if !names.any(|name| name.eq_ignore_ascii_case(header)) {
                self.found.push(format!("{place}: the header {header} was removed"));
            }
        }
        self.content(place, Direction::Response, old, new);
    }

    fn content(&mut self, place: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        for (media_type, old) in map(&old["content"]) {
            match new["content"].get(media_type) {
                Some(new) => self.schema(place, direction, &old["schema"], &new["schema"]),
                None => {
                    self.found.push(format!("{place}: the media type {media_type} was removed"));
                }
            }
        }
    }
}

/// Returns whether the operation can be called without a token.
fn is_open(operation: &Value) -> bool {
    let choices = operation["security"].as_array();
    choices.is_none_or(|choices| choices.is_empty() || choices.contains(&Value::Object(Map::new())))
}

/// Returns the parameters by location and name. Path parameters have a number instead of a name.
fn parameters<'a>(
    document: &'a Value,
    operation: &'a Value,
) -> BTreeMap<(String, String), &'a Value> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let mut in_path = 0;
    let key = |parameter: &'a Value| {
        let parameter = resolve(document, parameter);
        let text = |key: &str| parameter[key].as_str().unwrap_or_default().to_owned();
        let name = if parameter["in"] == "path" {
            in_path += 1;
            format!("{in_path} of the path")
        } else {
            text("name")
        };
        ((text("in"), name), parameter)
    };
    all.map(key).collect()
}
