//! Patterns of the documented subset, with texts that they nearly or truly match; now and then a pattern outside of it.

use crate::choices::Choices;

/// Characters that engines may treat differently: by case, by class, as white space, as ends of lines.
const CHARACTERS: [char; 88] = [
    'a', 'b', 'k', 'K', '\u{212a}', 's', 'S', 'ſ', 'ß', 'ẞ', 'i', 'I', 'İ', 'ı', 'σ', 'ς', 'Σ', 'µ', 'μ', 'Μ', 'å',
    'Å', '\u{212b}', 'ω', 'Ω', '\u{2126}', 'θ', 'ϑ', 'ϴ', 'é', 'É', 'ǆ', 'ǅ', 'Ǆ', '😀', '0', '9', '٣', '_', '-', '.',
    '\n', '\r', '\t', ' ', '\u{b}', '\u{c}', '\u{1c}', '\u{a0}', '\u{85}', '\u{feff}', '\u{2028}', '\u{2029}',
    '\u{180e}', '\u{200b}', '\u{3000}', '\u{fffd}', '/', ']', '[', '^', '&', '~', '#', '{', '}', '(', ')', '|', '\\',
    '$', '*', '+', '?', '\u{345}', 'ι', '\u{1fbe}', 'ᾳ', 'ᾼ', 'в', 'ᲀ', '\u{fb01}', 'Ꭰ', 'ꭰ', '𐐀', '𐐨', 'ა', 'Ა',
];

#[rustfmt::skip]
const RANGES: [(char, char); 10] = [
    ('a', 'z'), ('A', 'K'), ('0', '9'), ('!', '~'), ('α', 'ω'), ('а', 'я'), ('R', 't'), ('\u{80}', '\u{ff}'),
    ('Ꭰ', 'Ᏼ'), ('\u{10000}', '\u{1ffff}'),
];

const ESCAPES: [char; 6] = ['d', 'D', 'w', 'W', 's', 'S'];

/// What the subset does not have, to be refused alike.
const OUTSIDE: [&str; 40] = [
    "(?=a)", "(?!a)", "(?<=a)", "(?<n>a)", "(a)\\1", "\\b", "\\B", "\\p{L}", "\\x41", "\\u0041", "\\0", "\\cA",
    "\\k<n>", "\\-", "\\e", "a**", "a{2}{3}", "(a*)*", "(a|b)*", "^*", "$+", "[]", "[^]", "[z-a]", "[a-\\d]", "[[a]",
    "[a", "(a", "a)", "a{101}", "a{3,2}", "{2}", "a{", "a{,2}", "a]", "a}", "*", "(?i)a", "(?:", "\\",
];

const MOST_CHARACTERS: usize = 256;

pub struct Pattern {
    pub text: String,
    /// A text that a matcher without flags finds the pattern in, where no `^` and `$` stand in the way.
    pub near: String,
}

impl Pattern {
    pub fn new(choices: &mut Choices<'_>) -> Self {
        let mut made = Self { text: String::new(), near: String::new() };
        let mut budget = Budget { unbounded: 2, ways: 1000 };
        made.alternatives(choices, &mut budget, 3);
        if choices.one_in(20) {
            made.text += choices.pick(&OUTSIDE);
        }
        made
    }

    /// A text like [`Pattern::near`], with some characters changed, taken away or added.
    pub fn subject(&self, choices: &mut Choices<'_>) -> String {
        let mut characters: Vec<char> = self.near.chars().collect();
        for _ in 0..choices.below(4) {
            let at = choices.below(characters.len() + 1);
            match choices.below(4) {
                0 => characters.insert(at, choices.pick(&CHARACTERS)),
                1 if at < characters.len() => drop(characters.remove(at)),
                2 if at < characters.len() => characters[at] = other_case(characters[at]),
                _ if at < characters.len() => characters[at] = choices.pick(&CHARACTERS),
                _ => {}
            }
        }
        characters.into_iter().collect()
    }

    fn alternatives(&mut self, choices: &mut Choices<'_>, budget: &mut Budget, depth: usize) {
        let count = (1 + choices.below(5).saturating_sub(3)).min(budget.ways);
        budget.ways /= count;
        let kept = choices.below(count);
        for at in 0..count {
            if at > 0 {
                self.text.push('|');
            }
            let before = self.near.len();
            let others = self.near.clone();
            self.sequence(choices, budget, depth);
            if at != kept {
                self.near = others;
            }
            debug_assert!(self.near.len() >= before);
        }
    }

    fn sequence(&mut self, choices: &mut Choices<'_>, budget: &mut Budget, depth: usize) {
        if choices.one_in(6) {
            self.text.push('^');
        }
        for _ in 0..choices.below(5) {
            if self.text.chars().count() < MOST_CHARACTERS / 2 {
                self.piece(choices, budget, depth);
            }
        }
        if choices.one_in(6) {
            self.text.push('$');
        }
    }

