#![no_main]
//! What storage holds of a page that is gone, by whoever: ledgers on the first line, a wait of all tabs on the second, then
//! rows. Whatever it is, nothing panics, what waits adds up, and what is sent is JSON of a batch.

use libfuzzer_sys::fuzz_target;
use pennon::engine::effect::Effect;
use pennon::engine::exposure::{Config, Input, Orphan, Outcome, State, step};
use pennon::engine::platform::NATIVE;
use pennon::engine::time::Now;

fuzz_target!(|stored: &str| {
    let mut parts = stored.splitn(3, '\n');
    let (ledgers, retry, lines) = (parts.next().unwrap_or_default(), parts.next(), parts.next().unwrap_or_default());
    let mut now = Now { wall_ms: 1_790_000_000_000.0, mono_ms: 1000.0 };
    let config = Config { sends: true, ..Config::new("instance".into(), NATIVE) };
    let mut state = State::new(config, retry);
    state.learn_retry(retry, true, now);
    let orphan = Orphan { owner: "instance-1", ledgers, lines, corrupt: 0 };
    let mut effects = step(&mut state, Input::Adopt(&orphan), now);
    // At most an hour's wait, then one batch after the other.
    for _ in 0..1000 {
        let sent = effects.iter().find_map(|effect| if let Effect::Send(batch) = effect { Some(batch) } else { None });
        if let Some(batch) = sent {
            let body = pennon::engine::json::parse(&batch.body).expect("a batch is JSON");
            assert!(body.get("exposures").is_some() && body.get("ledger").is_some());
        }
        let stats = state.stats();
        assert_eq!(stats.ledger.adopted, stats.delivered + stats.pending as u32 + stats.dropped.total());
        effects = match sent.map(|batch| batch.flight) {
            Some(flight) => {
                let outcome = Outcome::Acknowledged;
                step(&mut state, Input::Settled { flight, outcome, server_ms: Some(now.wall_ms) }, now)
            }
            None if stats.pending == 0 => return,
            None => {
                now.mono_ms += 5000.0;
                now.wall_ms += 5000.0;
                step(&mut state, Input::Tick, now)
            }
        };
    }
    panic!("{} rows never leave", state.stats().pending);
});
