//! Who gets which variant, in numbers: fixed salts and ids, so that each of these passes always or never.

use pennon::engine::attributes::Value;
use pennon::engine::client::Client;
use pennon::engine::decision::Reason;
use pennon::engine::time::Now;
use statrs::distribution::{ChiSquared, ContinuousCDF, Uniform};
use statrs::stats_tests::NaNPolicy;
use statrs::stats_tests::ks_test::{KSOneSampleAlternativeMethod, ks_onesample};

use crate::support::{START_MS, client};

const NOW: Now = Now { wall_ms: START_MS, mono_ms: 0.0 };
/// What chi-squared tests of a sound split fall below once in a million times.
const IMPLAUSIBLE_P: f64 = 1e-6;

/// The place of the variant that `id` is served by a split, or `None` outside the limit.
fn place(client: &mut Client, flag: &str, id: u32) -> Option<usize> {
    let _ = client.identify(Some(format!("person-{id}")), Value::Null, NOW);
    decided_place(client, flag)
}

fn decided_place(client: &mut Client, flag: &str) -> Option<usize> {
    let decision = client.decide(flag, NOW).decision;
    match decision.reason {
        Reason::Split => decision.variant,
        Reason::NotInExposure => None,
        other => panic!("{other:?}"),
    }
}

/// A flag whose only rule splits by these weights, as JSON; its variants are `v0`, `v1` and so on.
fn flag(weights: &[u32], limit_percent: f64, more: &str) -> String {
    let list = |item: &dyn Fn(usize) -> String| (0..weights.len()).map(item).collect::<Vec<_>>().join(",");
    let variants = list(&|at| format!(r#""v{at}":{at}"#));
    let split = list(&|at| format!(r#"{{"variant":"v{at}","weight":{}}}"#, weights[at]));
    format!(
        r#"{{"variants":{{{variants}}},"default":"v0","limitExposure":{{"percent":{limit_percent}}},
            "rules":[{{"serve":[{split}]}}]{more}}}"#
    )
}

fn ruleset(flags: impl IntoIterator<Item = (String, String)>) -> Client {
    let flags: Vec<_> = flags.into_iter().map(|(key, flag)| format!("\"{key}\":{flag}")).collect();
    client(&format!(r#"{{"schema":1,"flags":{{{}}}}}"#, flags.join(",")))
}

fn one(weights: &[u32], limit_percent: f64) -> Client {
    ruleset([("new_checkout".into(), flag(weights, limit_percent, ""))])
}

const PEOPLE: u32 = 10_000;
const PERCENTS: [f64; 17] =
    [0.0, 0.001, 0.5, 1.0, 2.5, 5.0, 10.0, 19.999, 20.0, 33.333, 50.0, 66.667, 75.0, 90.0, 99.0, 99.999, 100.0];

fn places_at_each_percent() -> Vec<Vec<Option<usize>>> {
    PERCENTS
        .iter()
        .map(|percent| {
            let mut client = one(&[33, 34, 33], *percent);
            (0..PEOPLE).map(|id| place(&mut client, "new_checkout", id)).collect()
        })
        .collect()
}

#[test]
fn raising_the_limit_only_adds_people_and_moves_nobody_and_lowering_it_only_removes() {
    let steps = places_at_each_percent();
    for (pair, percents) in steps.windows(2).zip(PERCENTS.windows(2)) {
        for (id, (lower, higher)) in pair[0].iter().zip(&pair[1]).enumerate() {
            assert!(
                lower.is_none() || lower == higher,
                "person {id} has {lower:?} at {} percent and {higher:?} at {}",
                percents[0],
                percents[1]
            );
        }
    }
    let inside = |step: &[Option<usize>]| step.iter().flatten().count();
    assert_eq!(inside(&steps[0]), 0, "0 percent is nobody");
    assert_eq!(inside(&steps[PERCENTS.len() - 1]), PEOPLE as usize, "100 percent is everybody");
    for (step, percent) in steps.iter().zip(PERCENTS) {
        assert_share(inside(step), PEOPLE as usize, percent / 100.0);
    }
}

/// Fails when a count is more than 4 standard deviations of a binomial distribution from what is expected.
#[track_caller]
fn assert_share(found: usize, of: usize, share: f64) {
    let expected = of as f64 * share;
    let sigma = (expected * (1.0 - share)).sqrt();
    assert!((found as f64 - expected).abs() <= 4.0 * sigma, "{found} of {of}, expected {expected} ± 4 × {sigma:.1}");
}

#[test]
fn a_split_of_33_34_33_at_20_percent_gives_each_variant_its_part() {
    const IDS: u32 = 100_000;
    let mut client = one(&[33, 34, 33], 20.0);
    let mut counts = [0; 3];
    for id in 0..IDS {
        if let Some(place) = place(&mut client, "new_checkout", id) {
            counts[place] += 1;
        }
    }
    for (count, share) in counts.into_iter().zip([0.066, 0.068, 0.066]) {
        assert_share(count, IDS as usize, share);
    }
}

/// The p-value of a chi-squared test: that these counts came from these shares of the sum.
fn goodness_of_fit_p(counts: &[f64], weights: &[u32]) -> f64 {
    let people: f64 = counts.iter().sum();
    let total: f64 = weights.iter().map(|weight| f64::from(*weight)).sum();
    let statistic: f64 = counts
        .iter()
        .zip(weights)
        .map(|(found, weight)| {
            let expected = people * f64::from(*weight) / total;
            (found - expected).powi(2) / expected
        })
        .sum();
    ChiSquared::new(counts.len() as f64 - 1.0).unwrap().sf(statistic)
}

/// The p-value of a chi-squared test: that the two sides of a table of counts are independent.
fn independence_p(table: &[Vec<f64>]) -> f64 {
    let rows: Vec<f64> = table.iter().map(|row| row.iter().sum()).collect();
    let columns: Vec<f64> = (0..table[0].len()).map(|at| table.iter().map(|row| row[at]).sum()).collect();
    let total: f64 = rows.iter().sum();
    let mut statistic = 0.0;
    for (row, row_sum) in table.iter().zip(&rows) {
        for (found, column_sum) in row.iter().zip(&columns) {
            let expected = row_sum * column_sum / total;
            statistic += (found - expected).powi(2) / expected;
        }
    }
    ChiSquared::new(((rows.len() - 1) * (columns.len() - 1)) as f64).unwrap().sf(statistic)
}

/// That these p-values are what chance gives: spread evenly over 0..1.
#[track_caller]
fn assert_uniform(p_values: Vec<f64>) {
    let uniform = Uniform::new(0.0, 1.0).unwrap();
    let method = KSOneSampleAlternativeMethod::TwoSidedAsymptotic;
    let (statistic, p) = ks_onesample(p_values, &uniform, method, NaNPolicy::Error).unwrap();
    assert!(p > 0.001, "Kolmogorov-Smirnov statistic {statistic}, p {p}");
}

const WEIGHTS: [&[u32]; 5] = [&[50, 50], &[33, 34, 33], &[10, 90], &[1, 1, 1, 1, 1, 1, 1], &[5, 15, 30, 50]];

#[test]
fn a_hundred_splits_give_their_shares_and_their_p_values_are_uniform() {
    let keys: Vec<String> = (0..100).map(|number| format!("flag-{number}")).collect();
    let weights = |number: usize| WEIGHTS[number % WEIGHTS.len()];
    let mut client =
        ruleset(keys.iter().enumerate().map(|(number, key)| (key.clone(), flag(weights(number), 100.0, ""))));
    let mut counts: Vec<Vec<f64>> = (0..100).map(|number| vec![0.0; weights(number).len()]).collect();
    for id in 0..PEOPLE {
        let _ = client.identify(Some(format!("person-{id}")), Value::Null, NOW);
        for (key, counts) in keys.iter().zip(&mut counts) {
            counts[decided_place(&mut client, key).unwrap()] += 1.0;
        }
    }
    let p_values: Vec<f64> =
        counts.iter().enumerate().map(|(number, counts)| goodness_of_fit_p(counts, weights(number))).collect();
    for (key, p) in keys.iter().zip(&p_values) {
        assert!(*p > IMPLAUSIBLE_P, "{key}: p {p}");
    }
    assert_uniform(p_values);
}

/// How often each pair of places occurs.
fn table(rows: usize, columns: usize, pairs: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<f64>> {
    let mut table = vec![vec![0.0; columns]; rows];
    for (row, column) in pairs {
        table[row][column] += 1.0;
    }
    table
}

/// The p-values of every pair among these flags: that their splits in three are independent.
fn pairwise_independence(flags: Vec<(String, String)>) -> Vec<f64> {
    let keys: Vec<String> = flags.iter().map(|(key, _)| key.clone()).collect();
    let mut client = ruleset(flags);
    let mut places = vec![Vec::new(); keys.len()];
    for id in 0..PEOPLE {
        let _ = client.identify(Some(format!("person-{id}")), Value::Null, NOW);
        for (key, places) in keys.iter().zip(&mut places) {
            places.push(decided_place(&mut client, key).unwrap());
        }
    }
    let mut p_values = Vec::new();
    for (at, first) in places.iter().enumerate() {
        for second in &places[at + 1..] {
            p_values.push(independence_p(&table(3, 3, first.iter().copied().zip(second.iter().copied()))));
        }
    }
    p_values
}

#[test]
fn the_splits_of_two_flags_are_independent() {
    let flags = (0..10).map(|number| (format!("flag_{number}"), flag(&[33, 34, 33], 100.0, ""))).collect();
    let p_values = pairwise_independence(flags);
    assert_eq!(p_values.len(), 45);
    assert!(p_values.iter().all(|p| *p > IMPLAUSIBLE_P), "{p_values:?}");
    assert_uniform(p_values);
}

#[test]
fn two_flags_that_share_a_salt_are_split_alike() {
    let shared = || flag(&[33, 34, 33], 100.0, r#","salt":"shared""#);
    let p_values = pairwise_independence(vec![("one".into(), shared()), ("other".into(), shared())]);
    assert!(p_values[0] < IMPLAUSIBLE_P, "the test of independence would not notice: p {}", p_values[0]);
}

#[test]
fn a_flags_split_and_its_limit_are_independent() {
    let keys: Vec<String> = (0..20).map(|number| format!("flag {number}")).collect();
    let at = |percent| ruleset(keys.iter().map(|key| (key.clone(), flag(&[33, 34, 33], percent, ""))));
    let (mut all, mut limited) = (at(100.0), at(30.0));
    let mut tables = vec![vec![vec![0.0; 3]; 2]; keys.len()];
    for id in 0..PEOPLE {
        for client in [&mut all, &mut limited] {
            let _ = client.identify(Some(format!("person-{id}")), Value::Null, NOW);
        }
        for (key, table) in keys.iter().zip(&mut tables) {
            let inside = usize::from(decided_place(&mut limited, key).is_some());
            table[inside][decided_place(&mut all, key).unwrap()] += 1.0;
        }
    }
    let p_values: Vec<f64> = tables.iter().map(|table| independence_p(table)).collect();
    assert!(p_values.iter().all(|p| *p > IMPLAUSIBLE_P), "{p_values:?}");
    assert_uniform(p_values);
}
