//! Versions and ranges of them, also wrong ones.

use crate::choices::Choices;

const PRE_RELEASES: [&str; 9] = ["-rc.1", "-rc.2", "-rc", "-alpha", "-0", "-1", "-1.a", "-a.1.b", "-x.7.z.92"];
const BUILDS: [&str; 2] = ["+b.5", "+001"];
#[rustfmt::skip]
const ODD: [&str; 16] = [
    "", "v", "1.2.3.4", "02.1", "2.1-rc", " 1.2.3", "999999999999999.0.0", "1000000000000000", "1.-2", "１.2.3",
    "1.2.3-01", "1.2.3-", "1.2.3-rc..1", "1.2.3+", "1.2.3+é", "1.2.3-é",
];

pub fn version(choices: &mut Choices<'_>) -> String {
    if choices.one_in(16) {
        return choices.pick(&ODD).to_owned();
    }
    let mut text = choices.pick(&["", "", "", "v", "V"]).to_owned();
    let parts = 3 - choices.below(6).saturating_sub(3);
    text += &numbers(choices, parts);
    if parts == 3 && choices.one_in(3) {
        text += choices.pick(&PRE_RELEASES);
    }
    if choices.one_in(6) {
        text += choices.pick(&BUILDS);
    }
    text
}

pub fn range(choices: &mut Choices<'_>) -> String {
    let alternatives = choices.list(1, 3, |choices| choices.list(0, 3, comparator).join(choices.pick(&[" ", "  "])));
    alternatives.join(choices.pick(&["||", " || ", "|| "]))
}

fn comparator(choices: &mut Choices<'_>) -> String {
    let odd = choices.one_in(40);
    let operator =
        if odd { choices.pick(&["==", ">= ", "!"]) } else { choices.pick(&["", "=", ">=", ">", "<", "<=", "~", "^"]) };
    let operand = match choices.below(4) {
        0..2 => version(choices),
        2 => {
            let parts = choices.below(3);
            let given = if parts == 0 { String::new() } else { numbers(choices, parts) + "." };
            given + choices.pick(&["x", "X", "*", "*"])
        }
        _ => {
            let parts = 1 + choices.below(2);
            numbers(choices, parts)
        }
    };
    operator.to_owned() + &operand
}

fn numbers(choices: &mut Choices<'_>, parts: usize) -> String {
    let numbers: Vec<_> = (0..parts).map(|_| choices.pick(&["1", "0", "2", "3", "10"])).collect();
    numbers.join(".")
}
