//! One client's engine: ruleset, identity, session and exposures together. Pure, like its parts.

use super::answer::{self, Answer};
use super::attributes::{Context, Value};
use super::condition::World;
use super::decision::{Decision, ErrorCode, Overridden, Reason};
use super::effect::{Effect, StorageKey};
use super::evaluation::{Evaluation, Override, unit_of};
use super::exposure::row::{Draft, Link, Source};
use super::exposure::{self, Config, Consent, Input, Outcome, State};
use super::hash::xxh64;
use super::identity::{self, Identity, uuid_v7};
use super::platform::Platform;
use super::ruleset::{DISTINCT_ID, FLAGS, MISSING, Name, Part, Problem, ROOT, Ruleset};
use super::session::Session;
use super::sticky::{Kept, Sticky};
use super::text;
use super::time::Now;
use super::trace::Trace;

/// The most flags that are overridden at once; of more the oldest is forgotten.
const MAX_OVERRIDES: usize = 1000;

/// Ten random bytes at each call.
pub type Random<'a> = &'a mut dyn FnMut() -> [u8; 10];

/// What storage holds of earlier pages. `None` where it holds nothing, or cannot be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored<'a> {
    pub ids: Option<&'a str>,
    pub session: Option<&'a str>,
    pub last_identity: Option<&'a str>,
    pub sticky: Option<&'a str>,
}

pub struct Client {
    decider: Decider,
    session: Session,
    exposures: State,
    /// Hash of the last identified id on this device.
    last_identity: Option<String>,
    /// Until when, on the wall clock, all decisions since the last [`Effect::Stale`] stay as they are.
    decisions_end_ms: f64,
    /// What units are to keep since the last decision.
    newly_kept: Vec<Kept>,
    /// The last decision, if nothing but a call can change it: a first read decides, then records.
    last: Option<Last>,
    /// How often answers may have changed.
    changes: u32,
}

/// A decision that holds as long as what it depends on.
struct Last {
    place: u32,
    wall_ms: f64,
    variant: Option<usize>,
    reason: Reason,
    rule_id: Option<String>,
    assigned_version: Option<u64>,
    overridden: Overridden,
}

/// All that a decision depends on, but the time.
struct Decider {
    ruleset: Option<Ruleset>,
    identity: Identity,
    attributes: Value,
    overrides: Vec<Override>,
    sticky: Sticky,
    platform: Platform,
}

/// What came of an evaluation.
struct Evaluated<'a> {
    answer: Answer<'a>,
    /// Until when, on the wall clock, the decision stays as it is.
    valid_until_ms: f64,
    /// What units are to keep.
    kept: Vec<Kept>,
    trace: Option<Trace>,
}

/// What a page was given of a flag, and now tells to have been seen, or only decided.
pub struct Seen<'a> {
    /// The flag's, in the ruleset.
    pub place: u32,
    /// What it answered: [`Answer::number`].
    pub answer: u64,
    /// The variant to record instead, when it is recorded by hand.
    pub manual_variant: Option<&'a str>,
    /// Whether the flag was decided only. Then the answer is recorded if it is one that targets: see
    /// [`Decision::targets`].
    pub decided: bool,
    /// The JSON of the recorded variant's value, as the row is to carry it.
    pub value_text: &'a str,
    /// Whether that is not all of it.
    pub value_is_cut: bool,
}

