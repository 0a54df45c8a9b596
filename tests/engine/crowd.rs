//! What a server sees of a thousand people at once (row N17 of the table of faults): a failure that is everybody's must not
//! bring everybody back in the same second.
//!
//! Counted are requests by the second of their arrival. People do not know of each other, so that each is played alone.

use pennon::engine::attributes::Value;
use pennon::engine::decision::Reason;
use pennon::engine::effect::Effect;
use pennon::engine::exposure::id::Dedup;
use pennon::engine::exposure::row::{Draft, Source};
use pennon::engine::exposure::{Config, Input, Outcome, State, step};
use pennon::engine::time::Now;
use xxhash_rust::xxh64::xxh64;

use crate::support::{START_MS, config};

const PEOPLE: usize = 1000;
const SECOND_MS: f64 = 1000.0;
const MINUTE_MS: f64 = 60.0 * SECOND_MS;
/// How long the server takes for an answer.
const LATENCY_MS: f64 = 40.0;

/// Numbers from 0 to 1 that look random, the same in every run.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 += 1;
        xxh64(&self.0.to_le_bytes(), 0) as f64 / 2.0_f64.powi(64)
    }
}

/// When the requests of one person arrive, in milliseconds, until all is delivered or time is up. They see a flag at each of
/// `reads_ms`. `fails`: whether the server fails a request that comes then.
fn arrivals_ms(person: usize, reads_ms: &[f64], until_ms: f64, mut fails: impl FnMut(f64) -> bool) -> Vec<f64> {
    let instance_id = format!("01997e5a-0000-7000-8000-{:012x}", person * 7919);
    let mut state = State::new(Config { instance_id, ..config(Dedup::Session) }, None);
    let mut reads = reads_ms.iter().copied().enumerate().peekable();
    let (mut wake_ms, mut answer): (Option<f64>, Option<(f64, u32)>) = (None, None);
    let mut arrivals = Vec::new();
    loop {
        let read_ms = reads.peek().map(|(_, at_ms)| *at_ms);
        let answer_ms = answer.map(|(at_ms, _)| at_ms);
        let Some(at_ms) = [read_ms, answer_ms, wake_ms].into_iter().flatten().reduce(f64::min) else { break };
        if at_ms >= until_ms {
            break;
        }
        let now = Now { wall_ms: START_MS + at_ms, mono_ms: at_ms };
        let effects = if answer_ms == Some(at_ms) {
            let (_, flight) = answer.take().unwrap();
            let outcome = if fails(at_ms - LATENCY_MS) {
                Outcome::Refused { status: 503, retry_after_ms: None }
            } else {
                Outcome::Acknowledged
            };
            step(&mut state, Input::Settled { flight, outcome, server_ms: None }, now)
        } else if wake_ms == Some(at_ms) {
            wake_ms = None;
            step(&mut state, Input::Tick, now)
        } else {
            let (place, _) = reads.next().unwrap();
            step(&mut state, Input::Record(&draft(&format!("flag-{place}"))), now)
        };
        for effect in effects {
            match effect {
                Effect::Send(batch) => {
                    arrivals.push(at_ms);
                    answer = Some((at_ms + LATENCY_MS, batch.flight));
                }
                Effect::WakeIn(delay_ms) => wake_ms = Some(at_ms + delay_ms),
                _ => {}
            }
        }
    }
    arrivals
}

fn draft(flag_key: &str) -> Draft<'_> {
    Draft {
        flag_key,
        value_text: "true",
        value_is_cut: false,
        variant: "on",
        reason: Reason::Split,
        session_id: "session",
        distinct_id: "person",
        anonymous_id: "anonymous",
        device_id: "device",
        unit: "distinctId",
        unit_id: "person",
        assigned_version: None,
        flag_version: 1,
        ruleset_version: 1,
        rule_id: "",
        experiment: "experiment",
        environment: "production",
        source: Source::Call,
        attributes: &Value::Null,
    }
}

/// How many requests of all people arrive in each second.
fn by_second(arrivals_ms: &[f64]) -> Vec<usize> {
    let last_ms = arrivals_ms.iter().copied().fold(0.0, f64::max);
    let mut counts = vec![0; (last_ms / SECOND_MS) as usize + 1];
    for at_ms in arrivals_ms {
        counts[(at_ms / SECOND_MS) as usize] += 1;
    }
    counts
}

/// No second from `first` on has more than twice the mean of the seconds from ten before it to ten after it, none of them
/// before `first` or `behind` the last that counts.
fn assert_no_bursts(counts: &[usize], first: usize, behind: usize) {
    for second in first..behind {
        let around = &counts[second.saturating_sub(10).max(first)..(second + 11).min(behind)];
        let mean = around.iter().sum::<usize>() as f64 / around.len() as f64;
        let count = counts[second];
        assert!(count as f64 <= 2.0 * mean, "{count} requests in second {second}, {mean:.1} around it: {around:?}");
    }
}

#[test]
fn n17_a_storm_that_fails_three_requests_in_ten_makes_no_second_twice_as_busy_as_those_around_it() {
    let mut draws = Draws(0);
    let until_ms = 10.0 * MINUTE_MS;
    let mut all = Vec::new();
    for person in 0..PEOPLE {
        // Pages are opened at any time, and show something new three times a minute.
        let begins_ms = draws.next() * 20.0 * SECOND_MS;
        let reads_ms: Vec<f64> = (0..30).map(|read| begins_ms + f64::from(read) * 20.0 * SECOND_MS).collect();
        all.extend(arrivals_ms(person, &reads_ms, until_ms, |_| draws.next() < 0.3));
    }
    let counts = by_second(&all);
    assert!(all.len() > PEOPLE * 30 * 13 / 10, "{} requests, three in ten of them again", all.len());
    assert_no_bursts(&counts, 25, 600); // Each page has sent something by then.
}

#[test]
fn n17_an_outage_of_ten_minutes_and_its_end_bring_no_second_twice_as_busy_as_those_around_it() {
    let mut draws = Draws(0);
    let (first_wave_ms, outage_ms) = (10.0 * SECOND_MS, 10.0 * MINUTE_MS);
    let mut all = Vec::new();
    let mut delivered = 0;
    for person in 0..PEOPLE {
        // All have a batch to send within the first ten seconds. (What comes in the same instant leaves it in waves, which
        // take a minute to spread.)
        let reads_ms = [draws.next() * first_wave_ms];
        let arrivals = arrivals_ms(person, &reads_ms, f64::INFINITY, |at_ms| at_ms < outage_ms);
        delivered += usize::from(arrivals.iter().any(|at_ms| *at_ms >= outage_ms));
        all.extend(arrivals);
    }
    assert_eq!(delivered, PEOPLE);
    let counts = by_second(&all);
    assert!(counts.len() <= 661, "the last comes a minute after the end of the outage: {}", counts.len());
    // The first wave comes from second 5, a flush interval after it was seen, to 15. The last attempts thin out.
    assert_no_bursts(&counts, 15, 630);
}
