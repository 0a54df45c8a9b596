//! Segments, layers and holdouts: JSON to the model.

use std::borrow::Cow;

use super::super::bucketing::BUCKET_COUNT;
use super::super::json::{Node, Value};
use super::fields::Fields;
use super::model::{Holdout, Layer, Segment};
use super::problem::Fault;

pub fn segment(mut read: Fields<'_>, _key: &str, node: &Node<'_>) -> Result<Box<Segment>, Box<Fault>> {
    read.object(node, "an object");
    let include = read.list(node, "include", usize::MAX, "a list of ids");
    let exclude = read.list(node, "exclude", usize::MAX, "a list of ids");
    let segment = Segment {
        by: read.by_or_distinct_id(node),
        include: read.texts(include),
        exclude: read.texts(exclude),
        when: node.get_some("when").and_then(|node| read.condition(node)),
        references: std::mem::take(&mut read.references),
    };
    read.end(segment)
}

pub fn layer(mut read: Fields<'_>, key: &str, node: &Node<'_>) -> Result<Box<Layer>, Box<Fault>> {
    read.object(node, "an object with slots");
    let (salt, by) = (read.salt(node, "layer/", key), read.by_or_distinct_id(node));
    let mut layer = Layer { salt, by, flags: Vec::new() };
    let Some(slots) = read.required(node, "slots", "an object with slots") else { return read.end(layer) };
    read.object(slots, "an object with slots");
    let mut taken: Vec<(u32, u32)> = Vec::new();
    if let Value::Object(members) = &slots.value {
        // Of equal keys the last counts.
        let mut members: Vec<&(Cow<'_, str>, Node<'_>)> = members.iter().collect();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (at, (flag, node)) in members.iter().enumerate() {
            let is_last = members.get(at + 1).is_none_or(|(next, _)| next != flag);
            if !is_last || node.value == Value::Null {
                continue;
            }
            let mut own = Vec::new();
            for item in read.items(node, "a list of slots like [0, 50000]") {
                own.push(slot(&mut read, item));
            }
            taken.extend(&own);
            layer.flags.push((flag.as_ref().to_owned(), own));
        }
    }
    taken.sort_unstable();
    if taken.iter().zip(taken.iter().skip(1)).any(|((_, end), (start, _))| start < end) {
        read.fail(slots, "each bucket in at most one slot");
    }
    read.end(layer)
}

fn slot(read: &mut Fields<'_>, node: &Node<'_>) -> (u32, u32) {
    const SLOT: &str = "two rising buckets from 0 to 100000";
    let [from, to] = read.items(node, SLOT) else {
        read.fail(node, SLOT);
        return (0, 0);
    };
    let (from, to) = (read.whole(from, BUCKET_COUNT.into(), SLOT), read.whole(to, BUCKET_COUNT.into(), SLOT));
    if from >= to {
        read.fail(node, SLOT);
    }
    (from as u32, to as u32)
}

pub fn holdout(mut read: Fields<'_>, key: &str, node: &Node<'_>) -> Result<Box<Holdout>, Box<Fault>> {
    read.object(node, "an object with a percent");
    let salt = read.salt(node, "holdout/", key);
    let holdout = Holdout { buckets: read.percent(node), salt, by: read.by_or_distinct_id(node) };
    read.end(holdout)
}
