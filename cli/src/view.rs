//! A flag's JSON, with the defaults of what it leaves out. Wrong shapes read as absent: the engine reports those.

use pennon::engine::bucketing::BUCKET_COUNT;
use serde_json::Value;

use crate::document::{Section, field, items, text};

/// One flag of a ruleset.
#[derive(Clone, Copy)]
pub struct FlagView<'v> {
    pub key: &'v str,
    pub json: &'v Value,
}

/// The buckets that a split gives to a variant, half-open.
pub type Share<'v> = (&'v str, u64, u64);

impl<'v> FlagView<'v> {
    pub fn version(&self) -> f64 {
        field(self.json, "version").and_then(Value::as_f64).unwrap_or(1.0)
    }

    pub fn experiment(&self) -> Option<&'v str> {
        text(self.json, "experiment")
    }

    pub fn is_sticky(&self) -> bool {
        field(self.json, "sticky") == Some(&Value::Bool(true))
    }

    /// The salt of the split.
    pub fn salt(&self) -> String {
        text(self.json, "salt").unwrap_or(self.key).to_owned()
    }

    /// The salt of the limit, if there is one.
    pub fn limit_salt(&self) -> Option<String> {
        let limit = field(self.json, "limitExposure")?;
        Some(text(limit, "salt").map_or_else(|| self.salt() + "/exposure", str::to_owned))
    }

    /// 0 to 100. Without a limit everybody is inside.
    pub fn limit_percent(&self) -> f64 {
        field(self.json, "limitExposure")
            .and_then(|limit| field(limit, "percent"))
            .and_then(Value::as_f64)
            .unwrap_or(100.0)
    }

    pub fn variants(&self) -> Vec<(&'v str, &'v Value)> {
        let variants = field(self.json, "variants").and_then(Value::as_object);
        variants.into_iter().flatten().map(|(name, value)| (name.as_str(), value)).collect()
    }

    pub fn has_variant(&self, name: &str) -> bool {
        field(self.json, "variants").is_some_and(|variants| variants.get(name).is_some())
    }

    pub fn rules(&self) -> &'v [Value] {
        items(self.json, "rules")
    }

    /// Whether it is enabled, and within its start and end.
    pub fn is_running(&self, now_ms: f64) -> bool {
        let time = |name| field(self.json, name).and_then(time_ms);
        field(self.json, "enabled") != Some(&Value::Bool(false))
            && time("start").is_none_or(|start_ms| start_ms <= now_ms)
            && time("end").is_none_or(|end_ms| now_ms < end_ms)
    }
}

/// The salt of a member of `layers` or `holdouts`. `kind`: what the default begins with.
pub fn section_salt(section: &Section, kind: &str, key: &str) -> Option<String> {
    let json = section.get(key)?;
    Some(text(json, "salt").map_or_else(|| format!("{kind}/{key}"), str::to_owned))
}

/// What a `by` names, in its order.
pub fn units(json: &Value) -> Vec<&str> {
    match field(json, "by") {
        Some(Value::String(unit)) => vec![unit],
        Some(Value::Array(units)) => units.iter().filter_map(Value::as_str).collect(),
        _ => vec!["distinctId"],
    }
}

/// The buckets of each entry of a rule's split, in its order; entries without any are left out. `None` when the rule
/// serves no split.
pub fn shares(rule: &Value) -> Option<Vec<Share<'_>>> {
    let split = field(rule, "serve")?.as_array()?;
    let weight =
        |entry| field(entry, "weight").and_then(Value::as_f64).map_or(0, |weight| (weight * 1000.0).round() as u64);
    let total: u64 = split.iter().map(weight).sum();
    if total == 0 {
        return None;
    }
    let mut running = 0;
    let mut shares = Vec::new();
    for entry in split {
        let from = u64::from(BUCKET_COUNT) * running / total;
        running += weight(entry);
        let to = u64::from(BUCKET_COUNT) * running / total;
        if from < to {
            shares.push((text(entry, "variant").unwrap_or_default(), from, to));
        }
    }
    Some(shares)
}

/// Unix milliseconds of a point in time.
pub fn time_ms(json: &Value) -> Option<f64> {
    json.as_f64().or_else(|| pennon::engine::time::parse_iso8601(json.as_str()?))
}

/// Calls `found` with each condition in a condition, itself included, and its place. Of a condition's keys the first that
/// is present counts.
pub fn each_condition<'v>(condition: &'v Value, place: &str, found: &mut dyn FnMut(&'v Value, &str)) {
    found(condition, place);
    for name in ["all", "any"] {
        if field(condition, name).is_some() {
            for (at, item) in items(condition, name).iter().enumerate() {
                each_condition(item, &format!("{place}.{name}[{at}]"), found);
            }
            return;
        }
    }
    if let Some(not) = field(condition, "not") {
        each_condition(not, &format!("{place}.not"), found);
    }
}

/// The key that counts of those a condition may have.
pub fn condition_kind(condition: &Value) -> Option<&'static str> {
    ["all", "any", "not", "segment", "flag", "attribute"].into_iter().find(|name| field(condition, name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn shares_do_not_depend_on_the_unit_of_the_weights() {
        let rule = |weights: [f64; 3]| {
            let entries = ["a", "b", "c"].into_iter().zip(weights);
            let split: Vec<_> =
                entries.map(|(variant, weight)| json!({ "variant": variant, "weight": weight })).collect();
            json!({ "serve": split })
        };
        let thirds = rule([0.5, 0.0, 1.0]);
        assert_eq!(shares(&thirds), Some(vec![("a", 0, 33_333), ("c", 33_333, 100_000)]));
        assert_eq!(shares(&rule([50.0, 0.0, 100.0])), shares(&thirds));
        assert_eq!(shares(&rule([0.0; 3])), None);
        assert_eq!(shares(&json!({ "serve": "a" })), None);
    }

    #[test]
    fn only_the_key_that_counts_is_walked() {
        let condition =
            json!({ "all": null, "any": [{ "segment": "a" }, { "not": { "flag": "b" } }], "not": { "segment": "c" } });
        let mut places = Vec::new();
        each_condition(&condition, "when", &mut |condition, place| {
            places.push(format!("{place} {}", condition_kind(condition).unwrap()));
        });
        assert_eq!(places, ["when any", "when.any[0] segment", "when.any[1] not", "when.any[1].not flag"]);
    }
}
