//! Flag and context to decision: the steps of the evaluation, in their order.

use super::attributes::{Attribute, Context};
use super::bucketing::{allocate, bucket_of};
use super::condition::{World, compare};
use super::decision::{Decision, ErrorCode, Overridden, Reason, TARGET_RULE_ID};
use super::platform::Platform;
use super::ruleset::{Condition, Flag, FlagAnswers, Ruleset, Segment, Serve, Unit, holds};
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
    /// The flags and segments that were answered for this decision, by [`Node`]: each is answered once.
    answered: Vec<(Node, Answered)>,
    /// What overrides were looked at.
    overridden: Overridden,
    /// What units are to keep.
    pub kept: Vec<Kept>,
    trace: Option<Trace>,
}

/// A flag or a segment, by its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Flag(u32),
    Segment(u32),
}

#[derive(Clone, Copy)]
struct Answered {
    /// A flag's variant; 1 for a segment that the person is in, else 0.
    answer: usize,
    reason: Reason,
    overridden: Overridden,
}

impl<'a> Evaluation<'a> {
    pub fn new(
        ruleset: &'a Ruleset,
        context: Context<'a>,
        overrides: &'a [Override],
        sticky: &'a Sticky,
        now_ms: f64,
        platform: Platform,
    ) -> Self {
        Self {
            ruleset,
            context,
            overrides,
            sticky,
            world: World { now_ms, valid_until_ms: f64::INFINITY, platform },
            answered: Vec::new(),
            overridden: Overridden::No,
            kept: Vec::new(),
            trace: None,
        }
    }

    /// The same, writing down what is looked at.
    pub fn explained(self, trace: Trace) -> Self {
        Self { trace: Some(trace), ..self }
    }

    pub fn into_trace(self) -> Trace {
        self.trace.unwrap_or_default()
    }

    /// Until when, on the wall clock, the decision stays as it is.
    pub fn valid_until_ms(&self) -> f64 {
        self.world.valid_until_ms
    }

