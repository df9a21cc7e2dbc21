//! Compares schemas.

use serde_json::Value;

use crate::comparison::{Comparison, Direction, map, resolve};

/// The keywords for which a larger value is stricter.
const MINIMA: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
/// The keywords for which a smaller value is stricter.
const MAXIMA: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/// The keywords for which any change is breaking.
const FORMS: [&str; 3] = ["format", "pattern", "multipleOf"];

impl<'a> Comparison<'a> {
    /// Compares two schemas, and adds breaking changes to `found`.
    pub(crate) fn schema(
        &mut self,
        place: &str,
        direction: Direction,
        old: &'a Value,
        new: &'a Value,
    ) {
        if let (Some(old), Some(new)) = (old["$ref"].as_str(), new["$ref"].as_str()) {
            let pair = (direction, old.to_owned(), new.to_owned());
            if self.seen.contains(&pair) {
                return;
            }
            self.seen.push(pair);
        }
        let (old, new) = (resolve(self.old, old), resolve(self.new, new));
        let (olds, news) = (choices(old), choices(new));
        if let ([old], [new]) = (olds.as_slice(), news.as_slice()) {
            let (old, new) = (resolve(self.old, old), resolve(self.new, new));
            self.types(place, direction, old, new);
            self.values(place, direction, old, new);
            if direction == Direction::Request {
                self.limits(place, old, new);
            }
            self.properties(place, direction, old, new);
            if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
                self.schema(&format!("{place}/*"), direction, old, new);
            }
            return;
        }
        // Requests must still accept all old choices. Responses must not contain new choices.
        let (from, to) = match direction {
            Direction::Request => (&olds, &news),
            Direction::Response => (&news, &olds),
        };
        let is_known = |one: &&Value| to.iter().any(|other| self.fits(direction, one, other));
        if !from.iter().all(is_known) {
            let what = match direction {
                Direction::Request => "accepts fewer types of values",
                Direction::Response => "may now have another type",
            };
            self.found.push(format!("{place}: {what}"));
        }
    }

    /// Returns whether a change from `from` to `to` in a request, or the reverse in a response, is compatible.
    fn fits(&self, direction: Direction, from: &'a Value, to: &'a Value) -> bool {
        let (old, new) = match direction {
            Direction::Request => (from, to),
            Direction::Response => (to, from),
        };
        let seen = self.seen.clone();
        let mut trial = Comparison { old: self.old, new: self.new, found: Vec::new(), seen };
        trial.schema("", direction, old, new);
        trial.found.is_empty()
    }

    fn types(&mut self, place: &str, direction: Direction, old: &Value, new: &Value) {
        let (olds, news) = (types(old), types(new));
        let (from, to) = match direction {
            Direction::Request => (&olds, &news),
            Direction::Response => (&news, &olds),
        };
        let is_among = |kind: &&str| {
            to.is_empty() || to.contains(kind) || (*kind == "integer" && to.contains(&"number"))
        };
        if (from.is_empty() && !to.is_empty()) || !from.iter().all(is_among) {
            let name = |types: &[&str]| match types {
                [] => "anything".to_owned(),
                types => types.join(" or "),
            };
            self.found.push(format!(
                "{place}: the type changed from {} to {}",
                name(&olds),
                name(&news)
            ));
        }
    }

    fn values(&mut self, place: &str, direction: Direction, old: &Value, new: &Value) {
        let (olds, news) = (values(old), values(new));
        match (direction, olds, news) {
            (Direction::Request, None, Some(_)) => {
                self.found.push(format!("{place}: now accepts only certain values"));
            }
            (Direction::Request, Some(olds), Some(news)) => {
                for value in olds.iter().filter(|value| !news.contains(value)) {
                    self.found.push(format!("{place}: no longer accepts {value}"));
                }
            }
            (Direction::Response, Some(_), None) => {
                self.found.push(format!("{place}: may now be any value"));
            }
            (Direction::Response, Some(olds), Some(news)) => {
                for value in news.iter().filter(|value| !olds.contains(value)) {
                    self.found.push(format!("{place}: may now be {value}"));
                }
            }
            _ => {}
        }
    }

    fn limits(&mut self, place: &str, old: &Value, new: &Value) {
        let mut compare = |key: &str, is_stricter: fn(f64, f64) -> bool| {
            let (old, limit) = (old[key].as_f64(), new[key].as_f64());
            if limit.is_some_and(|limit| old.is_none_or(|old| is_stricter(old, limit))) {
                self.found.push(format!("{place}: now has a stricter {key}, {}", new[key]));
            }
        };
        for key in MINIMA {
            compare(key, |old, new| new > old);
        }
        for key in MAXIMA {
            compare(key, |old, new| new < old);
        }
        for key in FORMS {
            if !new[key].is_null() && old[key] != new[key] {
                self.found.push(format!("{place}: must now have the {key} {}", new[key]));
            }
        }
        if old["additionalProperties"] != false && new["additionalProperties"] == false {
            self.found.push(format!("{place}: no longer accepts additional fields"));
        }
    }

    fn properties(&mut self, place: &str, direction: Direction, old: &'a Value, new: &'a Value) {
        let requires = |schema: &Value, name: &str| {
            schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name))
        };
        for (name, property) in map(&old["properties"]) {
            let place = format!("{place}/{name}");
            let Some(other) = new["properties"].get(name) else {
                self.found.push(format!("{place}: was removed"));
                continue;
            };
            if direction == Direction::Response && requires(old, name) && !requires(new, name) {
                self.found.push(format!("{place}: may now be absent"));
            }
            self.schema(&place, direction, property, other);
        }
        let names = new["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in names.filter(|name| !requires(old, name)) {
            if direction == Direction::Request {
                self.found.push(format!("{place}/{name}: is now required"));
            }
        }
    }
}

/// Returns the alternatives of a schema.
fn choices(schema: &Value) -> Vec<&Value> {
    let choices = schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array());
    choices.map_or_else(|| vec![schema], |choices| choices.iter().collect())
}

/// Returns the types that the schema allows, or an empty list for all types.
fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// Returns the values that the schema allows, or `None` for all values.
fn values(schema: &Value) -> Option<Vec<&Value>> {
    let one = schema.get("const").map(|value| vec![value]);
    one.or_else(|| Some(schema["enum"].as_array()?.iter().collect()))
}
