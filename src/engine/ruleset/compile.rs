//! A flag is checked, up to the first mistake, and what its fields stand for is written into its tokens.

use super::super::exposure::row::MAX_TEXT_BYTES;
use super::fields::{Fields, NAME, is_name};
use super::names::Name;
use super::part::{At, Kind, Part, ROOT};
use super::problem::Fault;
use super::{HOLDOUTS, LAYERS, MISSING};

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

/// Checks one flag. Fields it does not know are ignored.
pub fn flag(read: &mut Fields<'_>) {
    read.object(ROOT, "an object");
    if read.part.key().len() > MAX_TEXT_BYTES {
        read.fail(ROOT, "a key of at most 256 bytes");
    }
    read.variants();
    read.required_variant(ROOT, Name::Default);
    read.variant_field(ROOT, Name::Off);
    read.by(ROOT);
    read.salt(ROOT, "");
    read.boolean(ROOT, Name::Enabled);
    read.integer(ROOT, Name::Version);
    read.name(ROOT, Name::Experiment);
    for name in [Name::Start, Name::End] {
        if let Some(at) = read.part.get(ROOT, name) {
            read.time(at, "a date like 2026-10-01T00:00:00Z, or Unix milliseconds");
        }
    }
    let mut requires = read.list(ROOT, Name::Requires, MAX_REQUIRES, "a list of at most 100 prerequisites");
    while let Some(required) = read.step(&mut requires) {
        read.flag_answers(required);
    }
    let mut targets = read.list(ROOT, Name::Targets, MAX_RULES, "a list of at most 1000 individual targets");
    while let Some(target) = read.step(&mut targets) {
        read.required_variant(target, Name::Variant);
        let ids = read.required(target, Name::Ids, "a list of ids");
        read.texts(ids, "a list of ids");
        read.by(target);
    }
    read.holdout();
    read.layer();
    if let Some(limit) = read.part.get(ROOT, Name::LimitExposure) {
        read.object(limit, "an object with a percent");
        read.percent(limit);
        read.variant_field(limit, Name::Variant);
        match read.part.get(limit, Name::Salt) {
            Some(_) => read.salt(limit, ""),
            None => {
                let mut salt = read.part.salt(ROOT).to_owned();
                salt.push_str("/exposure");
                read.set_text(limit, &salt);
            }
        }
    }
    let mut rules = read.list(ROOT, Name::Rules, MAX_RULES, "a list of at most 1000 rules");
    while let Some(rule) = read.step(&mut rules) {
        read.name(rule, Name::Id);
        let when = read.part.get(rule, Name::When);
        if let Some(when) = when {
            read.condition(when);
        }
        let serve = read.required(rule, Name::Serve, "the key of a variant or a split");
        if let Some(serve) = serve {
            read.serve(serve);
        }
        let place_of = |at: Option<At>| at.map_or(0, At::place);
        read.set(rule, |token| (token.from, token.to) = (place_of(when), place_of(serve)));
    }
    read.integer(ROOT, Name::StickyVersion);
    read.boolean(ROOT, Name::Sticky);
    if read.part.fault.is_none() {
        read.check_references();
    }
}

impl<'r> Fields<'r> {
    fn variants(&mut self) {
        const VARIANTS: &str = "an object with 1 to 2000 variants";
        let Some(object) = self.required(ROOT, Name::Variants, VARIANTS) else { return };
        let mut variants: Vec<u32> = Vec::new();
        if self.part.token(object).kind == Kind::Object {
            let mut keys = self.part.inside(object);
            while let Some(key) = self.step(&mut keys)
                && variants.len() <= MAX_VARIANTS
            {
                let name = self.part.text(key);
                // Of equal keys the last counts, as everywhere.
                variants.retain(|known| At::new(*known).is_some_and(|known| self.part.text(known) != name));
                variants.push(key.place());
                if !is_name(name) {
                    self.fail(key.next(), NAME);
                }
            }
        }
        if !(1..=MAX_VARIANTS).contains(&variants.len()) {
            self.fail(object, VARIANTS);
        }
        self.part.variants = variants;
    }

    /// The key of a variant becomes its place.
    #[inline(never)]
    fn variant(&mut self, at: At) {
        let key = self.part.as_str(at);
        match (0..self.part.variants.len()).find(|variant| key == Some(self.part.variant(*variant))) {
            Some(variant) => self.set_number(at, variant as f64),
            None => self.fail(at, VARIANT),
        }
    }

