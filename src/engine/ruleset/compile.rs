//! A flag's JSON to the model, with every mistake found on the way.

use super::super::exposure::row::MAX_TEXT_BYTES;
use super::super::json::{Node, Value};
use super::super::platform::Platform;
use super::super::text::cut;
use super::Ruleset;
use super::conditions::Conditions;
use super::field::{
    self, NAME, boolean, by_or_distinct_id, integer, is_name, list, name, object, optional, percent, required, salt_or,
    sorted_texts, thousandths, time_ms,
};
use super::model::{Flag, Limit, Rule, Serve, Slots, Target, Unit, Variant};
use super::problem::Problem;

/// The largest weight, in thousandths: with [`MAX_SPLIT`] of them the sums of `bucketing::allocate` stay below 2⁶⁴.
pub const MAX_WEIGHT_THOUSANDTHS: u64 = 1_000_000_000;
/// The most variants that a split lists.
const MAX_SPLIT: usize = 1000;
/// The most variants of a flag: each is compared with each.
const MAX_VARIANTS: usize = 2000;

/// The most rules, and targets, of a flag: a decision looks at each once.
const MAX_RULES: usize = 1000;
/// The most prerequisites of a flag.
const MAX_REQUIRES: usize = 100;

/// Compiles one flag. Fields it does not know are ignored.
pub fn flag(ruleset: &Ruleset, key: &str, node: &Node<'_>) -> Result<Flag, Problem> {
    let platform = ruleset.platform;
    object(node, "an object")?;
    if key.len() > MAX_TEXT_BYTES {
        return Err(Problem::new("a longer key", "a key of at most 256 bytes"));
    }
    let variants = required(node, "variants", "an object with at least one variant", read_variants)?;
    let variant = |node: &Node<'_>| {
        let key = node.as_str();
        variants
            .iter()
            .position(|variant| key == Some(&variant.key))
            .ok_or_else(|| Problem::at(node, "the key of a variant"))
    };
    let default = required(node, "default", "the key of a variant", variant)?;
    let by = by_or_distinct_id(node)?;
    let salt = salt_or(node, key.to_owned())?;
    let limit = optional(node, "limitExposure", |limit| {
        object(limit, "an object with a percent")?;
        Ok(Limit {
            buckets: required(limit, "percent", "a percentage", |node| percent(node, platform))?,
            variant: optional(limit, "variant", variant)?.unwrap_or(default),
            salt: salt_or(limit, salt.clone() + "/exposure")?,
        })
    })?;
    let same_by = |other: &[Unit]| {
        if by == other { Ok(()) } else { Err(Problem::new("another `by`", "the `by` of the flag")) }
    };
    let holdout = optional(node, "holdout", |node| {
        let place = node.as_str().and_then(|key| ruleset.holdouts.index.find(&ruleset.text, key));
        let holdout = place.and_then(|place| ruleset.holdout_at(place));
        match holdout.ok_or_else(|| Problem::at(node, "the key of a holdout"))? {
            Ok(holdout) => same_by(&holdout.by).map(|()| Ok(holdout.clone())),
            Err(problem) => Ok(Err(problem.clone())),
        }
    })?;
    let layer = optional(node, "layer", |node| {
        let place = node.as_str().and_then(|key| ruleset.layers.index.find(&ruleset.text, key));
        let layer = place.and_then(|place| ruleset.layer_at(place));
        match layer.ok_or_else(|| Problem::at(node, "the key of a layer"))? {
            Ok(layer) => same_by(&layer.by).map(|()| {
                let own = layer.flags.binary_search_by(|(flag, _)| flag.as_str().cmp(key)).ok();
                let own = own.and_then(|place| layer.flags.get(place));
                let slots = own.map(|(_, slots)| slots.clone()).unwrap_or_default();
                Ok(Slots { salt: layer.salt.clone(), slots })
            }),
            Err(problem) => Ok(Err(problem.clone())),
        }
    })?;
    // What is wrong with a layer or a holdout is told of its own place.
    let (holdout, layer) = (elsewhere(holdout)?, elsewhere(layer)?);
    let mut conditions = Conditions::new(ruleset);
    let flag = Flag {
        enabled: optional(node, "enabled", boolean)?.unwrap_or(true),
        version: optional(node, "version", |node| integer(node, platform))?.unwrap_or(1),
        off: optional(node, "off", variant)?.unwrap_or(default),
        experiment: optional(node, "experiment", name)?,
        requires: optional(node, "requires", |node| {
            let requires = list(node, "a list of prerequisites", |node| conditions.flag_answers(node))?;
            at_most(MAX_REQUIRES, requires, "at most 100 prerequisites")
        })?
        .unwrap_or_default(),
        targets: optional(node, "targets", |node| {
            let targets = list(node, "a list of individual targets", |target| {
                Ok(Target {
                    variant: required(target, "variant", "the key of a variant", variant)?,
                    ids: required(target, "ids", "a list of ids", |node| sorted_texts(node, "a list of ids"))?,
                    by: field::by(target)?,
                })
            })?;
            at_most(MAX_RULES, targets, "at most 1000 targets")
        })?
        .unwrap_or_default(),
        start_ms: optional(node, "start", |node| time_ms(node, platform))?.unwrap_or(f64::NEG_INFINITY),
        end_ms: optional(node, "end", |node| time_ms(node, platform))?.unwrap_or(f64::INFINITY),
        rules: optional(node, "rules", |node| {
            let rules = list(node, "a list of rules", |rule| {
                Ok(Rule {
                    id: optional(rule, "id", name)?,
                    when: optional(rule, "when", |node| conditions.read(node))?,
                    serve: required(rule, "serve", "the key of a variant or a split", |node| {
                        serve(node, platform, &variant)
                    })?,
                })
            })?;
            at_most(MAX_RULES, rules, "at most 1000 rules")
        })?
        .unwrap_or_default(),
        sticky_version: {
            let version = optional(node, "stickyVersion", |node| integer(node, platform))?.unwrap_or(1);
            optional(node, "sticky", boolean)?.filter(|is_sticky| *is_sticky).map(|_| version)
        },
        references: conditions.references,
        by,
        holdout,
        layer,
        default,
        limit,
        salt,
        variants,
    };
    for segment in &flag.references.segments {
        ruleset.segment_checked(*segment).map_err(Problem::elsewhere)?;
    }
    check_salts(ruleset, &flag)?;
    Ok(flag)
}

