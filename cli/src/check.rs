//! `pennon check`.

use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::{Problem, Ruleset};

use crate::document::Document;
use crate::finding::{Code, Finding, printable};
use crate::{lint, previous};

/// Everything wrong with a ruleset, then what is likely a mistake. `previous`: newest first, each readable.
pub fn check(text: &str, previous: &[Document], now_ms: f64) -> Vec<Finding> {
    let ruleset = match Ruleset::read(text, NATIVE) {
        Ok(ruleset) => ruleset,
        Err(problem) => return vec![to_finding(&problem)],
    };
    let document = Document::read(text);
    let mut findings: Vec<Finding> = problems(&ruleset).iter().map(to_finding).collect();
    findings.extend(previous::compare(previous, &document, now_ms));
    findings.extend(lint::lint(&document));
    // Errors first, each kind in the order found.
    findings.sort_by_key(|finding| finding.severity as u8);
    findings
}

/// What the engine finds wrong: every flag is compiled.
fn problems(ruleset: &Ruleset) -> Vec<Problem> {
    ruleset.problems()
}

fn to_finding(problem: &Problem) -> Finding {
    Finding::error(Code::ParseError, problem.place.clone(), message(problem))
}

/// Place and message, as they can be printed.
pub fn one_line(problem: &Problem) -> String {
    let separator = if problem.place.is_empty() { "" } else { ": " };
    printable(&format!("{}{separator}{}", problem.place, message(problem)))
}

/// What was found and what was expected.
fn message(problem: &Problem) -> String {
    let found = if problem.found.is_empty() { "nothing" } else { &problem.found };
    format!("found {found}, expected {}", problem.expected)
}
