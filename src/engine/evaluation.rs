//! Flag and context to decision: the steps of the evaluation, in their order.

use super::attributes::{Attribute, Context};
use super::bucketing::{allocate, bucket_of};
use super::condition::is_met;
use super::decision::{Decision, ErrorCode, Reason, TARGET_RULE_ID};
use super::platform::Platform;
use super::ruleset::{Flag, Serve, Unit};

/// Decides one flag. An unknown flag, a broken one and an override (steps 1 and 2) are the caller's.
///
/// Each step either decides, and names its reason, or leaves the flag to the next.
pub fn decide<'a>(flag: &'a Flag, context: Context<'_>, now_ms: f64, platform: Platform) -> Decision<'a> {
    // 3. Disabled, or not its time.
    if !flag.enabled || now_ms < flag.start_ms || now_ms >= flag.end_ms {
        return Decision::of(flag.off, Reason::Disabled);
    }
    // 4. Prerequisites: a flag that has any does not compile yet.
    // 5. Individual targets. Who has no unit id is on no list.
    let unit_id = unit_of(flag, context).map(|(_, id)| id);
    let target = flag.targets.iter().find(|target| target.ids.iter().any(|id| Some(id.as_str()) == unit_id));
    if let Some(target) = target {
        return Decision { rule_id: Some(TARGET_RULE_ID), ..Decision::of(target.variant, Reason::TargetingMatch) };
    }
    // 6. and 7. Holdout and layer: likewise.
    // 8. Limit exposure: no rule is asked about those outside.
    if let Some(limit) = &flag.limit {
        let Some(unit_id) = unit_id else { return without_unit(flag) };
        if bucket_of(&limit.salt, unit_id) >= limit.buckets {
            return Decision::of(limit.variant, Reason::NotInExposure);
        }
    }
    // 9. Rules, in order.
    for rule in &flag.rules {
        if rule.when.as_ref().is_some_and(|condition| !is_met(condition, context, platform)) {
            continue;
        }
        let rule_id = rule.id.as_deref();
        match &rule.serve {
            Serve::Variant(variant) => {
                return Decision { rule_id, ..Decision::of(*variant, Reason::TargetingMatch) };
            }
            Serve::Split(split) => {
                let Some(unit_id) = unit_id else { return without_unit(flag) };
                let bucket = bucket_of(&flag.salt, unit_id);
                let place = allocate(split.iter().map(|(_, weight)| *weight), bucket);
                if let Some((variant, _)) = place.and_then(|place| split.get(place)) {
                    return Decision { rule_id, bucket: Some(bucket), ..Decision::of(*variant, Reason::Split) };
                }
            }
        }
    }
    // 10. No rule answered.
    Decision::of(flag.default, Reason::Default)
}

/// The first of the flag's units that the context has, with its id.
pub fn unit_of<'a>(flag: &'a Flag, context: Context<'a>) -> Option<(&'a Unit, &'a str)> {
    flag.by.iter().find_map(|unit| {
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

fn without_unit(flag: &Flag) -> Decision<'_> {
    Decision { error: Some(ErrorCode::TargetingKeyMissing), ..Decision::of(flag.default, Reason::Default) }
}
