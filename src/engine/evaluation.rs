//! Flag and context to decision: the steps of the evaluation, in their order.

use super::attributes::{Attribute, Context};
use super::bucketing::{allocate, bucket_of};
use super::condition::{World, compare};
use super::decision::{Decision, ErrorCode, Overridden, Reason, TARGET_RULE_ID};
use super::ruleset::{At, DISTINCT_ID, FLAGS, Form, Items, Kind, Name, Part, ROOT, Ruleset, SEGMENTS};
use super::sticky::{self, Kept, Sticky};
use super::trace::Trace;

/// A local override.
pub struct Override {
    pub flag_key: String,
    pub variant: String,
    /// Whether its decisions are recorded.
    pub exposures: bool,
}

/// All that one decision depends on, and what came of it.
pub struct Evaluation<'a> {
    ruleset: &'a Ruleset,
    context: Context<'a>,
    overrides: &'a [Override],
    sticky: &'a Sticky,
    world: World,
    /// The flags and segments that were answered for this decision, by section and place: each is answered once.
    answered: Vec<((usize, u32), Answered)>,
    /// What overrides were looked at.
    overridden: Overridden,
    /// What units are to keep.
    kept: Vec<Kept>,
    trace: Option<Trace>,
}

#[derive(Clone, Copy)]
struct Answered {
    /// A flag's variant; 1 for a segment that the person is in, else 0.
    answer: usize,
    reason: Reason,
    overridden: Overridden,
}

impl<'a> Evaluation<'a> {
    /// `trace`: where what is looked at is written down.
    pub fn new(
        ruleset: &'a Ruleset,
        context: Context<'a>,
        overrides: &'a [Override],
        sticky: &'a Sticky,
        world: World,
        trace: Option<Trace>,
    ) -> Self {
        Self {
            ruleset,
            context,
            overrides,
            sticky,
            world,
            answered: Vec::new(),
            overridden: Overridden::No,
            kept: Vec::new(),
            trace,
        }
    }

    /// Until when, on the wall clock, the decision stays as it is; what units are to keep; and the trace.
    pub fn end(self) -> (f64, Vec<Kept>, Option<Trace>) {
        (self.world.valid_until_ms, self.kept, self.trace)
    }

