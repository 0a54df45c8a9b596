//! One sort for all that is sorted: the standard library's are compiled anew for each kind of thing.

use std::cmp::Ordering;

/// The places of so many things, in the order that `compare` gives them, by their places. Equal ones stay as they are.
/// (Heapsort: n log n steps, however they come.)
pub fn order_of(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut heap: Vec<usize> = (0..count).collect();
    for root in (0..count / 2).rev() {
        sink(&mut heap, root, compare);
    }
    for end in (1..count).rev() {
        heap.swap(0, end);
        sink(heap.get_mut(..end).unwrap_or_default(), 0, compare);
    }
    heap
}

/// Lets what is at the root sink until nothing below it belongs behind it.
fn sink(heap: &mut [usize], mut root: usize, compare: &dyn Fn(usize, usize) -> Ordering) {
    let is_behind = |heap: &[usize], one: usize, other: usize| {
        let (Some(one), Some(other)) = (heap.get(one), heap.get(other)) else { return false };
        compare(*one, *other).then(one.cmp(other)).is_gt()
    };
    loop {
        let left = 2 * root + 1;
        let child = left + usize::from(is_behind(heap, left + 1, left));
        if !is_behind(heap, child, root) {
            return;
        }
        heap.swap(root, child);
        root = child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_a_stable_sort(things in prop::collection::vec(0..20_u8, 0..200)) {
            let mut expected: Vec<usize> = (0..things.len()).collect();
            expected.sort_by_key(|place| things[*place]);
            prop_assert_eq!(order_of(things.len(), &|one, other| things[one].cmp(&things[other])), expected);
        }
    }
}