impl Client {
    /// Begins with what is stored. `identified`: the id given in the options, already found acceptable. That person is linked
    /// when the consent is told ([`Input::Consent`]): what earlier pages have left, and is adopted before, may hold the link.
    pub fn new(
        exposures: State,
        identified: Option<String>,
        attributes: Value,
        stored: Stored<'_>,
        now: Now,
        random: Random<'_>,
    ) -> (Self, Vec<Effect>) {
        let mut effects = Vec::new();
        let known = stored.ids.and_then(identity::from_stored);
        let (device_id, anonymous_id) =
            known.unwrap_or_else(|| (uuid_v7(now.wall_ms, random()), uuid_v7(now.wall_ms, random())));
        let identity = Identity { identified, anonymous_id, device_id };
        let live = stored.session.and_then(|stored| Session::from_stored(stored, now.wall_ms));
        let is_stored = live.is_some();
        let mut session = live.unwrap_or_else(|| Session::new(now.wall_ms, random()));
        // A load is activity.
        let is_due = session.touch(now.wall_ms);
        // What storage has is not written again, but the copy in memory outlives storage that is cleared.
        let same = stored.session.filter(|_| is_stored && !is_due);
        let text = same.map_or_else(|| session.to_stored(), str::to_owned);
        effects.push(Effect::Store { key: StorageKey::Ids, text: identity.to_stored() });
        effects.push(Effect::Store { key: StorageKey::Session, text });
        let platform = exposures.config().platform;
        let mut sticky = Sticky::default();
        sticky.merge(stored.sticky.unwrap_or_default());
        let decider = Decider { ruleset: None, identity, attributes, overrides: Vec::new(), sticky, platform };
        let last_identity = stored.last_identity.map(str::to_owned);
        let mut client = Self {
            decider,
            session,
            exposures,
            last_identity,
            decisions_end_ms: f64::INFINITY,
            newly_kept: Vec::new(),
            last: None,
            changes: 0,
        };
        client.note_identity(&mut effects);
        (client, effects)
    }

    // What a flag answers.

    /// Puts a ruleset in the place of the last one, unless it cannot be read.
    pub fn set_ruleset(&mut self, ruleset: Result<Ruleset, Problem>) -> Result<Vec<Effect>, Problem> {
        self.decider.ruleset = Some(ruleset?);
        Ok(self.stale())
    }

