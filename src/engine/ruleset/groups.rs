//! Segments, layers and holdouts: JSON to the model.

use std::borrow::Cow;

use super::super::bucketing::BUCKET_COUNT;
use super::super::json::{Node, Value};
use super::super::platform::Platform;
use super::conditions::Conditions;
use super::field::{by_or_distinct_id, integer, list, object, optional, percent, required, salt_or, sorted_texts};
use super::model::{Holdout, Layer, Segment};
use super::{Problem, Ruleset};

pub fn segment(ruleset: &Ruleset, node: &Node<'_>) -> Result<Segment, Problem> {
    object(node, "an object")?;
    let mut conditions = Conditions::new(ruleset);
    let ids = |name| optional(node, name, |node| sorted_texts(node, "a list of ids"));
    Ok(Segment {
        by: by_or_distinct_id(node)?,
        include: ids("include")?.unwrap_or_default(),
        exclude: ids("exclude")?.unwrap_or_default(),
        when: optional(node, "when", |node| conditions.read(node))?,
        references: conditions.references,
    })
}

pub fn layer(key: &str, node: &Node<'_>, platform: Platform) -> Result<Layer, Problem> {
    object(node, "an object with slots")?;
    let mut taken: Vec<(u32, u32)> = Vec::new();
    let flags = required(node, "slots", "an object with slots", |node| {
        let Value::Object(members) = &node.value else { return Err(Problem::at(node, "an object with slots")) };
        // Of equal keys the last counts.
        let mut members: Vec<&(Cow<'_, str>, Node<'_>)> = members.iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut flags = Vec::new();
        for (at, (flag, node)) in members.iter().enumerate() {
            let is_last = members.get(at + 1).is_none_or(|(next, _)| next != flag);
            if is_last && node.value != Value::Null {
                let slots = list(node, "a list of slots", |node| slot(node, platform));
                let slots = slots.map_err(|problem| problem.within(flag))?;
                taken.extend(&slots);
                flags.push((flag.as_ref().to_owned(), slots));
            }
        }
        Ok(flags)
    })?;
    taken.sort_unstable();
    let overlap = taken.iter().zip(taken.iter().skip(1)).any(|((_, end), (start, _))| start < end);
    if overlap {
        return Err(Problem::new("slots that overlap", "each bucket in at most one slot").within("slots"));
    }
    let mut own_salt = String::from("layer/");
    own_salt.push_str(key);
    Ok(Layer { salt: salt_or(node, own_salt)?, by: by_or_distinct_id(node)?, flags })
}

fn slot(node: &Node<'_>, platform: Platform) -> Result<(u32, u32), Problem> {
    let ends = list(node, "a slot like [0, 50000]", |node| integer(node, platform))?;
    match ends.as_slice() {
        [from, to] if from < to && *to <= u64::from(BUCKET_COUNT) => Ok((*from as u32, *to as u32)),
        _ => Err(Problem::at(node, "two rising buckets from 0 to 100000")),
    }
}

pub fn holdout(key: &str, node: &Node<'_>, platform: Platform) -> Result<Holdout, Problem> {
    object(node, "an object with a percent")?;
    let mut own_salt = String::from("holdout/");
    own_salt.push_str(key);
    Ok(Holdout {
        buckets: required(node, "percent", "a percentage", |node| percent(node, platform))?,
        salt: salt_or(node, own_salt)?,
        by: by_or_distinct_id(node)?,
    })
}
