//! Valid and invalid values of a schema.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use chrono::{Days, NaiveDate, TimeDelta};
use jsonschema::Validator;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Value, json};
use uuid::Uuid;

/// A schema without references, and a generator of its values.
pub(crate) struct Generator {
    pub(crate) schema: Value,
    validator: Validator,
}

impl Generator {
    pub(crate) fn new(schema: Value) -> Self {
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(&schema).expect("the document has valid schemas");
        Self { schema, validator }
    }

    /// Returns the value with this number. Numbers give different values if the schema allows enough.
    pub(crate) fn value(&self, number: usize) -> Value {
        let mut candidates = candidates(&self.schema, number);
        let found = candidates.find(|value| self.validator.is_valid(value));
        found.unwrap_or_else(|| {
            panic!("no value for this schema could be generated: {}", self.schema)
        })
    }

    /// Returns whether the schema accepts this text as a query parameter.
    pub(crate) fn accepts_text(&self, text: &str) -> bool {
        let value = match kind(&self.schema) {
            "string" | "" => json!(text),
            _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        };
        self.validator.is_valid(&value)
    }

    /// Returns invalid values, each for another reason.
    pub(crate) fn invalid_values(&self) -> Vec<Value> {
        let invalid = invalid_candidates(&self.schema, &self.value(0)).into_iter();
        invalid.filter(|value| !self.validator.is_valid(value)).collect()
    }
}

/// Returns the type that a schema describes.
pub(crate) fn kind(schema: &Value) -> &str {
    let kind = if schema["type"].is_array() { &schema["type"][0] } else { &schema["type"] };
    kind.as_str().unwrap_or_default()
}

fn candidates(schema: &Value, number: usize) -> Box<dyn Iterator<Item = Value> + '_> {
    if let Some(options) = schema["enum"].as_array() {
        return one(options[number % options.len()].clone());
    }
    match kind(schema) {
        "string" => {
            let by_format = formatted(schema["format"].as_str().unwrap_or_default(), number);
            let by_pattern = move || {
                schema["pattern"].as_str().and_then(|pattern| matching(pattern, schema, number))
            };
            let plain = move || matching("^[a-z0-9]*$", schema, number);
            let texts = by_format.into_iter().chain(std::iter::once_with(by_pattern).flatten());
            Box::new(texts.chain(std::iter::once_with(plain).flatten()).map(Value::String))
        }
        "integer" => one(integer(schema, number)),
        "number" => one(fraction(schema, number)),
        "boolean" => one(json!(number.is_multiple_of(2))),
        "array" => {
            let bound = |name: &str, default| {
                schema[name].as_u64().map_or(Ok(default), usize::try_from).expect("a small number")
            };
            let length =
                (1 + number % 2).clamp(bound("minItems", 0), bound("maxItems", usize::MAX));
            let item = |index| candidates(&schema["items"], number * 7 + index).collect::<Vec<_>>();
            let items: Vec<_> = (0..length).map(item).collect();
            let most = items.iter().map(Vec::len).max().unwrap_or(1);
            Box::new((0..most).map(move |choice| {
                items.iter().filter_map(|item| item.get(choice)).cloned().collect()
            }))
        }
        "object" if schema["properties"].is_object() => {
            let fields = schema["properties"].as_object().expect("checked above");
            let first = |schema| candidates(schema, number).next().unwrap_or_default();
            one(fields.iter().map(|(name, schema)| (name.clone(), first(schema))).collect())
        }
        "object" => {
            one(json!({ "kept": true, "number": number, "nested": { "text": number.to_string() } }))
        }
        _ => candidates(&schema["anyOf"][0], number),
    }
}

fn one(value: Value) -> Box<dyn Iterator<Item = Value>> {
    Box::new(std::iter::once(value))
}

fn formatted(format: &str, number: usize) -> Option<String> {
    let date = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date");
    let seconds = i64::try_from(number).expect("a small number");
    let time = date.and_hms_opt(0, 0, 0).expect("a time") + TimeDelta::seconds(seconds);
    Some(match format {
        "date" => (date + Days::new(number as u64)).to_string(),
        "date-time" => time.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "time" | "time-local" => time.format("%H:%M:%S").to_string(),
        "uuid" => {
            Uuid::from_u128((0x0198 << 112) + (7 << 76) + (8 << 60) + number as u128).to_string()
        }
        "email" => format!("name{number}@example.com"),
        "uri" | "url" => format!("https://example.com/{number}"),
        _ => return None,
    })
}