/// The value, or the problem of something that the flag refers to.
fn elsewhere<T>(found: Option<Result<T, Problem>>) -> Result<Option<T>, Problem> {
    found.transpose().map_err(Problem::elsewhere)
}

fn at_most<T>(most: usize, list: Vec<T>, expected: &'static str) -> Result<Vec<T>, Problem> {
    if list.len() > most { Err(Problem::new("a longer list", expected)) } else { Ok(list) }
}

/// No salt twice on a flag's path: one step would choose for another.
fn check_salts(ruleset: &Ruleset, flag: &Flag) -> Result<(), Problem> {
    let salts = [
        Some(flag.salt.as_str()),
        flag.limit.as_ref().map(|limit| limit.salt.as_str()),
        flag.layer.as_ref().map(|layer| layer.salt.as_str()),
        flag.holdout.as_ref().map(|holdout| holdout.salt.as_str()),
    ];
    let mut own: Vec<&str> = Vec::new();
    for salt in salts.into_iter().flatten() {
        if own.contains(&salt) {
            return Err(Problem::new(cut(salt, 40), "another salt for each of split, limit, layer and holdout"));
        }
        own.push(salt);
    }
    let references = &flag.references;
    let in_rules = own.iter().find(|salt| references.salts.iter().any(|used| used == *salt)).copied();
    match in_rules.or_else(|| ruleset.segment_salt(references, &own)) {
        Some(salt) => Err(Problem::new(cut(salt, 40), "a salt of its own for each bucket condition")),
        None => Ok(()),
    }
}

fn read_variants(node: &Node<'_>) -> Result<Vec<Variant>, Problem> {
    let mut variants: Vec<Variant> = Vec::new();
    if let Value::Object(members) = &node.value {
        for (key, value) in members {
            if !is_name(key) {
                return Err(Problem::new(cut(key, 40), NAME));
            }
            // Of equal keys the last counts, as everywhere.
            variants.retain(|variant| variant.key != *key);
            variants.push(Variant { key: key.as_ref().to_owned(), json: value.raw.to_owned() });
            if variants.len() > MAX_VARIANTS {
                return Err(Problem::new("more variants", "at most 2000 variants"));
            }
        }
    }
    if variants.is_empty() {
        return Err(Problem::at(node, "an object with at least one variant"));
    }
    Ok(variants)
}

fn serve(
    node: &Node<'_>,
    platform: Platform,
    variant: &impl Fn(&Node<'_>) -> Result<usize, Problem>,
) -> Result<Serve, Problem> {
    if !matches!(node.value, Value::Array(_)) {
        return variant(node).map(Serve::Variant);
    }
    let split = list(node, "", |entry| {
        Ok((
            required(entry, "variant", "the key of a variant", variant)?,
            required(entry, "weight", "a weight", |node| {
                thousandths(node, MAX_WEIGHT_THOUSANDTHS, "0 to 1000000 with at most 3 decimals", platform)
            })?,
        ))
    })?;
    if split.len() > MAX_SPLIT || split.iter().all(|(_, weight)| *weight == 0) {
        return Err(Problem::at(node, "1 to 1000 variants with a weight above 0 in sum"));
    }
    Ok(Serve::Split(split))
}
