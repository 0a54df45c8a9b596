//! Segments, layers and holdouts are checked.

use super::super::bucketing::BUCKET_COUNT;
use super::super::sort::order_of;
use super::fields::Fields;
use super::names::Name;
use super::part::{At, Kind, ROOT};

pub fn segment(read: &mut Fields<'_>) {
    read.object(ROOT, "an object");
    let lists = [Name::Include, Name::Exclude];
    for name in lists {
        read.list(ROOT, name, usize::MAX, "a list of ids");
    }
    read.by(ROOT);
    for name in lists {
        read.texts(read.part.get(ROOT, name), "a list of ids");
    }
    if let Some(when) = read.part.get(ROOT, Name::When) {
        read.condition(when);
    }
}

pub fn layer(read: &mut Fields<'_>) {
    const SLOTS: &str = "an object with slots";
    read.object(ROOT, SLOTS);
    read.salt(ROOT, "layer/");
    read.by(ROOT);
    let Some(slots) = read.required(ROOT, Name::Slots, SLOTS) else { return };
    read.object(slots, SLOTS);
    let mut taken: Vec<(u32, u32)> = Vec::new();
    let keys = read.keys(slots);
    for (place, flag) in keys.iter().enumerate() {
        let behind = keys.get(place + 1).map(|next| read.part.text(*next));
        if behind == Some(read.part.text(*flag)) || read.part.token(flag.next()).kind == Kind::Null {
            continue;
        }
        let mut items = read.items(flag.next(), usize::MAX, "a list of slots like [0, 50000]");
        while let Some(item) = read.step(&mut items) {
            taken.push(slot(read, item));
        }
    }
    let order = order_of(taken.len(), &|one, other| taken.get(one).cmp(&taken.get(other)));
    let mut end_of_last = 0;
    let mut overlap = false;
    for (start, end) in order.into_iter().filter_map(|place| taken.get(place)) {
        overlap |= *start < end_of_last;
        end_of_last = *end;
    }
    if overlap {
        read.fail(slots, "each bucket in at most one slot");
    }
}

impl Fields<'_> {
    /// The keys of an object, sorted. Of equal keys the last one, which counts, comes last.
    fn keys(&self, object: At) -> Vec<At> {
        let mut keys = Vec::new();
        if self.part.token(object).kind == Kind::Object {
            keys.extend(self.part.items(self.part.inside(object)));
        }
        let text_of = |place: usize| keys.get(place).map(|key| self.part.text(*key));
        let order = order_of(keys.len(), &|one, other| text_of(one).cmp(&text_of(other)));
        order.into_iter().filter_map(|place| keys.get(place).copied()).collect()
    }
}

fn slot(read: &mut Fields<'_>, at: At) -> (u32, u32) {
    const SLOT: &str = "two rising buckets from 0 to 100000";
    let mut buckets = read.items(at, 2, SLOT);
    let (Some(from), Some(to)) = (read.step(&mut buckets), read.step(&mut buckets)) else {
        read.fail(at, SLOT);
        return (0, 0);
    };
    for bucket in [from, to] {
        read.whole(bucket, BUCKET_COUNT.into(), SLOT);
    }
    let (from, to) = (read.part.number(from), read.part.number(to));
    if from >= to {
        read.fail(at, SLOT);
    }
    (from as u32, to as u32)
}

pub fn holdout(read: &mut Fields<'_>) {
    read.object(ROOT, "an object with a percent");
    read.salt(ROOT, "holdout/");
    read.percent(ROOT);
    read.by(ROOT);
}
