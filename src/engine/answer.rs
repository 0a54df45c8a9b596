//! A decision with what the page is told of it.

use super::decision::{Decision, ErrorCode};
use super::ruleset::{Name, Part, ROOT, Ruleset};
use super::trace::Trace;

/// The longest JSON of all values of a flag that its description carries, in bytes. Longer ones are read one by one.
const MAX_DESCRIBED_BYTES: usize = 1024;

pub struct Answer<'a> {
    pub decision: Decision<'a>,
    pub variant_key: Option<&'a str>,
    pub flag_version: Option<u64>,
    /// Whether the answer has consequences that a page's cache would miss: it holds for some time only, or the unit is to
    /// keep it.
    pub is_momentous: bool,
    /// What was decided; `None` with an error.
    flag: Option<&'a Part>,
}

impl<'a> Answer<'a> {
    pub fn of(flag: &'a Part, decision: Decision<'a>) -> Self {
        let variant_key = decision.variant.map(|at| flag.variant(at));
        Self { decision, variant_key, flag_version: Some(flag.version()), is_momentous: false, flag: Some(flag) }
    }

    pub fn failed(error: ErrorCode) -> Self {
        let decision = Decision::failed(error);
        Self { decision, variant_key: None, flag_version: None, is_momentous: false, flag: None }
    }

    /// The answer as an integer below 2⁴⁶, for whom the flag was described. From its lowest bit on:
    ///
    /// | bits | what it is |
    /// |---|---|
    /// | 17 | the bucket plus one, or 0 |
    /// | 3 | the error code's place plus one, or 0 |
    /// | 4 | the reason's place |
    /// | 10 | the rule's place plus one, or 0; one more than there are rules for an individual target |
    /// | 11 | the variant's place plus one, or 0 |
    /// | 1 | whether it is momentous |
    pub fn number(&self) -> u64 {
        let decision = &self.decision;
        // Of rules with the same id the first: they say the same.
        let rule_of = |id: &str| {
            let Some(flag) = self.flag else { return 0 };
            let mut rules = flag.items(flag.list(ROOT, Name::Rules));
            let behind = flag.count(flag.list(ROOT, Name::Rules));
            rules.position(|rule| flag.text_or_empty(rule, Name::Id) == id).unwrap_or(behind) + 1
        };
        let fields = [
            (1, u64::from(self.is_momentous)),
            (11, decision.variant.map_or(0, |at| at as u64 + 1)),
            (10, decision.rule_id.map_or(0, rule_of) as u64),
            (4, decision.reason as u64),
            (3, decision.error.map_or(0, |error| error as u64 + 1)),
            (17, decision.bucket.map_or(0, |bucket| u64::from(bucket) + 1)),
        ];
        let mut number = 0;
        for (bits, field) in fields {
            number = number << bits | field;
        }
        number
    }

    /// Whether the page that was given this number was given the same variant, for the same reason.
    pub fn serves_as(&self, number: u64) -> bool {
        let decision = &self.decision;
        number >> 20 & 15 == decision.reason as u64
            && number >> 34 & 2047 == decision.variant.map_or(0, |at| at as u64 + 1)
    }

    /// Writes the members that name what was decided, and why.
    pub fn write(&self, json: &mut Trace) {
        let decision = &self.decision;
        let texts = [
            ("variant", self.variant_key),
            ("reason", Some(decision.reason.as_str())),
            ("ruleId", decision.rule_id),
            ("errorCode", decision.error.map(ErrorCode::as_str)),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                json.text(name, text);
            }
        }
        if let Some(bucket) = decision.bucket {
            json.integer("bucket", bucket.into());
        }
        if let Some(version) = self.flag_version {
            json.integer("flagVersion", version);
        }
    }
}

/// What the numbers of a flag's answers stand for, as JSON: `place` (the flag's, in the ruleset), and of a flag that is
/// sound `version`, `variants` (their keys), `rules` (their ids, empty where a rule has none) and `values`, unless they are
/// long.
pub fn describe(place: u32, ruleset: Option<&Ruleset>, flag: Option<&Part>) -> String {
    let mut json = Trace::default();
    json.open(None, '{');
    json.integer("place", place.into());
    if let (Some(ruleset), Some(flag)) = (ruleset, flag) {
        json.integer("version", flag.version());
        json.texts(Some("variants"), &mut (0..flag.variants.len()).map(|variant| flag.variant(variant)));
        json.texts(
            Some("rules"),
            &mut flag.items(flag.list(ROOT, Name::Rules)).map(|rule| flag.text_or_empty(rule, Name::Id)),
        );
        let values = flag.variants.iter().map(|key| ruleset.source(flag.variant_span(*key)));
        if values.clone().map(str::len).sum::<usize>() <= MAX_DESCRIBED_BYTES {
            json.open(Some("values"), '[');
            for value in values {
                json.item(value);
            }
            json.close(']');
        }
    }
    json.close('}');
    json.into_json()
}
