//! What each request to the endpoint is to meet, in order.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::Deserialize;

/// One step. Where fields meet, the first of this list that applies decides: `blackhole`, `reset`, `goaway`, a batch refused
/// by `rejectIf` or `maxRows`, `commitThenCut`, `redirect`, `status`; `neverEnd` and `truncate` are how a status is sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// For how many requests the step is used, 1 or more. The last step stays for all that follow.
    pub repeat: u32,
    /// 100 to 999. Default: 429 with `retryAfter`, 200 with `neverEnd` or `truncate`, else 204.
    pub status: Option<u16>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
    /// Whether the rows are kept. Default: exactly when the status is 2xx, and with `commitThenCut`.
    pub commit: Option<bool>,
    /// The text of the header `Retry-After`, whatever it is.
    pub retry_after: Option<String>,
    /// `Retry-After` as a date, so many seconds after the answer's `Date`.
    pub retry_after_date_s: Option<i64>,
    pub reset: Option<Reset>,
    /// The rows are kept and the connection ends without an answer.
    pub commit_then_cut: bool,
    /// The connection ends without an answer; over HTTP/2 with a GOAWAY that covers the request. Kept by `commit` alone.
    pub goaway: bool,
    /// So many bytes of the body are read, and then of the answer written, each second; 1 or more.
    pub drip: Option<u32>,
    /// The answer's head and the beginning of its body, and no end.
    pub never_end: bool,
    /// An answer that says that it is longer than it is, and ends.
    pub truncate: bool,
    /// The body is not read, and nothing is answered.
    pub blackhole: bool,
    /// A 3xx with `Location: to`.
    pub redirect: Option<u16>,
    pub to: String,
    /// Whether other origins are let in. Also to preflights, which use up no step.
    pub cors: bool,
    /// Whether other origins may read `Retry-After` and `Date`.
    pub expose_headers: bool,
    /// A batch with a row of this flag is answered with `rejectStatus`.
    pub reject_if: Option<String>,
    /// Default: 400.
    pub reject_status: Option<u16>,
    /// A batch with more rows is answered with 413.
    pub max_rows: Option<usize>,
    /// How long to wait before the answer, in milliseconds. What is kept is kept before.
    pub delay_ms: u64,
    pub random: Option<Random>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Reset {
    /// Before the body is read.
    Before,
    /// When half of the body is read.
    Upload,
}

/// With probability `p` one of `statuses` or of `steps`, all alike; else the step itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Random {
    /// 0 to 1.
    pub p: f64,
    pub statuses: Vec<u16>,
    pub steps: Vec<Step>,
}

impl Default for Step {
    fn default() -> Self {
        Self {
            repeat: 1,
            status: None,
            headers: BTreeMap::new(),
            body: String::new(),
            commit: None,
            retry_after: None,
            retry_after_date_s: None,
            reset: None,
            commit_then_cut: false,
            goaway: false,
            drip: None,
            never_end: false,
            truncate: false,
            blackhole: false,
            redirect: None,
            to: String::new(),
            cors: true,
            expose_headers: true,
            reject_if: None,
            reject_status: None,
            max_rows: None,
            delay_ms: 0,
            random: None,
        }
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        let statuses = [self.status, self.redirect, self.reject_status].into_iter().flatten();
        let drawn = self.random.iter().flat_map(|random| &random.statuses).copied();
        if let Some(status) = statuses.chain(drawn).find(|status| !(100..=999).contains(status)) {
            return Err(format!("status is {status}, expected 100 to 999"));
        }
        if self.repeat == 0 || self.drip == Some(0) {
            return Err("repeat or drip is 0, expected 1 or more".to_owned());
        }
        let Some(random) = &self.random else { return Ok(()) };
        if !(0.0..=1.0).contains(&random.p) || random.statuses.is_empty() && random.steps.is_empty() {
            return Err(format!("random has p {}, expected 0 to 1, and statuses or steps", random.p));
        }
        random.steps.iter().try_for_each(Self::check)
    }

    /// The step itself, or what is drawn in its place.
    fn drawn(&self, rng: &mut Rng) -> Self {
        let Some(random) = &self.random else { return self.clone() };
        let own = Self { random: None, ..self.clone() };
        if rng.f64() >= random.p {
            return own;
        }
        let place = rng.usize(..(random.statuses.len() + random.steps.len()).max(1));
        match (random.statuses.get(place), random.steps.get(place.saturating_sub(random.statuses.len()))) {
            (Some(status), _) => Self { status: Some(*status), ..own },
            (None, Some(step)) => step.drawn(rng),
            (None, None) => own,
        }
    }
}

