//! What each module and function takes of the WebAssembly module, largest first.

use crate::table::function_names;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use wasmparser::{Parser, Payload, TypeRef};

/// How many of the largest functions are listed; the 61st has less than 0.4 % of the code.
const LISTED_FUNCTIONS: usize = 60;

/// What was made by wasm-bindgen for what is exported, and by the compiler for what the processor lacks.
const UNNAMED: &str = "exports and built-ins";

/// Bytes of code of one function or of all those in one module.
type Cost = (String, usize);

/// Two tables of the code of `module`, which must have its functions' names: by module of the source, and the largest
/// functions. `brotli`: what the shipped module takes; each gets its share of that by its bytes of code, an estimate,
/// since some code compresses better than other code.
pub fn table(module: &[u8], brotli: usize) -> Result<String> {
    let functions = functions(module)?;
    let total: usize = functions.iter().map(|(_, bytes)| bytes).sum();
    let mut modules: BTreeMap<String, usize> = BTreeMap::new();
    for (name, bytes) in &functions {
        *modules.entry(module_of(name)).or_default() += bytes;
    }
    let modules = largest_first(modules.into_iter().collect());
    let functions = largest_first(functions);
    let listed = functions.iter().take(LISTED_FUNCTIONS);
    let row = |(name, bytes): &Cost| {
        let share = brotli.checked_mul(*bytes).and_then(|product| product.checked_div(total)).unwrap_or(0);
        format!("{bytes:>10} {share:>10}  {name}\n")
    };
    Ok(format!(
        "      code  brotli, estimated\n{}\nof these, {} of {} functions:\n{}",
        modules.iter().map(row).collect::<String>(),
        listed.len(),
        functions.len(),
        listed.map(row).collect::<String>()
    ))
}

fn largest_first(mut costs: Vec<Cost>) -> Vec<Cost> {
    costs.sort_by(|(name, bytes), (other, others)| others.cmp(bytes).then_with(|| name.cmp(other)));
    costs
}

/// All functions that have a body, in the order of the module.
fn functions(module: &[u8]) -> Result<Vec<Cost>> {
    let mut place = 0;
    let mut bodies = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("cannot understand the module")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    place += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body.as_bytes().len()),
            _ => {}
        }
    }
    let mut names = function_names(module)?;
    anyhow::ensure!(!names.is_empty(), "the module has no names");
    let named = |(place, bytes)| (names.remove(&place).unwrap_or_else(|| "?".to_owned()), bytes);
    Ok((place..).zip(bodies).map(named).collect())
}

/// Where in the source a function of that name is: of this project's the module, of others' the crate, of those that have
/// no path, [`UNNAMED`].
fn module_of(name: &str) -> String {
    // What a type does begins with `<`, and with the type: `<pennon::engine::json::Reader>::value`.
    let path = name.trim_start_matches(|first: char| !first.is_alphanumeric() && first != '_');
    let is_of_type = path.len() < name.len();
    let end = path.find(|after: char| !after.is_alphanumeric() && after != '_' && after != ':').unwrap_or(path.len());
    let mut parts: Vec<&str> =
        path.get(..end).unwrap_or_default().split("::").filter(|part| !part.is_empty()).collect();
    match parts.first() {
        Some(&"pennon") => {}
        Some(other) if parts.len() > 1 => return (*other).to_owned(),
        // The standard library's, for a slice, a text or a number.
        _ if is_of_type => return "core".to_owned(),
        _ => return UNNAMED.to_owned(),
    }
    let modules = parts.iter().position(|part| part.starts_with(char::is_uppercase));
    parts.truncate(modules.unwrap_or(parts.len() - usize::from(!is_of_type)));
    parts.join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_listed_under_their_module_or_crate() {
        for (name, module) in [
            ("pennon::engine::exposure::state::step", "pennon::engine::exposure::state"),
            ("<pennon::engine::json::Reader>::value", "pennon::engine::json"),
            ("<pennon::engine::ruleset::Ruleset>::take::{closure#0}", "pennon::engine::ruleset"),
            ("<[pennon::engine::effect::Effect]>::drop", "pennon::engine::effect"),
            ("core::ptr::drop_in_place::<[pennon::engine::effect::Effect]>", "core"),
            ("<alloc::vec::Vec<pennon::engine::json::Reader>>::push", "alloc"),
            ("<[(u32, u32)]>::sort_unstable", "core"),
            ("<&str as core::fmt::Display>::fmt", "core"),
            ("engine_setRuleset multivalue shim", UNNAMED),
        ] {
            assert_eq!(module_of(name), module, "{name}");
        }
    }

    /// A module with one import and two functions, named `small` and `large`, of 2 and 4 bytes.
    const MODULE: &[u8] = b"\0asm\x01\0\0\0\
        \x01\x04\x01\x60\0\0\
        \x02\x07\x01\x01a\x01b\0\0\
        \x03\x03\x02\0\0\
        \x0a\x09\x02\x02\0\x0b\x04\0\x01\x01\x0b\
        \0\x16\x04name\x01\x0f\x02\x01\x05small\x02\x05large";

    #[test]
    fn the_largest_is_first_with_its_share() {
        let table = table(MODULE, 600).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "      code  brotli, estimated",
                "         6        600  exports and built-ins",
                "",
                "of these, 2 of 2 functions:",
                "         4        400  large",
                "         2        200  small",
            ]
        );
    }

    #[test]
    fn a_module_without_names_is_refused() {
        assert!(table(b"\0asm\x01\0\0\0", 1).unwrap_err().to_string().contains("no names"));
    }
}
