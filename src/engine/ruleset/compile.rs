//! A flag's JSON to the model, with the first mistake found on the way.

use super::super::exposure::row::MAX_TEXT_BYTES;
use super::super::json::{Node, Value};
use super::fields::{Fields, NAME, is_name};
use super::model::{Flag, Limit, Rule, Serve, Slots, Target, Unit, Variant};
use super::problem::Fault;

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

const VARIANT: &str = "the key of a variant";

/// Compiles one flag. Fields it does not know are ignored.
pub fn flag(mut read: Fields<'_>, key: &str, node: &Node<'_>) -> Result<Box<Flag>, Box<Fault>> {
    read.object(node, "an object");
    if key.len() > MAX_TEXT_BYTES {
        read.fail(node, "a key of at most 256 bytes");
    }
    let variants = read.variants(node);
    let default = match read.required(node, "default", VARIANT) {
        Some(default) => read.variant(default, &variants),
        None => 0,
    };
    let off = node.get_some("off").map_or(default, |off| read.variant(off, &variants));
    let by = read.by_or_distinct_id(node);
    let salt = read.salt(node, "", key);
    let mut flag = Flag {
        enabled: read.boolean(node, "enabled", true),
        version: read.integer(node, "version", 1),
        experiment: read.name(node, "experiment"),
        start_ms: read.time_field(node, "start", f64::NEG_INFINITY),
        end_ms: read.time_field(node, "end", f64::INFINITY),
        sticky_version: None,
        requires: Vec::new(),
        targets: Vec::new(),
        holdout: None,
        layer: None,
        limit: None,
        rules: Vec::new(),
        references: Default::default(),
        variants,
        default,
        off,
        by,
        salt,
    };
    for item in read.list(node, "requires", MAX_REQUIRES, "a list of at most 100 prerequisites") {
        flag.requires.push(read.flag_answers(item));
    }
    for item in read.list(node, "targets", MAX_RULES, "a list of at most 1000 individual targets") {
        let variant = read.required(item, "variant", VARIANT).map_or(0, |node| read.variant(node, &flag.variants));
        let ids = read.required(item, "ids", "a list of ids").map_or(&[][..], |node| read.items(node, "a list of ids"));
        flag.targets.push(Target { variant, ids: read.texts(ids), by: read.by(item) });
    }
    if let Some(holdout) = node.get_some("holdout") {
        flag.holdout = read.holdout(holdout, &flag.by);
    }
    if let Some(layer) = node.get_some("layer") {
        flag.layer = read.layer(layer, key, &flag.by);
    }
    if let Some(limit) = node.get_some("limitExposure") {
        read.object(limit, "an object with a percent");
        flag.limit = Some(Limit {
            buckets: read.percent(limit),
            variant: limit.get_some("variant").map_or(default, |node| read.variant(node, &flag.variants)),
            salt: match limit.get_some("salt") {
                Some(_) => read.salt(limit, "", ""),
                None => flag.salt.clone() + "/exposure",
            },
        });
    }
    for item in read.list(node, "rules", MAX_RULES, "a list of at most 1000 rules") {
        let id = read.name(item, "id");
        let when = item.get_some("when").and_then(|node| read.condition(node));
        if let Some(serve) = read.required(item, "serve", "the key of a variant or a split") {
            flag.rules.push(Rule { id, when, serve: read.serve(serve, &flag.variants) });
        }
    }
    let sticky_version = read.integer(node, "stickyVersion", 1);
    flag.sticky_version = read.boolean(node, "sticky", false).then_some(sticky_version);
    flag.references = std::mem::take(&mut read.references);
    if read.fault.is_none() {
        read.check_references(node, &flag);
    }
    read.end(flag)
}

