//! What may not change from one ruleset to the next, because the exposures of both are counted together.

use serde_json::Value;

use crate::document::{Document, text};
use crate::finding::{Code, Finding};
use crate::normal::{self, changed_fields};
use crate::view::{FlagView, section_salt, shares, units};

/// Compares a ruleset with those before it.
///
/// `previous`: newest first. The first is compared whole; of those behind it only the names of experiments are looked at.
pub fn compare(previous: &[Document], new: &Document, now_ms: f64) -> Vec<Finding> {
    let Some(old) = previous.first() else { return Vec::new() };
    let mut findings = Vec::from_iter(ruleset_version(old, new));
    for (key, json) in &new.flags {
        let flag = FlagView { key, json };
        let before = old.flags.get(key).map(|json| FlagView { key, json });
        if let Some(before) = before {
            findings.extend(flag_version(before, flag));
            findings.extend(limit_and_weights(before, flag));
            findings.extend(weights_while_running(before, flag, now_ms));
            findings.extend(same_experiment((old, before), (new, flag)));
        }
        findings.extend(reused_experiment(previous, flag));
    }
    findings
}

fn ruleset_version(old: &Document, new: &Document) -> Option<Finding> {
    let has_changed = normal::document(old) != normal::document(new);
    let expected = match new.version.total_cmp(&old.version) {
        std::cmp::Ordering::Greater => return None,
        std::cmp::Ordering::Equal if !has_changed => return None,
        _ if has_changed => "more than",
        _ => "at least",
    };
    Some(Finding::error(
        Code::RulesetVersionNotRaised,
        "version".into(),
        format!("found {}, expected {expected} {}, the previous ruleset's", new.version, old.version),
    ))
}

fn flag_version(before: FlagView<'_>, flag: FlagView<'_>) -> Option<Finding> {
    let changed = changed_fields(&normal::flag(before.key, before.json), &normal::flag(flag.key, flag.json));
    let has_changed = !changed.is_empty() || before.json.is_object() != flag.json.is_object();
    let (found, last) = (flag.version(), before.version());
    if found > last || (found == last && !has_changed) {
        return None;
    }
    let expected = if has_changed {
        format!("more than {last}, because the flag has changed ({})", changed.join(", "))
    } else {
        format!("at least {last}, the previous ruleset's")
    };
    let message = format!("found {found}, expected {expected}");
    Some(Finding::error(Code::FlagVersionNotRaised, format!("flags.{}.version", flag.key), message))
}

/// The place of the first rule of which the split's shares have changed.
///
/// Rules are the same when they have the same id or, without one, the same place. A rule that turns from a split into a
/// fixed variant, or back, has other shares no more than a new one has.
fn changed_weights(before: FlagView<'_>, flag: FlagView<'_>) -> Option<String> {
    let old_rules = before.rules();
    flag.rules().iter().enumerate().find_map(|(at, rule)| {
        let old_rule = match text(rule, "id") {
            Some(id) => old_rules.iter().find(|old_rule| text(old_rule, "id") == Some(id)),
            None => old_rules.get(at).filter(|old_rule| text(old_rule, "id").is_none()),
        }?;
        (shares(old_rule)? != shares(rule)?).then(|| format!("flags.{}.rules[{at}].serve", flag.key))
    })
}

fn limit_and_weights(before: FlagView<'_>, flag: FlagView<'_>) -> Option<Finding> {
    let (from, to) = (before.limit_percent(), flag.limit_percent());
    if from == to {
        return None;
    }
    let place = changed_weights(before, flag)?;
    let message = format!(
        "found other weights together with another limitExposure ({from} % before, {to} % now), expected one change at a time"
    );
    Some(Finding::error(Code::LimitAndWeightsChanged, place, message))
}

