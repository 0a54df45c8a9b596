//! What a ruleset says. `wire` text is indexed once ([`Ruleset::read`]) and compiled flag by flag, when a flag is first
//! asked for: start-up reads the text and compiles nothing, and one broken flag is one broken flag.

mod compile;
mod field;
mod model;
mod problem;

use std::cell::OnceCell;

pub use compile::MAX_WEIGHT_THOUSANDTHS;
pub use model::{Condition, Flag, Limit, Operand, Operator, Rule, Scalar, Serve, Target, Unit, Variant};
pub use problem::Problem;

use super::json::{self, Member, Node};
use super::platform::Platform;
use xxhash_rust::xxh32::xxh32;

/// The largest ruleset text that is read, in bytes: what a page can be asked to keep in memory beside itself.
pub const MAX_TEXT_BYTES: usize = 8 * 1024 * 1024;
/// The version of the ruleset format that this engine reads.
const SCHEMA: f64 = 1.0;

/// All flags as published together.
pub struct Ruleset {
    text: Box<str>,
    pub version: u64,
    /// Empty when the ruleset names none.
    pub environment: String,
    flags: Vec<Entry>,
    /// Open addressing: places in `flags` plus one, 0 is free. A power of two, at most half full.
    table: Vec<u32>,
    platform: Platform,
}

struct Entry {
    member: Member,
    flag: OnceCell<Result<Box<Flag>, Problem>>,
}

impl Ruleset {
    /// Checks the text and finds its flags. Compiles none.
    pub fn read(text: &str, platform: Platform) -> Result<Self, Problem> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::new("a longer text", "at most 8 MiB"));
        }
        let mut top: Vec<Member> = Vec::new();
        let end = match json::members(text, 0, &mut |member| top.push(member)) {
            None => return Err(Problem::new(first_characters(text), "a JSON object")),
            Some(Err(malformed)) => return Err(Problem::malformed(text, malformed)),
            Some(Ok(end)) => json::skip_whitespace(text, end),
        };
        if end < text.len() {
            return Err(Problem::malformed(text, json::Malformed { at: end }));
        }
        let field = |name: &str| {
            let member = top.iter().rev().find(|member| json::decode_string(slice(text, member.key)) == name)?;
            Some(slice(text, member.value)).filter(|raw| *raw != "null")
        };
        let small = |name: &str| {
            field(name).map(json::parse).transpose().map_err(|_| Problem::new("a deep value", "a scalar").within(name))
        };

        if let Some(schema) = small("schema")? {
            let version = field::number(&schema, platform).map_err(|problem| problem.within("schema"))?;
            if version != SCHEMA {
                return Err(Problem::at(&schema, "schema 1").within("schema"));
            }
        }
        let version = match small("version")? {
            Some(node) => field::integer(&node, platform).map_err(|problem| problem.within("version"))?,
            None => 0,
        };
        let environment = match small("environment")? {
            Some(node) => field::name(&node).map_err(|problem| problem.within("environment"))?,
            None => String::new(),
        };
        let Some(flags_text) = field("flags") else {
            return Err(Problem::new("nothing", "an object with the flags").within("flags"));
        };
        let flags_at = flags_text.as_ptr() as usize - text.as_ptr() as usize;
        let mut flags = Vec::new();
        match json::members(text, flags_at, &mut |member| flags.push(Entry { member, flag: OnceCell::new() })) {
            Some(_) => {}
            None => return Err(Problem::new(first_characters(flags_text), "an object with the flags").within("flags")),
        }
        let mut ruleset = Self { text: text.into(), version, environment, flags, table: Vec::new(), platform };
        ruleset.fill_table();
        Ok(ruleset)
    }

    /// The flag, compiled now if it was not yet. `None` when there is no flag of that key.
    pub fn flag(&self, key: &str) -> Option<Result<&Flag, &Problem>> {
        let place = self.table.get(self.slot_of(key)).copied().filter(|place| *place > 0)?;
        let entry = self.flags.get(place as usize - 1)?;
        let compiled = entry.flag.get_or_init(|| {
            let text = slice(&self.text, entry.member.value);
            json::parse(text)
                .map_err(|_| Problem::new("a value nested too deep", "at most 64 levels"))
                .and_then(|node| compile::flag(key, &node, self.platform))
                .map(Box::new)
                .map_err(|problem| problem.within_flag(key))
        });
        Some(compiled.as_ref().map(Box::as_ref))
    }

    /// Every flag's key, in the order of the text, each once.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.flags.iter().enumerate().filter_map(|(at, entry)| {
            let key = json::decode_string(slice(&self.text, entry.member.key));
            let owner = self.table.get(self.slot_of(&key)).copied();
            (owner == Some(at as u32 + 1)).then(|| key.into_owned())
        })
    }

    /// Of equal keys the last wins, as in JavaScript.
    fn fill_table(&mut self) {
        self.table = vec![0; (self.flags.len() * 2).next_power_of_two().max(2)];
        for at in 0..self.flags.len() {
            let Some(entry) = self.flags.get(at) else { continue };
            let slot = self.slot_of(&json::decode_string(slice(&self.text, entry.member.key)));
            if let Some(place) = self.table.get_mut(slot) {
                *place = at as u32 + 1;
            }
        }
    }

    /// Where the key is in the table, or the free place where it would be.
    fn slot_of(&self, key: &str) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = xxh32(key.as_bytes(), 0) as usize & mask;
        while let Some(place) = self.table.get(slot).copied().filter(|place| *place > 0) {
            let held = self.flags.get(place as usize - 1).map(|entry| slice(&self.text, entry.member.key));
            if held.is_some_and(|quoted| json::decode_string(quoted) == key) {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }
}

fn slice(text: &str, (start, end): (usize, usize)) -> &str {
    text.get(start..end).unwrap_or_default()
}

fn first_characters(text: &str) -> &str {
    super::text::cut(text, 40)
}

/// The text of a node, short enough for a message.
fn shown<'a>(node: &Node<'a>) -> &'a str {
    first_characters(node.raw)
}