/// The steps, and how far they are used up.
pub struct Script {
    steps: Vec<Step>,
    place: usize,
    used: u32,
    seed: u64,
    rng: Rng,
}

impl Script {
    /// A script without steps: every batch is kept and acknowledged.
    pub fn new(seed: u64) -> Self {
        Self { steps: Vec::new(), place: 0, used: 0, seed, rng: Rng::with_seed(seed) }
    }

    /// The script that `json` is, a list of steps. Its draws are those of `seed`, or else of this script's seed.
    ///
    /// # Errors
    /// What is no list of steps; nothing has changed then.
    pub fn replace(&mut self, json: &[u8], seed: Option<u64>) -> Result<usize, String> {
        let steps: Vec<Step> = serde_json::from_slice(json).map_err(|error| format!("script: {error}"))?;
        for (place, step) in steps.iter().enumerate() {
            step.check().map_err(|error| format!("script[{place}]: {error}"))?;
        }
        *self = Self { steps, rng: Rng::with_seed(seed.unwrap_or(self.seed)), ..Self::new(self.seed) };
        Ok(self.steps.len())
    }

    pub fn clear(&mut self) {
        *self = Self::new(self.seed);
    }

    /// The step for the next request, and its place in the script.
    pub fn next(&mut self) -> (usize, Step) {
        let place = self.place;
        let Some(step) = self.steps.get(place) else { return (0, Step::default()) };
        let drawn = step.drawn(&mut self.rng);
        self.used += 1;
        if self.used >= step.repeat && place + 1 < self.steps.len() {
            self.place += 1;
            self.used = 0;
        }
        (place, drawn)
    }

    /// The step for the next request, which it does not use up.
    pub fn peek(&self) -> Step {
        self.steps.get(self.place).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(json: &str, seed: u64) -> Script {
        let mut script = Script::new(0);
        script.replace(json.as_bytes(), Some(seed)).unwrap();
        script
    }

    fn statuses(script: &mut Script, requests: usize) -> Vec<Option<u16>> {
        (0..requests).map(|_| script.next().1.status).collect()
    }

    #[test]
    fn each_step_is_used_as_often_as_it_says_and_the_last_one_stays() {
        let mut script = script(r#"[{"status":500,"repeat":2},{"status":429},{"status":200}]"#, 0);
        assert_eq!(statuses(&mut script, 6), [500, 500, 429, 200, 200, 200].map(Some));
    }

    #[test]
    fn a_seed_draws_the_same_each_time_and_another_draws_others() {
        let json = r#"[{"random":{"p":0.5,"statuses":[500,502],"steps":[{"status":400}]}}]"#;
        let of_7 = statuses(&mut script(json, 7), 200);
        assert_eq!(of_7, statuses(&mut script(json, 7), 200));
        assert_ne!(of_7, statuses(&mut script(json, 8), 200));
        for status in [None, Some(500), Some(502), Some(400)] {
            assert!(of_7.iter().filter(|found| **found == status).count() > 10, "{status:?}");
        }
    }

    #[test]
    fn what_is_no_script_is_refused_with_its_place_and_changes_nothing() {
        let mut script = script(r#"[{"status":500}]"#, 0);
        for (json, expected) in [
            (r#"[{},{"status":99}]"#, "script[1]: status is 99, expected 100 to 999"),
            (r#"[{"repeat":0}]"#, "script[0]: repeat or drip is 0, expected 1 or more"),
            (r#"[{"random":{"p":2,"statuses":[1]}}]"#, "script[0]: status is 1, expected 100 to 999"),
            (r#"[{"random":{"p":0.5}}]"#, "script[0]: random has p 0.5, expected 0 to 1, and statuses or steps"),
        ] {
            assert_eq!(script.replace(json.as_bytes(), None), Err(expected.to_owned()));
        }
        let misspelt = script.replace(br#"[{"statsu":500}]"#, None).unwrap_err();
        assert!(misspelt.starts_with("script: unknown field `statsu`, expected one of "), "{misspelt}");
        assert_eq!(statuses(&mut script, 1), [Some(500)]);
    }
}