    /// Decides the flag at that place. A broken one (step 1) is the caller's.
    pub fn decide(&mut self, place: u32, flag: &'a Flag) -> Decision<'a> {
        let before = std::mem::replace(&mut self.overridden, Overridden::No);
        let mut decision = self.steps(place, flag);
        decision.overridden = self.overridden;
        if self.overridden != Overridden::No {
            decision = Decision { reason: Reason::Override, bucket: None, error: None, kept: None, ..decision };
        }
        self.kept.extend(decision.kept);
        self.overridden = before.and(decision.overridden);
        decision
    }

    /// Each step either decides, and names its reason, or leaves the flag to the next.
    fn steps(&mut self, place: u32, flag: &'a Flag) -> Decision<'a> {
        // 2. Overridden.
        if let Some(decision) = self.overridden(place, flag) {
            return decision;
        }
        // 3. Disabled, or not its time.
        let is_on = flag.enabled && self.world.has_come(flag.start_ms) && !self.world.has_come(flag.end_ms);
        if let Some(trace) = &mut self.trace {
            trace.step("enabled");
            trace.flag("enabled", flag.enabled);
            trace.time("now", self.world.now_ms, self.world.platform);
            trace.time("start", flag.start_ms, self.world.platform);
            trace.time("end", flag.end_ms, self.world.platform);
            trace.end(!is_on);
        }
        if !is_on {
            return Decision::of(flag.off, Reason::Disabled);
        }
        // 4. Prerequisites.
        if !self.ruleset.is_answerable(place, flag) {
            if let Some(trace) = &mut self.trace {
                trace.step("requires");
                trace.flag("answerable", false);
                trace.end(true);
            }
            return Decision::of(flag.off, Reason::PrerequisiteFailed);
        }
        for required in &flag.requires {
            self.begin_step("requires");
            let is_met = self.flag_answers(required);
            self.end_step(!is_met);
            if !is_met {
                return Decision::of(flag.off, Reason::PrerequisiteFailed);
            }
        }
        // 5. Individual targets. Who has no unit id is on no list.
        let unit_id = unit_of(&flag.by, self.context).map(|(_, id)| id);
        let target = flag.targets.iter().find(|target| {
            let own = target.by.as_ref().map(|by| unit_of(by, self.context).map(|(_, id)| id));
            own.unwrap_or(unit_id).is_some_and(|id| holds(&target.ids, id))
        });
        if !flag.targets.is_empty() {
            self.begin_step("targets");
            self.end_step(target.is_some());
        }
        if let Some(target) = target {
            return Decision { rule_id: Some(TARGET_RULE_ID), ..Decision::of(target.variant, Reason::TargetingMatch) };
        }
        // 6. Holdout.
        if let Some(holdout) = &flag.holdout {
            let Some(unit_id) = unit_id else { return self.without_unit("holdout", flag) };
            let bucket = bucket_of(&holdout.salt, unit_id);
            let is_out = bucket < holdout.buckets;
            self.bucket_step("holdout", &holdout.salt, unit_id, bucket, &[(0, holdout.buckets)], is_out);
            if is_out {
                return Decision::of(flag.off, Reason::Holdout);
            }
        }
        // 7. Layer.
        if let Some(layer) = &flag.layer {
            let Some(unit_id) = unit_id else { return self.without_unit("layer", flag) };
            let bucket = bucket_of(&layer.salt, unit_id);
            let is_in = layer.slots.iter().any(|(from, to)| (*from..*to).contains(&bucket));
            self.bucket_step("layer", &layer.salt, unit_id, bucket, &layer.slots, !is_in);
            if !is_in {
                return Decision::of(flag.off, Reason::NotInLayer);
            }
        }
        // 8. Limit exposure: no rule is asked about those outside.
        if let Some(limit) = &flag.limit {
            let Some(unit_id) = unit_id else { return self.without_unit("limitExposure", flag) };
            let bucket = bucket_of(&limit.salt, unit_id);
            let is_out = bucket >= limit.buckets;
            self.bucket_step("limitExposure", &limit.salt, unit_id, bucket, &[(0, limit.buckets)], is_out);
            if is_out {
                return Decision::of(limit.variant, Reason::NotInExposure);
            }
        }
        // 9. Rules, in order.
        for (at, rule) in flag.rules.iter().enumerate() {
            self.begin_step("rule");
            if let Some(trace) = &mut self.trace {
                trace.integer("rule", at as u64);
                if let Some(id) = &rule.id {
                    trace.text("id", id);
                }
                if rule.when.is_some() {
                    trace.open(Some("when"), '[');
                }
            }
            let is_met = rule.when.as_ref().is_none_or(|condition| self.is_met(condition));
            if let Some(trace) = &mut self.trace
                && rule.when.is_some()
            {
                trace.close(']');
            }
            self.end_step(is_met);
            if !is_met {
                continue;
            }
            let rule_id = rule.id.as_deref();
            match &rule.serve {
                Serve::Variant(variant) => {
                    return Decision { rule_id, ..Decision::of(*variant, Reason::TargetingMatch) };
                }
                Serve::Split(split) => {
                    let Some(unit_id) = unit_id else { return self.without_unit("split", flag) };
                    if let Some(decision) = self.split(place, flag, split, unit_id) {
                        return Decision { rule_id, ..decision };
                    }
                }
            }
        }
        // 10. No rule answered.
        if let Some(trace) = &mut self.trace {
            trace.step("default");
            trace.end(true);
        }
        Decision::of(flag.default, Reason::Default)
    }

    fn overridden(&mut self, place: u32, flag: &'a Flag) -> Option<Decision<'a>> {
        if self.overrides.is_empty() {
            return None;
        }
        let key = self.ruleset.flag_key(place);
        let local = self.overrides.iter().find(|local| local.flag_key == key)?;
        let variant = flag.variants.iter().position(|variant| variant.key == local.variant)?;
        if let Some(trace) = &mut self.trace {
            trace.step("override");
            trace.text("variant", &local.variant);
            trace.end(true);
        }
        self.overridden = if local.exposures { Overridden::Recorded } else { Overridden::Silent };
        Some(Decision::of(variant, Reason::Override))
    }

    fn split(&mut self, place: u32, flag: &'a Flag, split: &'a [(usize, u64)], unit_id: &str) -> Option<Decision<'a>> {
        let bucket = bucket_of(&flag.salt, unit_id);
        let kept = flag.sticky_version.and_then(|version| self.kept(place, flag, version, unit_id));
        let key_of = |variant: usize| flag.variants.get(variant).map_or("", |variant| variant.key.as_str());
        let still = kept.and_then(|kept| {
            let (variant, _) =
                split.iter().find(|(variant, weight)| *weight > 0 && kept.is_variant(key_of(*variant)))?;
            Some((*variant, kept.flag_version))
        });
        let variant = match still {
            Some((variant, _)) => variant,
            None => split.get(allocate(split.iter().map(|(_, weight)| *weight), bucket)?)?.0,
        };
        let flag_version = still.map_or(flag.version, |(_, flag_version)| flag_version);
        let kept = flag.sticky_version.map(|sticky_version| {
            let at = sticky::place_of(&self.ruleset.flag_key(place), unit_id, sticky_version);
            Kept::new(at, key_of(variant), flag_version)
        });
        if let Some(trace) = &mut self.trace {
            trace.step("split");
            trace.text("salt", &flag.salt);
            trace.text("unitId", unit_id);
            trace.integer("bucket", bucket.into());
            trace.text("variant", key_of(variant));
            trace.flag("kept", still.is_some());
            trace.end(true);
        }
        Some(Decision { bucket: Some(bucket), kept, ..Decision::of(variant, Reason::Split) })
    }

    /// What the unit keeps of a flag; before that, what was kept for the anonymous id.
    fn kept(&self, place: u32, flag: &Flag, version: u64, unit_id: &str) -> Option<Kept> {
        let key = self.ruleset.flag_key(place);
        let find = |unit_id| self.sticky.find(sticky::place_of(&key, unit_id, version));
        find(unit_id).or_else(|| {
            let identity = self.context.identity;
            let is_person = matches!(unit_of(&flag.by, self.context), Some((Unit::DistinctId, _)));
            (is_person && identity.identified.is_some()).then(|| find(&identity.anonymous_id)).flatten()
        })
    }

    // Conditions.

    /// Whether the context fulfils the condition.
    fn is_met(&mut self, condition: &'a Condition) -> bool {
        match condition {
            Condition::Attribute { name, operator, operand, ignore_case, span } => {
                let attribute = self.context.attribute(name);
                let is_met = compare(attribute, *operator, operand, *ignore_case, &mut self.world);
                if let Some(trace) = &mut self.trace {
                    trace.open(None, '{');
                    trace.raw("condition", self.ruleset.source(*span));
                    trace.attribute("found", attribute, self.world.platform);
                    self.end_condition(is_met);
                }
                is_met
            }
            Condition::All(all) => self.several("all", all, false),
            Condition::Any(any) => self.several("any", any, true),
            Condition::Not(not) => !self.several("not", std::slice::from_ref(not.as_ref()), true),
            Condition::Segment(place) => self.is_in_segment(*place),
            Condition::Flag(answers) => {
                if let Some(trace) = &mut self.trace {
                    trace.open(None, '{');
                }
                let is_met = self.flag_answers(answers);
                self.end_condition(is_met);
                is_met
            }
        }
    }

    /// Looks at conditions until one is `until`; whether it ended with `until`.
    fn several(&mut self, name: &'static str, conditions: &'a [Condition], until: bool) -> bool {
        if let Some(trace) = &mut self.trace {
            trace.open(None, '{');
            trace.open(Some(name), '[');
        }
        let is_met = conditions.iter().any(|condition| self.is_met(condition) == until) == until;
        if let Some(trace) = &mut self.trace {
            trace.close(']');
        }
        self.end_condition(is_met != (name == "not"));
        is_met
    }

    fn is_in_segment(&mut self, place: u32) -> bool {
        if let Some(trace) = &mut self.trace {
            trace.open(None, '{');
            trace.text("segment", &self.ruleset.segment_key(place));
        }
        let is_in = match self.known(Node::Segment(place)) {
            Some(known) => known.answer == 1,
            None => {
                let before = std::mem::replace(&mut self.overridden, Overridden::No);
                let is_in = self.ruleset.segment_at(place).is_some_and(|segment| self.segment(segment));
                let answered = Answered { answer: is_in.into(), reason: Reason::Default, overridden: self.overridden };
                self.overridden = before;
                self.learn(Node::Segment(place), answered);
                is_in
            }
        };
        self.end_condition(is_in);
        is_in
    }

    fn segment(&mut self, segment: &'a Segment) -> bool {
        let unit_id = unit_of(&segment.by, self.context).map(|(_, id)| id);
        let is_on = |list: &[String]| unit_id.is_some_and(|id| holds(list, id));
        let (excluded, included) = (is_on(&segment.exclude), is_on(&segment.include));
        if let Some(trace) = &mut self.trace {
            trace.flag("excluded", excluded);
            trace.flag("included", included);
        }
        if excluded || included {
            return !excluded;
        }
        let Some(when) = &segment.when else { return false };
        if let Some(trace) = &mut self.trace {
            trace.open(Some("when"), '[');
        }
        let is_met = self.is_met(when);
        if let Some(trace) = &mut self.trace {
            trace.close(']');
        }
        is_met
    }

    /// Whether another flag answers one of these variants.
    fn flag_answers(&mut self, answers: &'a FlagAnswers) -> bool {
        // A flag that refers to a missing or a broken one is not asked for its conditions.
        let Some(Ok(flag)) = self.ruleset.flag_at(answers.flag) else { return false };
        let known = match self.known(Node::Flag(answers.flag)) {
            Some(known) => known,
            None => {
                // Its own steps are told by its own explanation.
                let trace = self.trace.take();
                let before = std::mem::replace(&mut self.overridden, Overridden::No);
                let decision = self.decide(answers.flag, flag);
                self.trace = trace;
                self.overridden = before;
                let (answer, reason) = (decision.variant.unwrap_or_default(), decision.reason);
                self.learn(Node::Flag(answers.flag), Answered { answer, reason, overridden: decision.overridden })
            }
        };
        let variant = flag.variants.get(known.answer).map_or("", |variant| variant.key.as_str());
        if let Some(trace) = &mut self.trace {
            trace.text("flag", &self.ruleset.flag_key(answers.flag));
            trace.texts("expected", answers.variants.iter().map(String::as_str));
            trace.text("found", variant);
            trace.text("reason", known.reason.as_str());
        }
        holds(&answers.variants, variant)
    }

    /// What was answered of a node before, in this decision. An override that the answer depended on counts again.
    fn known(&mut self, node: Node) -> Option<Answered> {
        let at = self.answered.binary_search_by(|(known, _)| known.cmp(&node)).ok()?;
        let (_, known) = *self.answered.get(at)?;
        self.overridden = self.overridden.and(known.overridden);
        Some(known)
    }

    fn learn(&mut self, node: Node, answered: Answered) -> Answered {
        self.overridden = self.overridden.and(answered.overridden);
        if let Err(at) = self.answered.binary_search_by(|(known, _)| known.cmp(&node)) {
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

    fn end_condition(&mut self, is_met: bool) {
        if let Some(trace) = &mut self.trace {
            trace.flag("met", is_met);
            trace.close('}');
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

    fn without_unit(&mut self, step: &str, flag: &Flag) -> Decision<'a> {
        if let Some(trace) = &mut self.trace {
            trace.step(step);
            trace.raw("unitId", "null");
            trace.end(true);
        }
        Decision { error: Some(ErrorCode::TargetingKeyMissing), ..Decision::of(flag.default, Reason::Default) }
    }
}

/// The first of these units that the context has, with its id.
pub fn unit_of<'u, 'c: 'u>(by: &'u [Unit], context: Context<'c>) -> Option<(&'u Unit, &'c str)> {
    by.iter().find_map(|unit| {
        let id = match unit {
            Unit::DistinctId => context.identity.distinct_id(),
            Unit::DeviceId => &context.identity.device_id,
            Unit::AnonymousId => &context.identity.anonymous_id,
            Unit::Attribute(path) => match context.attribute(path)? {
                Attribute::Text(id) => id,
                _ => return None,
            },
        };
        (!id.is_empty()).then_some((unit, id))
    })
}