    /// Decides a flag. Records nothing.
    pub fn decide(&mut self, key: &str, now: Now) -> Answer<'_> {
        self.decide_at(self.place_of(key), now)
    }

    /// The place of a flag in the ruleset; [`MISSING`] when it has none.
    pub fn place_of(&self, key: &str) -> u32 {
        self.decider.place_of(key)
    }

    /// What [`Answer::number`] tells of a flag, as JSON: see [`answer::describe`].
    pub fn describe(&self, key: &str) -> String {
        let place = self.decider.place_of(key);
        answer::describe(place, self.decider.ruleset.as_ref(), self.decider.flag_at(place).ok())
    }

    /// Likewise, the flag at that place of the ruleset.
    pub fn decide_at(&mut self, place: u32, now: Now) -> Answer<'_> {
        self.keep();
        let Evaluated { mut answer, valid_until_ms, kept, .. } = self.decider.evaluate(place, now, None);
        answer.is_momentous = valid_until_ms < f64::INFINITY || !kept.is_empty();
        self.decisions_end_ms = self.decisions_end_ms.min(valid_until_ms);
        self.newly_kept = kept;
        let Decision { variant, reason, rule_id, assigned_version, overridden, .. } = answer.decision;
        let rule_id = rule_id.map(str::to_owned);
        let last = Last { place, wall_ms: now.wall_ms, variant, reason, rule_id, assigned_version, overridden };
        self.last = Some(last).filter(|_| !answer.is_momentous);
        answer
    }

    /// How a flag is decided, step by step, as JSON.
    pub fn explain(&mut self, key: &str, now: Now) -> String {
        self.keep();
        self.decider.explain(key, now)
    }

    /// What the units keep, to be stored together with what is stored now; `None` when nothing is new.
    pub fn kept_to_store(&mut self, stored: Option<&str>) -> Option<String> {
        self.keep();
        self.last = None;
        let sticky = &mut self.decider.sticky;
        sticky.is_unstored.then(|| {
            sticky.merge(stored.unwrap_or_default());
            sticky.stored_text()
        })
    }

    /// Every flag's key, in the order of the ruleset.
    pub fn flag_keys(&self) -> Vec<String> {
        self.decider.ruleset.as_ref().map(Ruleset::keys).unwrap_or_default()
    }

    /// The key of the flag at that place, if its answer is one that [targets](Decision::targets); else the empty text.
    /// `None` behind the last place. `all`: also of flags without an experiment; those are not compiled otherwise.
    pub fn targeted_key(&mut self, place: u32, all: bool, now: Now) -> Option<String> {
        let ruleset = self.decider.ruleset.as_ref().filter(|ruleset| place < ruleset.flag_count())?;
        let looks = all
            || (ruleset.may_have_experiment(place)
                && ruleset.sound(FLAGS, place).is_some_and(|flag| flag.get(ROOT, Name::Experiment).is_some()));
        let key = ruleset.flag_key(place).into_owned();
        Some(if looks && self.decide(&key, now).decision.targets() { key } else { String::new() })
    }

    /// The keys of a flag's variants; none for a flag that is unknown or broken.
    pub fn variants(&self, key: &str) -> Vec<String> {
        self.decider
            .flag(key)
            .map(|(_, flag)| (0..flag.variants.len()).map(|variant| flag.variant(variant).to_owned()).collect())
            .unwrap_or_default()
    }

    /// The JSON of a variant's value, as written in the ruleset.
    pub fn variant_json(&self, key: &str, variant: &str) -> Option<&str> {
        let (_, flag) = self.decider.flag(key).ok()?;
        let key = flag.variants.get(flag.variant_named(variant)?)?;
        Some(self.decider.ruleset.as_ref()?.source(flag.variant_span(*key)))
    }

    /// What is wrong with a flag.
    pub fn problem(&self, key: &str) -> Option<Problem> {
        self.decider.ruleset.as_ref()?.problem(key)
    }

    /// All that is wrong with the ruleset. Compiles all of it.
    pub fn problems(&self) -> Vec<Problem> {
        self.decider.ruleset.as_ref().map(Ruleset::problems).unwrap_or_default()
    }

    /// Serves this variant, whatever the rules say. A variant that the flag does not have is not served. `exposures`:
    /// whether its decisions, and those that depend on it, are recorded all the same.
    pub fn override_flag(&mut self, key: String, variant: String, exposures: bool) -> Vec<Effect> {
        let overrides = &mut self.decider.overrides;
        overrides.retain(|known| known.flag_key != key);
        overrides.push(Override { flag_key: key, variant, exposures });
        let surplus = overrides.len().saturating_sub(MAX_OVERRIDES);
        overrides.drain(..surplus);
        self.stale()
    }

    pub fn clear_overrides(&mut self) -> Vec<Effect> {
        self.decider.overrides.clear();
        self.stale()
    }

    /// Keeps what the last decision gave.
    fn keep(&mut self) {
        for kept in self.newly_kept.drain(..) {
            self.decider.sticky.keep(kept);
        }
    }

    /// Another number than before: answers may be others, and places name other flags.
    pub fn changes(&self) -> u32 {
        self.changes
    }

    // Exposures.

    /// Records that this person saw a flag, or that it was decided for them. Nothing is recorded of a decision that names
    /// no variant, or that was overridden. When the flag's answer is no longer the one that the page was given (its time has
    /// begun or ended since), nothing is recorded either, and the flag has to be decided again.
    pub fn record(&mut self, seen: &Seen<'_>, now: Now) -> Vec<Effect> {
        self.keep();
        let decider = &self.decider;
        let (Some(ruleset), Ok(flag)) = (&decider.ruleset, decider.flag_at(seen.place)) else { return Vec::new() };
        let last = self.last.take().filter(|last| last.place == seen.place && last.wall_ms <= now.wall_ms);
        let answer = match &last {
            Some(last) => Answer::of(flag, last.decision()),
            None => decider.evaluate(seen.place, now, None).answer,
        };
        let Some(variant) = answer.variant_key.filter(|_| answer.serves_as(seen.answer)) else {
            let mut effects = self.stale();
            effects.push(Effect::Refused);
            return effects;
        };
        if answer.decision.overridden == Overridden::Silent || (seen.decided && !answer.decision.targets()) {
            return Vec::new();
        }
        let (unit, unit_id) =
            unit_of(flag, ROOT, decider.context()).unwrap_or_else(|| (DISTINCT_ID, decider.identity.distinct_id()));
        let draft = Draft {
            flag_key: &ruleset.flag_key(seen.place),
            value_text: seen.value_text,
            value_is_cut: seen.value_is_cut,
            variant: seen.manual_variant.unwrap_or(variant),
            reason: answer.decision.reason,
            session_id: &self.session.id,
            distinct_id: decider.identity.distinct_id(),
            anonymous_id: &decider.identity.anonymous_id,
            device_id: &decider.identity.device_id,
            unit,
            unit_id,
            flag_version: flag.version(),
            assigned_version: answer.decision.assigned_version,
            ruleset_version: ruleset.version,
            rule_id: answer.decision.rule_id.unwrap_or_default(),
            experiment: flag.text_or_empty(ROOT, Name::Experiment),
            environment: &ruleset.environment,
            source: match seen.manual_variant {
                _ if seen.decided => Source::Handshake,
                Some(_) => Source::Manual,
                None => Source::Call,
            },
            attributes: &decider.attributes,
        };
        exposure::step(&mut self.exposures, Input::Record(&draft), now)
    }

    /// Goes once through what the first read of a flag does, for nothing: a browser compiles the module's functions one by one
    /// as they are first called, which would take a third of a new page's first reads.
    pub fn rehearse(&mut self, now: Now) {
        const PLACE: u32 = 0;
        let answer = self.decider.evaluate(PLACE, now, None).answer;
        if answer.variant_key.is_none() {
            return;
        }
        let answer = answer.number();
        let config = Config { sends: true, ..Config::new(String::new(), self.decider.platform) };
        let exposures = std::mem::replace(&mut self.exposures, State::new(config, None));
        let seen =
            Seen { place: PLACE, answer, manual_variant: None, decided: false, value_text: "0", value_is_cut: false };
        self.record(&seen, now);
        self.exposures = exposures;
        answer::describe(PLACE, self.decider.ruleset.as_ref(), self.decider.flag_at(PLACE).ok());
    }

    /// Anything else that happens to the exposures.
    pub fn step(&mut self, input: Input<'_>, now: Now) -> Vec<Effect> {
        // An acknowledgement makes room, of which there may have been none when the person was identified.
        let may_link = matches!(input, Input::Consent(_) | Input::Settled { outcome: Outcome::Acknowledged, .. });
        let mut effects = Vec::new();
        if matches!(input, Input::Consent(Consent::Granted)) && self.exposures.consent() != Consent::Granted {
            effects.push(Effect::Store { key: StorageKey::Ids, text: self.decider.identity.to_stored() });
            effects.push(Effect::Store { key: StorageKey::Session, text: self.session.to_stored() });
        }
        effects.extend(exposure::step(&mut self.exposures, input, now));
        if may_link {
            self.link(now, &mut effects);
        }
        effects
    }

    /// Takes over what other tabs know of the server.
    pub fn learn_retry(&mut self, stored: Option<&str>, now: Now) {
        self.exposures.learn_retry(stored, false, now);
    }

    pub fn exposures(&self) -> &State {
        &self.exposures
    }

    /// The acknowledged ids as they are to be stored, together with those stored now.
    pub fn merge_acknowledged(&mut self, stored: Option<&str>) -> String {
        self.exposures.merge_acknowledged(stored)
    }

    // Whom we decide for.

    pub fn identity(&self) -> &Identity {
        &self.decider.identity
    }

    /// Another person, or another one's attributes. The id must be acceptable. Rows recorded before keep theirs.
    pub fn identify(&mut self, id: Option<String>, attributes: Value, now: Now) -> Vec<Effect> {
        let mut effects = self.stale();
        if id.is_some() {
            self.decider.identity.identified = id;
        }
        self.decider.attributes = attributes;
        self.link(now, &mut effects);
        self.note_identity(&mut effects);
        effects
    }

    /// Nobody known: a new anonymous id and session, no attributes, no overrides.
    pub fn reset(&mut self, device_too: bool, now: Now, random: Random<'_>) -> Vec<Effect> {
        let mut effects = self.stale();
        self.decider.identity.identified = None;
        self.decider.identity.anonymous_id = uuid_v7(now.wall_ms, random());
        if device_too {
            self.decider.identity.device_id = uuid_v7(now.wall_ms, random());
        }
        self.decider.attributes = Value::Null;
        self.decider.overrides.clear();
        self.newly_kept.clear();
        self.decider.sticky.clear();
        effects.push(Effect::Remove(StorageKey::Sticky));
        self.forget_acknowledged(&mut effects);
        effects.push(Effect::Store { key: StorageKey::Ids, text: self.decider.identity.to_stored() });
        self.last_identity = None;
        effects.push(Effect::Remove(StorageKey::LastIdentity));
        effects.extend(self.renew_session(now, random));
        effects
    }

    /// Links an identified person to the anonymous id, unless that is known.
    fn link(&mut self, now: Now, effects: &mut Vec<Effect>) {
        let Identity { identified, anonymous_id, device_id } = &self.decider.identity;
        let Some(identified) = identified else { return };
        let environment = self.decider.ruleset.as_ref().map(|ruleset| ruleset.environment.as_str()).unwrap_or_default();
        let link = Link { anonymous_id, distinct_id: identified, device_id, session_id: &self.session.id, environment };
        effects.extend(exposure::step(&mut self.exposures, Input::Link(&link), now));
    }

    /// Compares an identified person with the last one who was identified on this device. Only another person ends what the
    /// identity scope remembers: who signs in again at each load does not.
    fn note_identity(&mut self, effects: &mut Vec<Effect>) {
        let Some(identified) = &self.decider.identity.identified else { return };
        let mut hash = String::new();
        text::push_hex(&mut hash, &xxh64(identified.as_bytes(), 0).to_be_bytes());
        if self.last_identity.as_ref() == Some(&hash) {
            return;
        }
        if self.last_identity.is_some() {
            self.forget_acknowledged(effects);
        }
        effects.push(Effect::Store { key: StorageKey::LastIdentity, text: hash.clone() });
        self.last_identity = Some(hash);
    }

    fn forget_acknowledged(&mut self, effects: &mut Vec<Effect>) {
        if let Some(text) = self.exposures.forget_acknowledged() {
            effects.push(Effect::Store { key: StorageKey::Acknowledged, text });
        }
    }

    // Sessions and time.

    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whether it is time for [`Client::roll_session`].
    pub fn session_is_over(&self, now: Now) -> bool {
        self.session.is_over(now.wall_ms)
    }

    /// Goes on to the session that another tab has begun, or begins one. `stored`: the session in storage, read just now.
    pub fn roll_session(&mut self, stored: Option<&str>, now: Now, random: Random<'_>) -> Vec<Effect> {
        match stored.and_then(|stored| Session::from_stored(stored, now.wall_ms)) {
            Some(session) => {
                self.session = session;
                self.stale()
            }
            None => self.renew_session(now, random),
        }
    }

    /// Answers change when a flag starts or ends.
    pub fn end_of_flags(&mut self, now: Now) -> Vec<Effect> {
        if now.wall_ms >= self.decisions_end_ms { self.stale() } else { Vec::new() }
    }

    /// Until when, on the wall clock, answers stay as they are unless something happens.
    pub fn valid_until_ms(&self) -> f64 {
        self.decisions_end_ms.min(self.session.ends_at_ms())
    }

    /// The person did something. A session that is over must have been rolled before.
    pub fn activity(&mut self, now: Now) -> Vec<Effect> {
        if !self.session.touch(now.wall_ms) {
            return Vec::new();
        }
        vec![Effect::Store { key: StorageKey::Session, text: self.session.to_stored() }]
    }

    /// Another tab stored a session.
    pub fn session_stored(&mut self, stored: &str, now: Now) -> Vec<Effect> {
        let Some(other) = Session::from_stored(stored, now.wall_ms) else { return Vec::new() };
        if self.session.yields_to(&other, now.wall_ms) {
            self.session = other;
            return self.stale();
        }
        if self.session.id == other.id {
            self.session.learn(&other);
            return Vec::new();
        }
        vec![Effect::Store { key: StorageKey::Session, text: self.session.to_stored() }]
    }

    pub fn renew_session(&mut self, now: Now, random: Random<'_>) -> Vec<Effect> {
        self.session = self.session.next(now.wall_ms, random());
        let mut effects = self.stale();
        effects.push(Effect::Store { key: StorageKey::Session, text: self.session.to_stored() });
        effects
    }

    fn stale(&mut self) -> Vec<Effect> {
        self.changes = self.changes.wrapping_add(1);
        self.decisions_end_ms = f64::INFINITY;
        self.last = None;
        vec![Effect::Stale]
    }
}

