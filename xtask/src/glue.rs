//! What is changed in wasm-bindgen's glue.
//!
//! Short names for what passes between it and the module. wasm-bindgen's say what they are, in every copy of the module
//! and of the JavaScript; wasm-opt gives the module short ones and tells which, and here the glue gets the same.
//!
//! A function around it. The glue holds one instance of the module for ever, and a trap spends that. (wasm-bindgen's own
//! way, `--experimental-reset-state-function`, adds a check to each call and 2 kB.)

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// What wasm-opt prints with `--minify-imports-and-exports-and-modules`.
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
    ensure!(!renamed.imports.is_empty(), "wasm-opt renamed no imports, expected all of them");
    // The module that they are of is called `a` then.
    let mut glue = replaced(glue, "\"./pennon_bg.js\": ", "\"a\": ", "./pennon_bg.js")?;
    for (_, name, short) in &renamed.imports {
        // A member of the object of imports: `        __wbg_now_1: function() {`.
        glue = replaced(&glue, &format!("        {name}: "), &format!("        {short}: "), name)?;
    }
    for (name, short) in &renamed.exports {
        glue = with_export(&glue, name, short);
    }
    Ok(glue)
}

/// The end of the function around the glue. `drop`: whatever still holds on to the instance (a timer, a finalizer of the
/// garbage collector) does nothing from then on.
const END: &str = "return {
    Engine,
    start: (module) => __wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports()), module),
    drop() { wasm = new Proxy({}, { get: () => () => undefined }); },
};
}
";

/// The glue as a function, `bind`, that makes one for an instance of its own. What loads the module is left out: the package
/// does that itself.
pub fn for_each_instance(glue: &str) -> Result<String> {
    let begin = glue.find("export class Engine {").context("found no class in the glue, expected Engine")?;
    let load = glue.find("async function __wbg_load(").context("found no __wbg_load in the glue, expected one")?;
    let body = glue.get(begin..load).context("found __wbg_load before the class, expected it behind")?;
    let body = replaced(body, "export class Engine {", "class Engine {", "class")?;
    ensure!(body.contains("function __wbg_finalize_init("), "found no __wbg_finalize_init in the glue, expected one");
    Ok(format!("export function bind() {{\n{body}{END}"))
}

/// The declarations that go with it.
pub fn declared_for_each_instance(declarations: &str) -> Result<String> {
    let end = declarations.find("export type InitInput").context("found no InitInput declared, expected it last")?;
    let kept = declarations.get(..end).unwrap_or_default();
    Ok(format!(
        "{kept}/** The glue of an instance of its own. `start` gives the exports; after `drop` it does nothing. */
export function bind(): {{
  readonly Engine: typeof Engine
  start(module: WebAssembly.Module): object
  drop(): void
}}
"
    ))
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
        \"./pennon_bg.js\": import0,
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
        \"a\": import0,
"
        );
    }

    #[test]
    fn the_glue_becomes_a_function_without_what_loads_the_module() {
        let glue = "/* types */
export class Engine {
}
let wasm;
function __wbg_finalize_init(instance, module) {
}
async function __wbg_load(module, imports) {
}
export { initSync, __wbg_init as default };
";
        let bound = for_each_instance(glue).unwrap();
        assert!(
            bound.starts_with("export function bind() {\nclass Engine {\n}\nlet wasm;\nfunction __wbg_finalize_init(")
        );
        assert!(bound.ends_with(END));
        assert_eq!(bound.matches("export").count(), 1);
        for missing in ["export class Engine {", "async function __wbg_load(", "function __wbg_finalize_init("] {
            assert!(for_each_instance(&glue.replace(missing, "")).is_err(), "{missing}");
        }
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_fails_the_build() {
        for renamed in [names(r#"["./x.js", "__wbg_gone", "a"]"#, ""), names("", ""), "{}".into()] {
            assert!(with_short_names(GLUE, &renamed).is_err(), "{renamed}");
        }
    }
}