/// Other weights move people who have already seen a variant, unless it was kept for them: then `sticky` must have been on
/// before.
fn weights_while_running(before: FlagView<'_>, flag: FlagView<'_>, now_ms: f64) -> Option<Finding> {
    let is_running = before.is_running(now_ms) && flag.is_running(now_ms);
    if !is_running || (before.is_sticky() && flag.is_sticky()) {
        return None;
    }
    let place = changed_weights(before, flag)?;
    let message =
        "found other weights while the flag is running and not sticky: people change their variant".to_owned();
    Some(Finding::warning(Code::WeightsChangedWhileRunning, place, message))
}

/// What a flag may not change while its experiment keeps its name.
fn same_experiment((old, before): (&Document, FlagView<'_>), (new, flag): (&Document, FlagView<'_>)) -> Vec<Finding> {
    let Some(experiment) = flag.experiment().filter(|name| before.experiment() == Some(name)) else {
        return Vec::new();
    };
    let place = |name: &str| format!("flags.{}.{name}", flag.key);
    let kept = format!("while the experiment {experiment:?} keeps its name");
    let mut findings = Vec::new();

    let layer_salts = |document: &Document, flag: FlagView<'_>| {
        let salt = |section, kind, name| text(flag.json, name).and_then(|key| section_salt(section, kind, key));
        (salt(&document.layers, "layer", "layer"), salt(&document.holdouts, "holdout", "holdout"))
    };
    let ((old_layer, old_holdout), (layer, holdout)) = (layer_salts(old, before), layer_salts(new, flag));
    for (name, old_salt, salt) in [
        ("salt", Some(before.salt()), Some(flag.salt())),
        ("limitExposure", before.limit_salt(), flag.limit_salt()),
        ("layer", old_layer, layer),
        ("holdout", old_holdout, holdout),
    ] {
        // A step that is new or gone deals nobody anew.
        let (Some(old_salt), Some(salt)) = (old_salt, salt) else { continue };
        if old_salt != salt {
            let message = format!("found the salt {salt:?}, expected {old_salt:?} {kept}");
            findings.push(Finding::error(Code::ExperimentSaltChanged, place(name), message));
        }
    }

    let (old_by, by) = (units(before.json), units(flag.json));
    if old_by != by {
        let message = format!("found {}, expected {} {kept}", by.join(", "), old_by.join(", "));
        findings.push(Finding::error(Code::ExperimentUnitChanged, place("by"), message));
    }

    let (old_variants, variants) = (before.variants(), flag.variants());
    let names = |variants: &[(&str, &Value)]| variants.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let (old_names, new_names) = (names(&old_variants), names(&variants));
    if old_variants.iter().map(|(name, _)| name).ne(variants.iter().map(|(name, _)| name)) {
        let message = format!("found {new_names}, expected {old_names} {kept}");
        findings.push(Finding::error(Code::ExperimentVariantsChanged, place("variants"), message));
    } else {
        for ((name, value), (_, old_value)) in variants.iter().zip(&old_variants) {
            if value != old_value {
                let message = format!("found another value {kept}: its exposures are of two things");
                let place = place(&format!("variants.{name}"));
                findings.push(Finding::warning(Code::ExperimentValueChanged, place, message));
            }
        }
    }
    findings
}

/// An experiment that a flag takes anew must be new to all rulesets before: not another flag's, which would be counted with
/// this one, and not one that the flag itself had and ended.
fn reused_experiment(previous: &[Document], flag: FlagView<'_>) -> Option<Finding> {
    let experiment = flag.experiment()?;
    let newest = previous.first()?;
    if newest.flags.get(flag.key).and_then(|json| text(json, "experiment")) == Some(experiment) {
        return None;
    }
    let (document, key) = previous.iter().find_map(|document| {
        let mut owners = document.flags.iter().filter(|(_, json)| text(json, "experiment") == Some(experiment));
        owners.next().map(|(key, _)| (document, key))
    })?;
    let message = format!(
        "found {experiment:?}, the experiment of flag {key:?} in version {}, expected a new name",
        document.version
    );
    Some(Finding::error(Code::ExperimentReused, format!("flags.{}.experiment", flag.key), message))
}
