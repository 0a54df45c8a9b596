//! What is changed in wasm-bindgen's glue.
//!
//! Short names for what passes between it and the module. wasm-bindgen's say what they are, in every copy of the module
//! and of the JavaScript; wasm-opt gives the module short ones and tells which, and here the glue gets the same.
//!
//! Less of it: 0.4 kB of brotli.
//!
//! A function around it. The glue holds one instance of the module for ever, and a trap spends that. (wasm-bindgen's own
//! way, `--experimental-reset-state-function`, adds a check to each call and 2 kB.)

use anyhow::{Context, Result, ensure};
use regex::Regex;
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

/// What is written otherwise: what it is called here, a pattern, and what takes the place of each match.
const LEANER: [(&str, &str, &str); 7] = [
    // Whatever throws between two arguments spends the instance, and all that the first ones have taken with it.
    (
        "try around arguments",
        r"(        let ptr0, len0.*\n)        try \{\n((?:            .*\n)+)        \} catch \(e\) \{\n(?:            .*\n)+        \}\n",
        "$1$2",
    ),
    (
        "text returned",
        r"(?:        let deferred[0-9_]+;\n){2}        try \{\n((?:            .*\n)*?)(?:            deferred.*\n){2}.*\n        \} finally \{\n.*\n        \}\n",
        "$1            return takeString(ret);\n",
    ),
    (
        "text returned, or none",
        r"        let v[0-9]+;\n        if \(ret\[0\] !== 0\) \{\n.*\n.*\n        \}\n        return v[0-9]+;\n",
        "        return takeString(ret);\n",
    ),
    (
        "text as an argument",
        r"(passStringToWasm0\([A-Za-z0-9_]+), wasm.__wbindgen_malloc, wasm.__wbindgen_realloc\)",
        "$1)",
    ),
    (
        "function that passes a text",
        r"function passStringToWasm0\(arg, malloc, realloc\) \{\n    if (?:.*\n)+?    \}\n",
        "function passStringToWasm0(arg) {\n    const malloc = wasm.__wbindgen_malloc, realloc = wasm.__wbindgen_realloc;\n",
    ),
    // Each browser that runs the module has it.
    ("encodeInto for who has none", r"if \(!\('encodeInto' in(?:.*\n)+?\}\n", ""),
    ("Symbol.dispose", r"if \(Symbol.dispose\).*\n", ""),
];

/// How a text that the module gives comes out of its memory.
const TAKE: &str = "function takeString(ret) {
    if (ret[0] === 0) return undefined;
    const text = getStringFromWasm0(ret[0], ret[1]);
    wasm.__wbindgen_free(ret[0], ret[1], 1);
    return text;
}
";

/// The glue as wasm-bindgen wrote it, without what is of no use here. Fails when something of that is not found in it.
pub fn lean(glue: &str) -> Result<String> {
    let mut lean = glue.to_owned();
    for (name, pattern, instead) in LEANER {
        let pattern = Regex::new(pattern)?;
        ensure!(
            pattern.is_match(&lean),
            "found no {name} in the glue, expected one: wasm-bindgen writes it otherwise now"
        );
        lean = pattern.replace_all(&lean, instead).into_owned();
    }
    replaced(&lean, "function isLikeNone(", &format!("{TAKE}function isLikeNone("), "isLikeNone")
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

    /// A call of each kind, as wasm-bindgen writes it.
    const CALLS: &str = "    both(key, text) {
        const val3 = +exposures;
        let ptr0, len0, ptr1, len1;
        try {
            ptr0 = passStringToWasm0(key, wasm.__wbindgen_malloc, wasm.__wbindgen_realloc);
            len0 = WASM_VECTOR_LEN;
        } catch (e) {
            if (ptr0) { wasm.__wbindgen_free(ptr0, len0 * 1, 1); }
            throw e;
        }
        wasm.engine_both(this.__wbg_ptr, ptr0, len0);
    }
    text() {
        let deferred1_0;
        let deferred1_1;
        try {
            const ret = wasm.engine_text(this.__wbg_ptr);
            deferred1_0 = ret[0];
            deferred1_1 = ret[1];
            return getStringFromWasm0(ret[0], ret[1]);
        } finally {
            wasm.__wbindgen_free(deferred1_0, deferred1_1, 1);
        }
    }
    maybe() {
        let v1;
        if (ret[0] !== 0) {
            v1 = getStringFromWasm0(ret[0], ret[1]);
            wasm.__wbindgen_free(ret[0], ret[1] * 1, 1);
        }
        return v1;
    }
if (Symbol.dispose) Engine.prototype[Symbol.dispose] = Engine.prototype.free;
function isLikeNone(x) {
function passStringToWasm0(arg, malloc, realloc) {
    if (realloc === undefined) {
        return ptr;
    }

    let len = arg.length;
}
if (!('encodeInto' in cachedTextEncoder)) {
    cachedTextEncoder.encodeInto = function (arg, view) {
        return {
        };
    };
}
rest
";

    #[test]
    fn a_lean_glue_passes_and_takes_the_same_in_fewer_words() {
        let expected = "    both(key, text) {
        const val3 = +exposures;
        let ptr0, len0, ptr1, len1;
            ptr0 = passStringToWasm0(key);
            len0 = WASM_VECTOR_LEN;
        wasm.engine_both(this.__wbg_ptr, ptr0, len0);
    }
    text() {
            const ret = wasm.engine_text(this.__wbg_ptr);
            return takeString(ret);
    }
    maybe() {
        return takeString(ret);
    }
TAKEfunction isLikeNone(x) {
function passStringToWasm0(arg) {
    const malloc = wasm.__wbindgen_malloc, realloc = wasm.__wbindgen_realloc;

    let len = arg.length;
}
rest
";
        assert_eq!(lean(CALLS).unwrap(), expected.replace("TAKE", TAKE));
        for gone in ["let ptr0", "let deferred", "let v1", "(key, wasm", "malloc, realloc)", "(!(", "if (Symbol"] {
            let message = lean(&CALLS.replace(gone, "")).unwrap_err().to_string();
            assert!(message.contains("expected one"), "{gone}: {message}");
        }
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_fails_the_build() {
        for renamed in [names(r#"["./x.js", "__wbg_gone", "a"]"#, ""), names("", ""), "{}".into()] {
            assert!(with_short_names(GLUE, &renamed).is_err(), "{renamed}");
        }
    }
}
