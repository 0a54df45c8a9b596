//! Short names for what passes between the module and its glue. wasm-bindgen's say what they are, in every copy of the
//! module and of the JavaScript; wasm-opt gives the module short ones and tells which, and here the glue gets the same.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What wasm-opt prints with `--minify-imports-and-exports`.
#[derive(Deserialize)]
struct Renamed {
    /// Module, name, short name.
    imports: Vec<(String, String, String)>,
    /// Name, short name.
    exports: Vec<(String, String)>,
}

/// The glue with the names of `renamed`, wasm-opt's output. Fails when an import that was renamed is not found in it; an
/// export that the glue does not use is nobody's.
pub fn with_short_names(glue: &str, renamed: &str) -> Result<String> {
    let start = renamed.find('{').context("wasm-opt told no names")?;
    let renamed: Renamed = serde_json::from_str(&renamed[start..]).context("cannot understand wasm-opt's names")?;
    let mut glue = glue.to_owned();
    for (_, name, short) in &renamed.imports {
        // A member of the object of imports: `        __wbg_now_1: function() {`.
        glue = replaced(&glue, &format!("        {name}: "), &format!("        {short}: "), name)?;
    }
    for (name, short) in &renamed.exports {
        glue = with_export(&glue, name, short);
    }
    Ok(glue)
}

fn replaced(text: &str, from: &str, to: &str, name: &str) -> Result<String> {
    ensure!(text.contains(from), "found no {name} in the glue, expected one: wasm-bindgen writes it otherwise now");
    Ok(text.replace(from, to))
}

/// Every `wasm.name` that is not the beginning of a longer name.
fn with_export(glue: &str, name: &str, short: &str) -> String {
    let from = format!("wasm.{name}");
    let mut out = String::with_capacity(glue.len());
    let mut parts = glue.split(from.as_str());
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let goes_on = part.starts_with(|next: char| next.is_ascii_alphanumeric() || matches!(next, '_' | '$'));
        out.push_str(&if goes_on { from.clone() } else { format!("wasm.{short}") });
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLUE: &str = "
        wasm.engine_new(1); wasm.engine_newer(wasm.__wbindgen_malloc, wasm.engine_new);
        __wbg_now_1: function() {},
        __wbg_now_12: function() {},
";

    fn names(imports: &str, exports: &str) -> String {
        format!("some warning\n{{ \"imports\": [{imports}], \"exports\": [{exports}] }}\n")
    }

    #[test]
    fn each_name_is_replaced_and_no_longer_one_that_begins_with_it() {
        let renamed = names(r#"["./x.js", "__wbg_now_1", "a"]"#, r#"["engine_new", "b"], ["__wbindgen_malloc", "c"]"#);
        let short = with_short_names(GLUE, &renamed).unwrap();
        assert_eq!(
            short,
            "
        wasm.b(1); wasm.engine_newer(wasm.c, wasm.b);
        a: function() {},
        __wbg_now_12: function() {},
"
        );
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_fails_the_build() {
        for renamed in [names(r#"["./x.js", "__wbg_gone", "a"]"#, ""), "{}".into()] {
            assert!(with_short_names(GLUE, &renamed).is_err(), "{renamed}");
        }
    }
}
