//! The module's table of functions, without what nobody calls.
//!
//! js-sys describes to wasm-bindgen what closures its functions take; wasm-bindgen removes the descriptions that nothing
//! uses, but leaves in the table the functions that the closures would be called by: 44 of them, 0.5 kB of brotli.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use wasmparser::{ElementItems, KnownCustom, Name, Parser, Payload};

/// How the names of those functions begin. A closure that is used is called by one that is exported, never through the
/// table.
const CLOSURE: &str = "wasm_bindgen::convert::closures::";

/// Puts in the place of each function that calls a closure another one of its table, so that the optimizer finds that
/// nothing refers to it. Gives how many there were. The module must have names.
pub fn drop_closures(module: &mut [u8]) -> Result<usize> {
    let names = function_names(module)?;
    let is_closure = |function: &u32| names.get(function).is_some_and(|name| name.starts_with(CLOSURE));
    let mut changes = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ElementSection(elements) = payload.context("cannot understand the module")? else { continue };
        for element in elements {
            let ElementItems::Functions(functions) = element?.items else { continue };
            let functions: Vec<(u64, u32)> = functions.into_iter_with_offsets().collect::<Result<_, _>>()?;
            let (closures, others): (Vec<_>, Vec<_>) = functions.into_iter().partition(|(_, place)| is_closure(place));
            // The least number needs the fewest bytes.
            let Some(other) = others.into_iter().map(|(_, place)| place).min() else { continue };
            changes.extend(closures.into_iter().map(|(at, _)| (at, other)));
        }
    }
    for (at, function) in &changes {
        overwrite(module.get_mut(usize::try_from(*at)?..).unwrap_or_default(), *function)?;
    }
    Ok(changes.len())
}

/// Writes a number in LEB128 over the one that `bytes` begin with, in as many bytes.
fn overwrite(bytes: &mut [u8], mut number: u32) -> Result<()> {
    for byte in bytes {
        let goes_on = *byte & 0x80;
        *byte = goes_on | (number & 0x7f) as u8;
        number >>= 7;
        if goes_on == 0 {
            break;
        }
    }
    anyhow::ensure!(number == 0, "no function of the table has a number short enough to stand for a closure");
    Ok(())
}

/// The names of functions by their numbers, as far as they have some.
pub fn function_names(module: &[u8]) -> Result<BTreeMap<u32, String>> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::CustomSection(section) = payload.context("cannot understand the module")? else { continue };
        let KnownCustom::Name(sections) = section.as_known() else { continue };
        for section in sections {
            let Name::Function(map) = section? else { continue };
            for naming in map {
                let naming = naming?;
                names.insert(naming.index, format!("{:#}", rustc_demangle::demangle(naming.name)));
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with the functions 300, 1 and 200 in a table, each number in two bytes. 1 calls a closure.
    fn module() -> Vec<u8> {
        let name = b"wasm_bindgen::convert::closures::_::invoke";
        let mut names = vec![1, 1, 1, name.len() as u8]; // Of functions there is one name: that of function 1.
        names.extend(name);
        let mut section = b"\x04name\x01".to_vec();
        section.push(names.len() as u8 - 1);
        section.extend(&names[1..]);
        let mut module = b"\0asm\x01\0\0\0\x09\x0c\x01\0\x41\x01\x0b\x03\xac\x02\x81\0\xc8\x01".to_vec();
        module.extend([0, section.len() as u8]);
        module.extend(section);
        module
    }

    #[test]
    fn what_calls_closures_is_replaced_and_nothing_else() {
        let mut changed = module();
        assert_eq!(drop_closures(&mut changed).unwrap(), 1);
        let mut expected = module();
        expected[18..20].copy_from_slice(b"\xc8\x01");
        assert_eq!(changed, expected);
        assert_eq!(drop_closures(&mut changed).unwrap(), 0);
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        let mut bytes = [0x01, 0x02];
        assert!(overwrite(&mut bytes, 300).is_err());
        assert!(overwrite(&mut bytes, 127).is_ok());
        assert_eq!(bytes, [0x7f, 0x02]);
    }
}
