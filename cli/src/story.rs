//! A trace as text for people: a line for each step, and below a rule one for each condition that was looked at.

use std::fmt::Write as _;

use serde_json::Value;

use crate::clock::iso;
use crate::document::{self, field, items, text};
use crate::finding::printable;

/// `trace`: the JSON of the engine.
pub fn tell(trace: &str) -> String {
    let trace = document::trace(trace);
    let mut story = Story::default();
    story.line(0, &headline(&trace));
    for step in items(&trace, "steps") {
        story.step(step);
    }
    story.out
}

/// Whether a trace ends with an error: an unknown or a broken flag.
pub fn has_failed(trace: &str) -> bool {
    field(&document::trace(trace), "decision").is_some_and(|decision| text(decision, "reason") == Some("ERROR"))
}

/// `checkout: treatment_a, SPLIT, rule "everyone", bucket 83760, version 7`
fn headline(trace: &Value) -> String {
    let Some(decision) = field(trace, "decision") else { return String::new() };
    let mut line = format!("{}: ", text(trace, "flag").unwrap_or_default());
    line.push_str(text(decision, "variant").unwrap_or("no variant"));
    for name in ["reason", "errorCode"] {
        if let Some(found) = text(decision, name) {
            let _ = write!(line, ", {found}");
        }
    }
    for (name, label) in [("ruleId", "rule"), ("bucket", "bucket"), ("flagVersion", "flag version")] {
        if let Some(found) = field(decision, name) {
            let _ = write!(line, ", {label} {}", compact(found));
        }
    }
    line
}

#[derive(Default)]
struct Story {
    out: String,
}

impl Story {
    fn line(&mut self, indent: usize, line: &str) {
        let _ = writeln!(self.out, "{}{}", "  ".repeat(indent), printable(line));
    }

    fn step(&mut self, step: &Value) {
        let result = text(step, "result").unwrap_or_default();
        let name = text(step, "step").unwrap_or_default();
        self.line(1, format!("{result:<8} {name:<13} {}", details(name, step)).trim_end());
        for condition in items(step, "when") {
            self.condition(5, condition);
        }
    }

    fn condition(&mut self, indent: usize, condition: &Value) {
        let met = if field(condition, "met") == Some(&Value::Bool(true)) { "yes" } else { "no" };
        if let Some(asked) = field(condition, "condition") {
            let found = field(condition, "found").map_or_else(|| "missing".into(), compact);
            self.line(indent, &format!("{met}: {} ({found})", test(asked)));
            return;
        }
        if field(condition, "flag").is_some() {
            self.line(indent, &format!("{met}: {}", answers(condition)));
            return;
        }
        if let Some(key) = text(condition, "segment") {
            let is = |name| field(condition, name) == Some(&Value::Bool(true));
            let list = if is("excluded") {
                ", excluded"
            } else if is("included") {
                ", included"
            } else {
                ""
            };
            self.line(indent, &format!("{met}: in the segment {key:?}{list}"));
            self.conditions(indent + 1, condition, "when");
            return;
        }
        for name in ["all", "any", "not"] {
            if field(condition, name).is_some() {
                self.line(indent, &format!("{met}: {name}"));
                self.conditions(indent + 1, condition, name);
            }
        }
    }

    fn conditions(&mut self, indent: usize, condition: &Value, name: &str) {
        for inner in items(condition, name) {
            self.condition(indent, inner);
        }
    }
}

/// `plan in ["pro","team"], ignoring case`
fn test(condition: &Value) -> String {
    let mut line =
        format!("{} {}", text(condition, "attribute").unwrap_or_default(), text(condition, "op").unwrap_or_default());
    if let Some(value) = field(condition, "value") {
        let _ = write!(line, " {}", compact(value));
    }
    if field(condition, "ignoreCase") == Some(&Value::Bool(true)) {
        line.push_str(", ignoring case");
    }
    line
}

/// `the flag "payments" answers "on" (SPLIT), asked for "on" or "beta"`
fn answers(json: &Value) -> String {
    let expected: Vec<String> = items(json, "expected").iter().map(compact).collect();
    let found = field(json, "found").map(compact).unwrap_or_default();
    format!(
        "the flag {:?} answers {found} ({}), asked for {}",
        text(json, "flag").unwrap_or_default(),
        text(json, "reason").unwrap_or_default(),
        if expected.is_empty() { "none".into() } else { expected.join(" or ") }
    )
}

fn details(name: &str, step: &Value) -> String {
    let unit = || match text(step, "unitId") {
        Some(id) => format!(
            "bucket {} of {id:?} by the salt {:?}",
            shown(step, "bucket"),
            text(step, "salt").unwrap_or_default()
        ),
        None => "there is no unit id".into(),
    };
    match name {
        "override" => format!("to {}", shown(step, "variant")),
        "enabled" => {
            let is_enabled = field(step, "enabled") == Some(&Value::Bool(true));
            let mut line = String::from(if is_enabled { "enabled" } else { "not enabled" });
            for (name, label) in [("now", "now"), ("start", "from"), ("end", "to")] {
                if let Some(at_ms) = field(step, name).and_then(Value::as_f64) {
                    let _ = write!(line, ", {label} {}", iso(at_ms));
                }
            }
            line
        }
        "requires" if field(step, "answerable").is_some() => {
            "what it refers to is missing or broken, leads back to it, or is a longer chain than 32".into()
        }
        "requires" => answers(step),
        "targets" => (if text(step, "result") == Some("decided") { "listed" } else { "not listed" }).into(),
        "holdout" | "layer" | "limitExposure" => {
            let ranges = items(step, "buckets")
                .iter()
                .map(|range| format!("{} to below {}", shown(range, "from"), shown(range, "to")));
            let ranges: Vec<String> = ranges.collect();
            match text(step, "unitId") {
                Some(_) if ranges.is_empty() => format!("{}; it has no slots", unit()),
                Some(_) => format!("{}; inside is {}", unit(), ranges.join(", ")),
                None => unit(),
            }
        }
        "rule" => {
            let id = field(step, "id").map_or(String::new(), |id| format!(" {}", compact(id)));
            let everyone = if field(step, "when").is_none() { ", for everyone" } else { "" };
            format!("{}{id}{everyone}", shown(step, "rule"))
        }
        "split" if text(step, "unitId").is_some() => {
            let kept = if field(step, "kept") == Some(&Value::Bool(true)) { ", kept" } else { "" };
            format!("{}; it is in {}{kept}", unit(), shown(step, "variant"))
        }
        "split" => unit(),
        _ => String::new(),
    }
}

fn shown(json: &Value, name: &str) -> String {
    field(json, name).map(compact).unwrap_or_default()
}

/// JSON on one line, with numbers as JavaScript writes whole ones.
fn compact(json: &Value) -> String {
    match json {
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let member = |(key, value)| format!("{}:{}", Value::String(String::clone(key)), compact(value));
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}