    fn piece(&mut self, choices: &mut Choices<'_>, budget: &mut Budget, depth: usize) {
        let before = self.near.len();
        let start = self.text.len();
        match choices.below(8) {
            0..3 => {
                let character = choices.pick(&CHARACTERS);
                push_literal(&mut self.text, character, false);
                self.near.push(character);
            }
            3 => {
                self.text.push('.');
                self.near.push(choices.pick(&CHARACTERS));
            }
            4 => {
                let escape = choices.pick(&ESCAPES);
                self.text.extend(['\\', escape]);
                self.near.push(one_of(escape, choices));
            }
            5 | 6 => self.class(choices),
            _ if depth > 0 => {
                self.text += choices.pick(&["(", "(?:"]);
                self.alternatives(choices, budget, depth - 1);
                self.text.push(')');
            }
            _ => {
                self.text.push('a');
                self.near.push('a');
            }
        }
        let inside = &self.text[start..];
        let may_repeat = !inside.starts_with('(') || !inside.contains(['*', '+', '?', '{', '|']) || choices.one_in(30);
        if may_repeat && choices.one_in(3) {
            let once = self.near[before..].to_owned();
            self.near.truncate(before);
            let times = self.quantifier(choices, budget);
            self.near += &once.repeat(times);
        }
    }

    /// Writes one; gives a number of times that it allows.
    fn quantifier(&mut self, choices: &mut Choices<'_>, budget: &mut Budget) -> usize {
        let low = choices.below(4);
        let (text, low, high) = match choices.below(6) {
            0 if budget.unbounded > 0 => ("*".to_owned(), 0, None),
            1 if budget.unbounded > 0 => ("+".to_owned(), 1, None),
            2 if budget.unbounded > 0 => (format!("{{{low},}}"), low, None),
            3 => (format!("{{{low}}}"), low, Some(low)),
            4 => (format!("{{{low},{}}}", low + 3), low, Some(low + 3)),
            _ => ("?".to_owned(), 0, Some(1)),
        };
        match high {
            Some(high) if budget.ways / (high - low + 1) == 0 => return 1,
            Some(high) => budget.ways /= high - low + 1,
            None if budget.ways < 10 => return 1,
            None => *budget = Budget { unbounded: budget.unbounded - 1, ways: budget.ways / 10 },
        }
        self.text += &text;
        if choices.one_in(4) {
            self.text.push('?');
        }
        low + choices.below(high.unwrap_or(low + 5) - low + 1)
    }

    fn class(&mut self, choices: &mut Choices<'_>) {
        let is_negated = choices.one_in(3);
        self.text += if is_negated { "[^" } else { "[" };
        let mut near = None;
        let count = 1 + choices.below(4);
        let kept = choices.below(count);
        for at in 0..count {
            let member = match choices.below(4) {
                0 | 1 => {
                    let character = choices.pick(&CHARACTERS);
                    push_literal(&mut self.text, character, true);
                    character
                }
                2 => {
                    let (low, high) = choices.pick(&RANGES);
                    push_literal(&mut self.text, low, true);
                    self.text.push('-');
                    push_literal(&mut self.text, high, true);
                    choices.pick(&[low, high])
                }
                _ => {
                    let escape = choices.pick(&ESCAPES);
                    self.text.extend(['\\', escape]);
                    one_of(escape, choices)
                }
            };
            if at == kept {
                near = Some(member);
            }
        }
        self.text.push(']');
        self.near.push(near.filter(|_| !is_negated).unwrap_or_else(|| choices.pick(&CHARACTERS)));
    }
}

/// How many quantifiers without an upper bound may follow, and by how much the ways through the pattern may grow.
struct Budget {
    unbounded: usize,
    ways: usize,
}

/// The character as a pattern has it, with a backslash where it needs one and sometimes where it may have one.
fn push_literal(pattern: &mut String, character: char, in_class: bool) {
    match character {
        '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' => {
            pattern.extend(['\\', character])
        }
        '-' if in_class => pattern.push_str("\\-"),
        '\n' => pattern.push_str("\\n"),
        '\t' => pattern.push_str("\\t"),
        _ => pattern.push(character),
    }
}

fn one_of(escape: char, choices: &mut Choices<'_>) -> char {
    match escape {
        'd' => choices.pick(&['0', '7', '٣']),
        'w' => choices.pick(&['a', '_', 'K', '\u{212a}', 'ſ', '9']),
        's' => choices.pick(&[' ', '\n', '\u{a0}', '\u{85}', '\u{feff}', '\u{180e}', '\u{2028}', '\u{b}', '\u{1c}']),
        _ => choices.pick(&CHARACTERS),
    }
}

fn other_case(character: char) -> char {
    let lower = character.to_lowercase().next().unwrap_or(character);
    let upper = character.to_uppercase().next().unwrap_or(character);
    if lower == character { upper } else { lower }
}