    #[inline(never)]
    fn variant_field(&mut self, object: At, name: Name) {
        if let Some(at) = self.part.get(object, name) {
            self.variant(at);
        }
    }

    #[inline(never)]
    fn required_variant(&mut self, object: At, name: Name) {
        if let Some(at) = self.required(object, name, VARIANT) {
            self.variant(at);
        }
    }

    fn serve(&mut self, serve: At) {
        if self.part.token(serve).kind != Kind::List {
            return self.variant(serve);
        }
        let mut sum = 0.0;
        let listed = self.part.one_or_more(serve);
        let mut items = listed;
        while let Some(item) = self.step(&mut items) {
            self.required_variant(item, Name::Variant);
            if let Some(weight) = self.required(item, Name::Weight, "a weight") {
                self.thousandths(weight, MAX_WEIGHT_THOUSANDTHS as f64, "0 to 1000000 with at most 3 decimals");
                let thousandths = self.part.number(weight);
                sum += thousandths;
                let variant = self.part.number_of(item, Name::Variant, 0.0);
                self.set(item, |token| (token.from, token.to) = (thousandths as u32, variant as u32));
            }
        }
        if sum == 0.0 || self.part.count(listed) > MAX_SPLIT {
            self.fail(serve, "1 to 1000 variants with a weight above 0 in sum");
        }
    }

    /// The name of a holdout becomes its place.
    fn holdout(&mut self) {
        let Some(at) = self.part.get(ROOT, Name::Holdout) else { return };
        self.refer(at, HOLDOUTS, ["the key of a holdout", "a holdout with the flag's `by`"]);
    }

    /// The name of a layer becomes its place, and that of the flag's slots.
    fn layer(&mut self) {
        let Some(at) = self.part.get(ROOT, Name::Layer) else { return };
        let layer = self.refer(at, LAYERS, ["the key of a layer", "a layer with the flag's `by`"]);
        let slots = layer.and_then(|layer| layer.get_key(layer.get(ROOT, Name::Slots)?, self.part.key()));
        self.set(at, |token| token.from = slots.map_or(0, At::place));
    }

    /// The name of another part becomes its place. `expected`: a name, and that of a part for the same units.
    fn refer(&mut self, at: At, section: usize, expected: [&'static str; 2]) -> Option<&'r Part> {
        let [name, of_others] = expected;
        let place = self.part.as_str(at).and_then(|key| self.ruleset.find(section, key));
        let Some(part) = place.and_then(|place| self.ruleset.part(section, place)) else {
            self.fail(at, name);
            return None;
        };
        if let Some(fault) = part.fault {
            // What is wrong with a holdout or a layer is told of its own place.
            self.fault(fault);
        } else if !same_units(&self.part, part) {
            self.fail(at, of_others);
        }
        self.set_number(at, f64::from(place.unwrap_or(MISSING)));
        Some(part)
    }

    /// The segments are sound, and no salt is twice on the flag's path: one step would choose for another.
    fn check_references(&mut self) {
        for node in &self.part.references {
            if let Some(segment) = self.ruleset.segment_of(*node)
                && let Some(fault) = self.ruleset.segment_fault(segment)
            {
                return self.fault(fault);
            }
        }
        let mut own = vec![self.part.salt(ROOT)];
        let mut twice = None;
        for name in [Name::LimitExposure, Name::Layer, Name::Holdout] {
            let Some((at, part, object)) = self.ruleset.share_of(&self.part, name) else { continue };
            let salt = part.salt(object);
            if own.contains(&salt) {
                twice = twice.or(Some(at));
            }
            own.push(salt);
        }
        let among = self.ruleset.salt_among(&self.part, &own);
        if let Some(at) = twice {
            self.fail(at, "a salt for each of split, limit, layer and holdout");
        }
        if let Some(at) = among {
            self.fault(Fault { at, missing: "", expected: "a salt that no other step of the flag has" });
        }
    }
}

/// Whether two parts are for the same units.
fn same_units(one: &Part, other: &Part) -> bool {
    let (mut units, mut others) = (one.units(ROOT), other.units(ROOT));
    loop {
        match (units.next(), others.next()) {
            (None, None) => return true,
            (Some(unit), Some(of_other)) if one.text(unit) == other.text(of_other) => {}
            _ => return false,
        }
    }
}
