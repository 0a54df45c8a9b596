//! `pennon explain`: one decision for one person, with the engine's own trace.

use anyhow::{Context as _, Result, bail};
use pennon::engine::attributes::Value as Attributes;
use pennon::engine::client::{Client, Stored};
use pennon::engine::exposure::{Config, State};
use pennon::engine::identity::{Identity, is_acceptable, is_uuid};
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::Ruleset;
use pennon::engine::time::Now;
use serde::Deserialize;

/// The id of a person or a device of whom none is given.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// For whom a flag is decided. A misspelt field would be a person without it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Person {
    /// The signed-in person's.
    distinct_id: Option<String>,
    anonymous_id: Option<String>,
    device_id: Option<String>,
    attributes: Option<Attributes>,
}

impl Person {
    /// A person that a client could have.
    pub fn read(json: &str) -> Result<Self> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let person: Self = serde_json::from_str(json)?;
        // serde would take a list of the fields, too.
        if !json.trim_start().starts_with('{') {
            bail!("found no object, expected one");
        }
        if let Some(id) = person.distinct_id.as_ref().filter(|id| !is_acceptable(id)) {
            bail!("distinctId: found {id:?}, which no client takes for somebody's id");
        }
        for (name, id) in [("anonymousId", &person.anonymous_id), ("deviceId", &person.device_id)] {
            if let Some(id) = id.as_ref().filter(|id| !is_uuid(id)) {
                bail!("{name}: found {id:?}, expected a UUID in lower case, as clients make them");
            }
        }
        if !matches!(person.attributes, None | Some(Attributes::Object(_))) {
            bail!("attributes: found no object, expected one");
        }
        Ok(person)
    }

    /// What was made up, because a client always has it.
    pub fn made_up(&self) -> Vec<String> {
        let note = |name: &str| format!("the context has no {name}: {NOBODY} is taken");
        let anonymous =
            (self.distinct_id.is_none() && self.anonymous_id.is_none()).then(|| note("distinctId and no anonymousId"));
        let device = self.device_id.is_none().then(|| note("deviceId"));
        anonymous.into_iter().chain(device).collect()
    }
}

/// A flag and the variant that is served instead of what is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    flag: String,
    variant: String,
}

impl Override {
    /// `flag=variant`; a flag's key may hold a `=`, a variant's may not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (flag, variant) = text.rsplit_once('=').ok_or("expected flag=variant")?;
        Ok(Self { flag: flag.into(), variant: variant.into() })
    }
}

/// The JSON that `client.explain(key)` gives in a browser.
pub fn explain(ruleset: &str, key: &str, person: Person, overrides: Vec<Override>, now_ms: f64) -> Result<String> {
    let id = |id: Option<String>| id.unwrap_or_else(|| NOBODY.into());
    let ids = Identity { identified: None, anonymous_id: id(person.anonymous_id), device_id: id(person.device_id) };
    let now = Now { wall_ms: now_ms, mono_ms: 0.0 };
    let stored_ids = ids.to_stored();
    let stored = Stored { ids: Some(&stored_ids), ..Stored::default() };
    let attributes = person.attributes.unwrap_or_else(|| Attributes::Object(Vec::new()));
    let (mut client, _) = Client::new(exposures(), person.distinct_id, attributes, stored, now, &mut || [0; 10]);
    let read = Ruleset::read(ruleset, NATIVE);
    if let Err(problem) = client.set_ruleset(read) {
        bail!("{}", crate::check::one_line(&problem));
    }
    for Override { flag, variant } in overrides {
        if !client.variants(&flag).contains(&variant) {
            bail!("--override: found {flag:?} and {variant:?}, expected a flag and one of its variants");
        }
        client.override_flag(flag, variant, false);
    }
    Ok(client.explain(key, now))
}

/// Exposures that are sent nowhere: explaining records none.
fn exposures() -> State {
    State::new(Config::new(String::new(), NATIVE), None)
}

/// Reads the file of a context.
pub fn read_person(file: &std::path::Path) -> Result<Person> {
    let text = crate::input::read(file)?;
    Person::read(&text).with_context(|| crate::input::name(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_s_key_may_hold_an_equals_sign() {
        let parsed = Override::parse("a=b=c").unwrap();
        assert_eq!((parsed.flag.as_str(), parsed.variant.as_str()), ("a=b", "c"));
        assert!(Override::parse("a").is_err());
    }
}
