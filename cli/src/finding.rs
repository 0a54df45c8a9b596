//! What a check found, and how it is told.

use std::fmt::Write as _;

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Error,
    Warning,
}

/// Stable names for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// The engine refuses the ruleset, or cannot answer a flag by it.
    ParseError,
    RulesetVersionNotRaised,
    FlagVersionNotRaised,
    LimitAndWeightsChanged,
    ExperimentSaltChanged,
    ExperimentUnitChanged,
    ExperimentVariantsChanged,
    ExperimentValueChanged,
    ExperimentReused,
    WeightsChangedWhileRunning,
    UnknownVariant,
    NoSlot,
    UnusedSegment,
    UnreachableRule,
    MisspeltField,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: Code,
    /// `flags.checkout.rules[0].serve`; empty for the ruleset as a whole.
    pub place: String,
    pub message: String,
}

impl Finding {
    pub fn error(code: Code, place: String, message: String) -> Self {
        Self { severity: Severity::Error, code, place, message }
    }

    pub fn warning(code: Code, place: String, message: String) -> Self {
        Self { severity: Severity::Warning, code, place, message }
    }
}

/// How many errors and warnings there are.
pub fn counts(findings: &[Finding]) -> (usize, usize) {
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    (errors, findings.len() - errors)
}

/// A line for each finding, and one that counts them. Keys come from the ruleset: none can write to the terminal.
pub fn to_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        let separator = if finding.place.is_empty() { "" } else { ": " };
        let line = format!("{severity}: {}{separator}{}", finding.place, finding.message);
        text.push_str(&printable(&line));
        text.push('\n');
    }
    let (errors, warnings) = counts(findings);
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let _ = writeln!(text, "{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings));
    text
}

/// The findings and their number, for programs.
pub fn to_json(findings: &[Finding]) -> serde_json::Result<String> {
    let (errors, warnings) = counts(findings);
    let report = serde_json::json!({ "errors": errors, "warnings": warnings, "findings": findings });
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}

/// The text with control characters escaped, and those that change the direction of writing.
pub fn printable(text: &str) -> String {
    let is_unsafe = |character: char| {
        character.is_control()
            || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    let mut out = String::new();
    for character in text.chars() {
        if is_unsafe(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_write_to_the_terminal() {
        let finding = Finding::error(Code::ParseError, "flags.\u{1b}[2J\nok".into(), "found \u{202e}".into());
        assert_eq!(to_text(&[finding]), "error: flags.\\u{1b}[2J\\u{a}ok: found \\u{202e}\n1 error, 0 warnings\n");
    }
}