impl Last {
    fn decision(&self) -> Decision<'_> {
        Decision {
            variant: self.variant,
            reason: self.reason,
            rule_id: self.rule_id.as_deref(),
            bucket: None, // No row says it.
            error: None,
            assigned_version: self.assigned_version,
            overridden: self.overridden,
        }
    }
}

impl Decider {
    /// Decides a flag; `trace`: where each step is written down.
    #[inline(never)]
    fn evaluate(&self, place: u32, now: Now, trace: Option<Trace>) -> Evaluated<'_> {
        match (&self.ruleset, self.flag_at(place)) {
            (Some(ruleset), Ok(flag)) => {
                let (overrides, sticky) = (&self.overrides, &self.sticky);
                let world = World { now_ms: now.wall_ms, valid_until_ms: f64::INFINITY, platform: self.platform };
                let mut evaluation = Evaluation::new(ruleset, self.context(), overrides, sticky, world, trace);
                let answer = Answer::of(flag, evaluation.decide(place, flag));
                let (valid_until_ms, kept, trace) = evaluation.end();
                Evaluated { answer, valid_until_ms, kept, trace }
            }
            (_, flag) => {
                let answer = Answer::failed(flag.err().unwrap_or(ErrorCode::ProviderNotReady));
                Evaluated { answer, valid_until_ms: f64::INFINITY, kept: Vec::new(), trace }
            }
        }
    }

    fn explain(&self, key: &str, now: Now) -> String {
        let mut trace = Trace::default();
        trace.open(None, '{');
        trace.text("flag", key);
        trace.open(Some("steps"), '[');
        let evaluated = self.evaluate(self.place_of(key), now, Some(trace));
        let mut trace = evaluated.trace.unwrap_or_default();
        trace.close(']');
        trace.open(Some("decision"), '{');
        evaluated.answer.write(&mut trace);
        trace.close('}');
        trace.close('}');
        trace.into_json()
    }

    /// The place of the flag of that key, or [`MISSING`].
    fn place_of(&self, key: &str) -> u32 {
        self.ruleset.as_ref().and_then(|ruleset| ruleset.find(FLAGS, key)).unwrap_or(MISSING)
    }

    /// A flag that can be decided, with its place.
    fn flag(&self, key: &str) -> Result<(u32, &Part), ErrorCode> {
        let place = self.place_of(key);
        self.flag_at(place).map(|flag| (place, flag))
    }

    fn flag_at(&self, place: u32) -> Result<&Part, ErrorCode> {
        let ruleset = self.ruleset.as_ref().ok_or(ErrorCode::ProviderNotReady)?;
        let flag = ruleset.part(FLAGS, place).ok_or(ErrorCode::FlagNotFound)?;
        if flag.fault.is_some() { Err(ErrorCode::ParseError) } else { Ok(flag) }
    }

    fn context(&self) -> Context<'_> {
        Context { identity: &self.identity, attributes: &self.attributes }
    }
}