fn integer(schema: &Value, number: usize) -> Value {
    let low = schema["minimum"].as_i64().unwrap_or(i64::MIN);
    let high = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    let offset = i64::try_from(number).expect("a small number")
        % high.saturating_sub(low).saturating_add(1).max(1);
    // The first value is the largest, because conversions that lose digits show an error there.
    json!(high - offset)
}

/// Returns a number with an exact binary representation.
#[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
fn fraction(schema: &Value, number: usize) -> Value {
    let low = schema["minimum"].as_f64().unwrap_or(0.0);
    let span = schema["maximum"].as_f64().map_or(1024.0, |high| high - low).min(1024.0);
    json!(low + span * ((number % 4096) as f64) / 4096.0)
}

/// Returns a text that matches the pattern and the length limits of the schema.
fn matching(pattern: &str, schema: &Value, number: usize) -> Option<String> {
    let bound =
        |name: &str, default| schema[name].as_u64().map_or(Ok(default), usize::try_from).ok();
    let (shortest, longest) = (bound("minLength", 0)?, bound("maxLength", usize::MAX)?);
    let hir = parse(pattern)?;
    // Tries eight repetitions first, then fewer, then more, until the text has a valid length.
    let repeats = (0..=8).rev().chain(9..=1000);
    let texts = repeats.map(|repeat| {
        let (mut text, mut number) = (String::new(), number);
        write(&hir, repeat, &mut number, &mut text);
        text
    });
    texts.into_iter().find(|text| (shortest..=longest).contains(&text.chars().count()))
}

fn parse(pattern: &str) -> Option<Arc<Hir>> {
    static PARSED: LazyLock<Mutex<HashMap<String, Arc<Hir>>>> = LazyLock::new(Mutex::default);
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if !parsed.contains_key(pattern) {
        let hir = regex_syntax::parse(pattern).ok()?;
        parsed.insert(pattern.to_owned(), Arc::new(hir));
    }
    parsed.get(pattern).cloned()
}

/// Appends a text that matches `hir`. Every choice uses a digit of `number`.
fn write(hir: &Hir, repeat: u32, number: &mut usize, text: &mut String) {
    let mut choose = |options: usize| {
        let choice = *number % options;
        *number /= options;
        choice
    };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Bytes(class)) => {
            let bytes: Vec<_> =
                class.iter().flat_map(|range| range.start()..=range.end()).collect();
            text.push(char::from(bytes[choose(bytes.len())]));
        }
        HirKind::Class(Class::Unicode(class)) => {
            let has = |letter: &char| {
                class.iter().any(|range| (range.start()..=range.end()).contains(letter))
            };
            let usual: Vec<_> = ('a'..='z').chain('0'..='9').filter(has).collect();
            let others =
                || class.iter().flat_map(|range| range.start()..=range.end()).take(100).collect();
            let letters: Vec<_> = if usual.is_empty() { others() } else { usual };
            text.push(letters[choose(letters.len())]);
        }
        HirKind::Repetition(repetition) => {
            let times =
                repetition.min.saturating_add(repeat).min(repetition.max.unwrap_or(u32::MAX));
            (0..times).for_each(|_| write(&repetition.sub, repeat, number, text));
        }
        HirKind::Capture(capture) => write(&capture.sub, repeat, number, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, repeat, number, text)),
        HirKind::Alternation(options) => {
            write(&options[choose(options.len())], repeat, number, text);
        }
    }
}

fn invalid_candidates(schema: &Value, valid: &Value) -> Vec<Value> {
    let length = |limit: &str| schema[limit].as_u64().and_then(|it| usize::try_from(it).ok());
    let mut invalid = vec![json!([[]]), Value::Null];
    for (limit, step) in [("minimum", -1.0), ("maximum", 1.0)] {
        invalid.extend(schema[limit].as_f64().map(|limit| json!(limit + step)));
    }
    match kind(schema) {
        "string" => {
            invalid.extend(["", "\0", "@"].map(Value::from));
            invalid.extend(length("maxLength").map(|most| json!("x".repeat(most + 1))));
        }
        "integer" => invalid.push(json!(1.5)),
        "array" => {
            let item = valid.get(0).cloned().unwrap_or_default();
            invalid.push(json!([]));
            invalid.push(json!([item, item]));
            invalid.extend(length("maxItems").map(|most| json!(vec![item; most + 1])));
        }
        _ => {}
    }
    invalid
}