    /// Decides the flag at that place. A broken one (step 1) is the caller's.
    pub fn decide(&mut self, place: u32, flag: &'a Part) -> Decision<'a> {
        let before = std::mem::replace(&mut self.overridden, Overridden::No);
        let mut decision = self.steps(place, flag);
        decision.overridden = self.overridden;
        if self.overridden != Overridden::No {
            (decision.reason, decision.bucket, decision.error) = (Reason::Override, None, None);
            if decision.assigned_version.take().is_some() {
                self.kept.pop();
            }
        }
        self.overridden = before.and(decision.overridden);
        decision
    }

    /// Each step either decides, and names its reason, or leaves the flag to the next.
    fn steps(&mut self, place: u32, flag: &'a Part) -> Decision<'a> {
        // 2. Overridden.
        if let Some(decision) = self.overridden(flag) {
            return decision;
        }
        let default = flag.number_of(ROOT, Name::Default, 0.0);
        let off = flag.number_of(ROOT, Name::Off, default);
        // 3. Disabled, or not its time.
        let enabled = flag.number_of(ROOT, Name::Enabled, 1.0) > 0.0;
        let start_ms = flag.number_of(ROOT, Name::Start, f64::NEG_INFINITY);
        let end_ms = flag.number_of(ROOT, Name::End, f64::INFINITY);
        let is_on = enabled && self.world.has_come(start_ms) && !self.world.has_come(end_ms);
        if let Some(trace) = &mut self.trace {
            trace.step("enabled");
            trace.flag("enabled", enabled);
            trace.time("now", self.world.now_ms, self.world.platform);
            trace.time("start", start_ms, self.world.platform);
            trace.time("end", end_ms, self.world.platform);
            trace.end(!is_on);
        }
        if !is_on {
            return Decision::of(off, Reason::Disabled);
        }
        // 4. Prerequisites.
        if !self.ruleset.is_answerable(place, flag) {
            if let Some(trace) = &mut self.trace {
                trace.step("requires");
                trace.flag("answerable", false);
                trace.end(true);
            }
            return Decision::of(off, Reason::PrerequisiteFailed);
        }
        for required in flag.items(flag.list(ROOT, Name::Requires)) {
            self.begin_step("requires");
            let is_met = self.flag_answers(flag, required);
            self.end_step(!is_met);
            if !is_met {
                return Decision::of(off, Reason::PrerequisiteFailed);
            }
        }
        // 5. Individual targets. Who has no unit id is on no list.
        let unit_id = unit_of(flag, ROOT, self.context).map(|(_, id)| id);
        if flag.get(ROOT, Name::Targets).is_some() {
            let mut targets = flag.items(flag.list(ROOT, Name::Targets));
            let has_targets = targets.clone().next().is_some();
            let target = targets.find(|target| {
                let own = flag.get(*target, Name::By).map(|_| unit_of(flag, *target, self.context).map(|(_, id)| id));
                own.unwrap_or(unit_id).is_some_and(|id| flag.holds(*target, Name::Ids, id))
            });
            if has_targets {
                self.begin_step("targets");
                self.end_step(target.is_some());
            }
            if let Some(target) = target {
                let variant = flag.number_of(target, Name::Variant, 0.0);
                let mut decision = Decision::of(variant, Reason::TargetingMatch);
                decision.rule_id = Some(TARGET_RULE_ID);
                return decision;
            }
        }
        // 6. Holdout. 7. Layer. 8. Limit exposure: no rule is asked about those outside.
        let shares = [
            ("holdout", Name::Holdout, Reason::Holdout),
            ("layer", Name::Layer, Reason::NotInLayer),
            ("limitExposure", Name::LimitExposure, Reason::NotInExposure),
        ];
        for (step, name, reason) in shares {
            let Some((at, part, object)) = self.ruleset.share_of(flag, name) else { continue };
            let Some(unit_id) = unit_id else { return self.without_unit(step, default) };
            let mut ranges = vec![(0, part.number_of(object, Name::Percent, 0.0) as u32)];
            if name == Name::Layer {
                ranges = slots(part, At::new(flag.token(at).from));
            }
            let salt = part.salt(object);
            let bucket = bucket_of(salt, unit_id);
            let is_inside = ranges.iter().any(|(from, to)| (*from..*to).contains(&bucket));
            let decides = is_inside == (name == Name::Holdout);
            self.bucket_step(step, salt, unit_id, bucket, &ranges, decides);
            if decides {
                let other = if name == Name::LimitExposure { default } else { off };
                return Decision::of(flag.number_of(at, Name::Variant, other), reason);
            }
        }
        // 9. Rules, in order.
        for (number, rule) in flag.items(flag.list(ROOT, Name::Rules)).enumerate() {
            let rule_id = || flag.get(rule, Name::Id).map(|id| flag.text(id));
            let token = flag.token(rule);
            if let Some(trace) = &mut self.trace {
                trace.step("rule");
                trace.integer("rule", number as u64);
                if let Some(id) = rule_id() {
                    trace.text("id", id);
                }
            }
            let is_met = At::new(token.from).is_none_or(|when| self.is_met_inside(flag, when));
            self.end_step(is_met);
            let Some(serve) = At::new(token.to).filter(|_| is_met) else { continue };
            let decision = if flag.token(serve).kind == Kind::List {
                let Some(unit_id) = unit_id else { return self.without_unit("split", default) };
                self.split(flag, serve, unit_id)
            } else {
                Some(Decision::of(flag.number(serve), Reason::TargetingMatch))
            };
            if let Some(mut decision) = decision {
                decision.rule_id = rule_id();
                return decision;
            }
        }
        // 10. No rule answered.
        if let Some(trace) = &mut self.trace {
            trace.step("default");
            trace.end(true);
        }
        Decision::of(default, Reason::Default)
    }

    fn overridden(&mut self, flag: &'a Part) -> Option<Decision<'a>> {
        let local = self.overrides.iter().find(|local| local.flag_key == flag.key())?;
        let variant = flag.variant_named(&local.variant)?;
        if let Some(trace) = &mut self.trace {
            trace.step("override");
            trace.text("variant", &local.variant);
            trace.end(true);
        }
        self.overridden = if local.exposures { Overridden::Recorded } else { Overridden::Silent };
        Some(Decision::of(variant as f64, Reason::Override))
    }

    fn split(&mut self, flag: &'a Part, serve: At, unit_id: &str) -> Option<Decision<'a>> {
        let salt = flag.salt(ROOT);
        let bucket = bucket_of(salt, unit_id);
        let sticky_version = (flag.number_of(ROOT, Name::Sticky, 0.0) > 0.0)
            .then(|| flag.number_of(ROOT, Name::StickyVersion, 1.0) as u64);
        let kept = sticky_version.and_then(|version| self.kept(flag, version, unit_id));
        let shares = flag.items(flag.one_or_more(serve));
        let variant_of = |share| flag.token(share).to as usize;
        let weight_of = |share| u64::from(flag.token(share).from);
        let still = kept.and_then(|kept| {
            let share = shares
                .clone()
                .find(|share| weight_of(*share) > 0 && kept.is_variant(flag.variant(variant_of(*share))))?;
            Some((variant_of(share), kept.flag_version))
        });
        let variant = match still {
            Some((variant, _)) => variant,
            None => variant_of(shares.clone().nth(allocate(shares.map(weight_of), bucket)?)?),
        };
        let flag_version = still.map_or(flag.version(), |(_, flag_version)| flag_version);
        if let Some(sticky_version) = sticky_version {
            let at = sticky::place_of(flag.key(), unit_id, sticky_version);
            self.kept.push(Kept::new(at, flag.variant(variant), flag_version));
        }
        if let Some(trace) = &mut self.trace {
            trace.step("split");
            trace.text("salt", salt);
            trace.text("unitId", unit_id);
            trace.integer("bucket", bucket.into());
            trace.text("variant", flag.variant(variant));
            trace.flag("kept", still.is_some());
            trace.end(true);
        }
        let mut decision = Decision::of(variant as f64, Reason::Split);
        decision.bucket = Some(bucket);
        decision.assigned_version = sticky_version.map(|_| flag_version);
        Some(decision)
    }

    /// What the unit keeps of a flag; before that, what was kept for the anonymous id.
    fn kept(&self, flag: &Part, version: u64, unit_id: &str) -> Option<Kept> {
        let find = |unit_id| self.sticky.find(sticky::place_of(flag.key(), unit_id, version));
        find(unit_id).or_else(|| {
            let identity = self.context.identity;
            let is_person = matches!(unit_of(flag, ROOT, self.context), Some((DISTINCT_ID, _)));
            (is_person && identity.identified.is_some()).then(|| find(&identity.anonymous_id)).flatten()
        })
    }

    // Conditions.

    /// Whether the context fulfils the condition.
    fn is_met(&mut self, part: &'a Part, at: At) -> bool {
        let condition = part.token(at);
        let Some(inner) = At::new(condition.from) else { return false };
        if let Some(trace) = &mut self.trace {
            trace.open(None, '{');
        }
        let is_met = match condition.form {
            Form::All => self.several("all", part, part.items(part.one_or_more(inner)), false),
            Form::Any => self.several("any", part, part.items(part.one_or_more(inner)), true),
            Form::Not => !self.several("not", part, part.items(inner.alone()), true),
            Form::Segment => self.is_in_segment(part.number(inner) as u32),
            Form::Flag => self.flag_answers(part, at),
            Form::Attribute => {
                let attribute = self.context.attribute(part.text(inner));
                let is_met = compare(attribute, part, at, &mut self.world);
                if let Some(trace) = &mut self.trace {
                    trace.raw("condition", self.ruleset.source(condition.text_span()));
                    trace.attribute("found", attribute, self.world.platform);
                }
                is_met
            }
        };
        if let Some(trace) = &mut self.trace {
            trace.flag("met", is_met);
            trace.close('}');
        }
        is_met
    }

    /// Likewise, as the `when` of what holds the condition.
    fn is_met_inside(&mut self, part: &'a Part, when: At) -> bool {
        self.several("when", part, part.items(when.alone()), true)
    }

    /// Looks at conditions until one is `until`; whether it ended with `until`.
    fn several(&mut self, name: &'static str, part: &'a Part, mut conditions: Items<'a>, until: bool) -> bool {
        if let Some(trace) = &mut self.trace {
            trace.open(Some(name), '[');
        }
        let is_met = conditions.any(|condition| self.is_met(part, condition) == until) == until;
        if let Some(trace) = &mut self.trace {
            trace.close(']');
        }
        is_met
    }

    fn is_in_segment(&mut self, place: u32) -> bool {
        if let Some(trace) = &mut self.trace {
            trace.text("segment", &self.ruleset.key(SEGMENTS, place));
        }
        if let Some(known) = self.known((SEGMENTS, place)) {
            return known.answer == 1;
        }
        let before = std::mem::replace(&mut self.overridden, Overridden::No);
        let is_in = self.ruleset.sound(SEGMENTS, place).is_some_and(|segment| self.segment(segment));
        let answered = Answered { answer: is_in.into(), reason: Reason::Default, overridden: self.overridden };
        self.overridden = before;
        self.learn((SEGMENTS, place), answered);
        is_in
    }

    fn segment(&mut self, segment: &'a Part) -> bool {
        let unit_id = unit_of(segment, ROOT, self.context).map(|(_, id)| id);
        let is_on = |list| unit_id.is_some_and(|id| segment.holds(ROOT, list, id));
        let (excluded, included) = (is_on(Name::Exclude), is_on(Name::Include));
        if let Some(trace) = &mut self.trace {
            trace.flag("excluded", excluded);
            trace.flag("included", included);
        }
        if excluded || included {
            return !excluded;
        }
        segment.get(ROOT, Name::When).is_some_and(|when| self.is_met_inside(segment, when))
    }

    /// Whether another flag answers one of these variants: a prerequisite, or a condition.
    fn flag_answers(&mut self, part: &'a Part, at: At) -> bool {
        let place = part.number_of(at, Name::Flag, 0.0) as u32;
        // A flag that refers to a missing or a broken one is not asked for its conditions.
        let Some(flag) = self.ruleset.sound(FLAGS, place) else { return false };
        let known = match self.known((FLAGS, place)) {
            Some(known) => known,
            None => {
                // Its own steps are told by its own explanation.
                let trace = self.trace.take();
                let before = std::mem::replace(&mut self.overridden, Overridden::No);
                let decision = self.decide(place, flag);
                self.trace = trace;
                self.overridden = before;
                let (answer, reason) = (decision.variant.unwrap_or_default(), decision.reason);
                self.learn((FLAGS, place), Answered { answer, reason, overridden: decision.overridden })
            }
        };
        let variant = flag.variant(known.answer);
        if let Some(trace) = &mut self.trace {
            trace.text("flag", flag.key());
            trace.texts(
                Some("expected"),
                &mut part.items(part.list(at, Name::Variants)).map(|variant| part.text(variant)),
            );
            trace.text("found", variant);
            trace.text("reason", known.reason.as_str());
        }
        part.holds(at, Name::Variants, variant)
    }

    /// What was answered of a flag or a segment before, in this decision. An override that the answer depended on counts
    /// again.
    fn known(&mut self, node: (usize, u32)) -> Option<Answered> {
        let at = self.answered.binary_search_by_key(&node, |(known, _)| *known).ok()?;
        let (_, known) = *self.answered.get(at)?;
        self.overridden = self.overridden.and(known.overridden);
        Some(known)
    }

    fn learn(&mut self, node: (usize, u32), answered: Answered) -> Answered {
        self.overridden = self.overridden.and(answered.overridden);
        if let Err(at) = self.answered.binary_search_by_key(&node, |(known, _)| *known) {
            self.answered.insert(at, (node, answered));
        }
        answered
    }

    // Explanations.

    fn begin_step(&mut self, name: &str) {
        if let Some(trace) = &mut self.trace {
            trace.step(name);
        }
    }

    fn end_step(&mut self, decided: bool) {
        if let Some(trace) = &mut self.trace {
            trace.end(decided);
        }
    }

    /// A step that compares a bucket with ranges of buckets.
    fn bucket_step(
        &mut self,
        name: &str,
        salt: &str,
        unit_id: &str,
        bucket: u32,
        ranges: &[(u32, u32)],
        decided: bool,
    ) {
        let Some(trace) = &mut self.trace else { return };
        trace.step(name);
        trace.text("salt", salt);
        trace.text("unitId", unit_id);
        trace.integer("bucket", bucket.into());
        trace.open(Some("buckets"), '[');
        for (from, to) in ranges {
            trace.open(None, '{');
            trace.integer("from", (*from).into());
            trace.integer("to", (*to).into());
            trace.close('}');
        }
        trace.close(']');
        trace.end(decided);
    }

    fn without_unit(&mut self, step: &str, default: f64) -> Decision<'a> {
        if let Some(trace) = &mut self.trace {
            trace.step(step);
            trace.raw("unitId", "null");
            trace.end(true);
        }
        let mut decision = Decision::of(default, Reason::Default);
        decision.error = Some(ErrorCode::TargetingKeyMissing);
        decision
    }
}

/// The buckets that a layer gives to a flag.
fn slots(layer: &Part, list: Option<At>) -> Vec<(u32, u32)> {
    let mut slots = Vec::new();
    let Some(list) = list else { return slots };
    for slot in layer.items(layer.one_or_more(list)) {
        let from = slot.next();
        slots.push((layer.number(from) as u32, layer.number(from.next()) as u32));
    }
    slots
}

/// The first unit that an object's `by` names and the context has, with its id.
pub fn unit_of<'u, 'c: 'u>(part: &'u Part, object: At, context: Context<'c>) -> Option<(&'u str, &'c str)> {
    part.units(object).find_map(|unit| {
        let unit = part.text(unit);
        let id = match unit {
            DISTINCT_ID => context.identity.distinct_id(),
            "deviceId" => &context.identity.device_id,
            "anonymousId" => &context.identity.anonymous_id,
            path => match context.attribute(path)? {
                Attribute::Text(id) => id,
                _ => return None,
            },
        };
        (!id.is_empty()).then_some((unit, id))
    })
}