impl Fields<'_> {
    fn variants(&mut self, node: &Node<'_>) -> Vec<Variant> {
        const VARIANTS: &str = "an object with 1 to 2000 variants";
        let mut variants: Vec<Variant> = Vec::new();
        let Some(node) = self.required(node, "variants", VARIANTS) else { return variants };
        if let Value::Object(members) = &node.value {
            for (key, value) in members {
                if !is_name(key) {
                    self.fail(value, NAME);
                }
                // Of equal keys the last counts, as everywhere.
                variants.retain(|variant| variant.key != *key);
                variants.push(Variant { key: key.as_ref().to_owned(), json: value.raw.to_owned() });
                if variants.len() > MAX_VARIANTS {
                    break;
                }
            }
        }
        if !(1..=MAX_VARIANTS).contains(&variants.len()) {
            self.fail(node, VARIANTS);
        }
        variants
    }

    fn variant(&mut self, node: &Node<'_>, variants: &[Variant]) -> usize {
        let key = node.as_str();
        variants.iter().position(|variant| key == Some(&variant.key)).unwrap_or_else(|| {
            self.fail(node, VARIANT);
            0
        })
    }

    fn time_field(&mut self, object: &Node<'_>, name: &str, default: f64) -> f64 {
        let expected = "a date like 2026-10-01T00:00:00Z, or Unix milliseconds";
        object.get_some(name).map_or(default, |node| self.time_ms(node, expected))
    }

    fn serve(&mut self, node: &Node<'_>, variants: &[Variant]) -> Serve {
        const SPLIT: &str = "1 to 1000 variants with a weight above 0 in sum";
        let Value::Array(items) = &node.value else { return Serve::Variant(self.variant(node, variants)) };
        let mut split = Vec::with_capacity(items.len());
        for item in items {
            let variant = self.required(item, "variant", VARIANT).map_or(0, |node| self.variant(node, variants));
            let weight = self.required(item, "weight", "a weight").map_or(0, |node| {
                self.thousandths(node, MAX_WEIGHT_THOUSANDTHS, "0 to 1000000 with at most 3 decimals")
            });
            split.push((variant, weight));
        }
        if split.len() > MAX_SPLIT || split.iter().all(|(_, weight)| *weight == 0) {
            self.fail(node, SPLIT);
        }
        Serve::Split(split)
    }

    fn holdout(&mut self, node: &Node<'_>, by: &[Unit]) -> Option<super::Holdout> {
        match node.as_str().and_then(|key| self.ruleset.holdout(key)) {
            Some(Ok(holdout)) if holdout.by == by => return Some(holdout.clone()),
            Some(Ok(_)) => self.fail(node, "a holdout with the flag's `by`"),
            // What is wrong with a holdout or a layer is told of its own place.
            Some(Err(fault)) => self.fail_at(fault.at, fault.missing, fault.expected),
            None => self.fail(node, "the key of a holdout"),
        }
        None
    }

    fn layer(&mut self, node: &Node<'_>, key: &str, by: &[Unit]) -> Option<Slots> {
        match node.as_str().and_then(|key| self.ruleset.layer(key)) {
            Some(Ok(layer)) if layer.by == by => {
                let own = layer.flags.binary_search_by(|(flag, _)| flag.as_str().cmp(key)).ok();
                let slots = own.and_then(|place| layer.flags.get(place)).map(|(_, slots)| slots.clone());
                return Some(Slots { salt: layer.salt.clone(), slots: slots.unwrap_or_default() });
            }
            Some(Ok(_)) => self.fail(node, "a layer with the flag's `by`"),
            Some(Err(fault)) => self.fail_at(fault.at, fault.missing, fault.expected),
            None => self.fail(node, "the key of a layer"),
        }
        None
    }

    /// The segments are sound, and no salt is twice on the flag's path: one step would choose for another.
    fn check_references(&mut self, node: &Node<'_>, flag: &Flag) {
        for segment in &flag.references.segments {
            if let Err(fault) = self.ruleset.segment_checked(*segment) {
                return self.fail_at(fault.at, fault.missing, fault.expected);
            }
        }
        let salts = [
            ("salt", Some(&flag.salt)),
            ("limitExposure", flag.limit.as_ref().map(|limit| &limit.salt)),
            ("layer", flag.layer.as_ref().map(|layer| &layer.salt)),
            ("holdout", flag.holdout.as_ref().map(|holdout| &holdout.salt)),
        ];
        let mut own: Vec<&str> = Vec::new();
        for (name, salt) in salts {
            let Some(salt) = salt else { continue };
            if own.contains(&salt.as_str()) {
                self.fail(node.get_some(name).unwrap_or(node), "a salt for each of split, limit, layer and holdout");
            }
            own.push(salt);
        }
        if let Some(at) = self.ruleset.salt_among(&flag.references, &own) {
            self.fail_at(at, "", "a salt that no other step of the flag has");
        }
    }
}
