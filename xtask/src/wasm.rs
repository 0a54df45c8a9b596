//! The WebAssembly module and its JavaScript glue, in pkg/src/wasm.

use crate::glue;
use crate::process;
use crate::project::Project;
use crate::stamp::Step;
use crate::toolchain::{TARGET, Toolchain};
use crate::{node, table, tools};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const OUT: &str = "pkg/src/wasm";
const INPUTS: [&str; 8] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "src",
    "pkg/package.json",
    "pkg/package-lock.json",
    "xtask/src/glue.rs",
    "xtask/src/table.rs",
];

/// `--target web`: an ES module that fetches nothing by itself until it is given the module.
/// Names stay as the compiler wrote them: demangled ones of the same function are not told apart.
const BINDGEN: [&str; 5] = ["--target", "web", "--out-name", "pennon", "--no-demangle"];

/// What they save of the module's brotli:
/// - `--low-memory-unused` 0.3 kB. Nothing lies below the address 1024, since that is the end of the stack: so a sum of an
///   address and a number becomes an offset;
/// - taking the control flow apart and putting it together anew, twice, 0.4 kB;
/// - `--dealign` 0.2 kB: loads and stores say nothing of how they are aligned, of which engines make no use.
const OPTIMIZE: [&str; 10] = [
    "--low-memory-unused",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
    "--flatten",
    "--rereloop",
    "-Oz",
    "-Oz",
    "--dealign",
];

/// What is stripped here may not be stripped by rustc: wasm-bindgen reads `target_features`.
/// The names take 2.6 kB of brotli in the module and 2 kB in the glue. The last puts functions that are alike beside each
/// other.
const STRIP: [&str; 5] = [
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
    "--minify-imports-and-exports-and-modules",
    "--reorder-functions-by-name",
];

/// How the module is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With the standard library built for size and no code for panics. Needs the library's source.
    Smallest,
    /// With the library as the toolchain brings it, and nothing unstable.
    Plain,
}

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(match self {
            Form::Smallest => "smallest",
            Form::Plain => "plain",
        })
    }
}

/// Builds the module unless it is unchanged. Gives the form that it has: `wanted`, or plain where the library's source
/// cannot be had.
pub fn build(project: &Project, toolchain: &Toolchain, wanted: Form) -> Result<Form> {
    node::install(project, "pkg", &[])?;
    let mut form = possible(toolchain, wanted);
    let mut facts = facts_of(project, toolchain, form)?;
    if form != wanted && !step_with(&facts).is_fresh(project)? {
        toolchain.try_to_add_source(project)?;
        form = possible(toolchain, wanted);
        facts = facts_of(project, toolchain, form)?;
        if form != wanted {
            process::note("wasm: the plain form, which is larger; the smallest needs: rustup component add rust-src");
        }
    }
    step_with(&facts).run(project, || make(project, toolchain, form))?;
    Ok(form)
}

fn step_with(facts: &[String]) -> Step<'_> {
    Step { name: "wasm", inputs: &INPUTS, facts, outputs: &[OUT] }
}

fn possible(toolchain: &Toolchain, wanted: Form) -> Form {
    if wanted == Form::Smallest && toolchain.builds_std() { Form::Smallest } else { Form::Plain }
}

fn facts_of(project: &Project, toolchain: &Toolchain, form: Form) -> Result<Vec<String>> {
    let flags = [cargo_flags(form), rust_flags(form), &BINDGEN, &OPTIMIZE, &STRIP].concat().join(" ");
    Ok(vec![toolchain.identity.clone(), form.to_string(), tools::wasm_bindgen_version(project)?, flags])
}

/// The shipped module with the names of its functions, after the same passes: its code is as large.
pub fn with_names(project: &Project, form: Form) -> Result<Vec<u8>> {
    let out = project.path("target/wasm/named");
    bind(project, &compile(project, &Toolchain::for_wasm(project)?, form)?, &out)?;
    let module = out.join("pennon_bg.wasm");
    optimize(project, &module, &["--debuginfo"])?;
    fs::read(&module).with_context(|| format!("cannot read {}", module.display()))
}

fn make(project: &Project, toolchain: &Toolchain, form: Form) -> Result<()> {
    let compiled = compile(project, toolchain, form)?;
    let out = project.path(OUT);
    bind(project, &compiled, &out)?;
    let renamed = optimize(project, &out.join("pennon_bg.wasm"), &STRIP)?;
    let path = out.join("pennon.js");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = glue::for_each_instance(&glue::with_short_names(&glue::lean(&text)?, &renamed)?)?;
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let path = out.join("pennon.d.ts");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    fs::write(&path, glue::declared_for_each_instance(&text)?)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// What cargo makes of the crate.
fn compile(project: &Project, toolchain: &Toolchain, form: Form) -> Result<PathBuf> {
    // One folder for each form: both would write the same file, and cargo would take the other's for its own.
    let target = project.path("target/wasm").join(form.to_string());
    use_only_with(&target, &toolchain.identity)?;
    let output =
        process::step(project, &format!("wasm module, {form}"), &mut cargo(project, toolchain, form, &target)?)?;
    if let Err(error) = check_lto(&output) {
        fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))?;
        return Err(error);
    }
    Ok(target.join(TARGET).join("wasm/pennon.wasm"))
}

/// Puts the module and its glue into the folder `out`, in place of what is there.
fn bind(project: &Project, compiled: &Path, out: &Path) -> Result<()> {
    if out.exists() {
        fs::remove_dir_all(out).with_context(|| format!("cannot remove {}", out.display()))?;
    }
    let mut bindgen = process::command(tools::wasm_bindgen(project)?.join("wasm-bindgen"));
    bindgen.args(BINDGEN).arg("--out-dir").arg(out).arg(compiled);
    process::step(project, "wasm-bindgen", &mut bindgen).map(drop)
}

/// Makes the module smaller where it is. Gives what wasm-opt printed.
fn optimize(project: &Project, module: &Path, more: &[&str]) -> Result<String> {
    let mut content = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    table::drop_closures(&mut content)?;
    fs::write(module, content).with_context(|| format!("cannot write {}", module.display()))?;
    let mut optimizer = process::command(project.path("pkg/node_modules/.bin/wasm-opt"));
    optimizer.args(OPTIMIZE).args(more).arg(module).arg("-o").arg(module);
    process::step(project, "wasm-opt", &mut optimizer)
}

fn cargo(project: &Project, toolchain: &Toolchain, form: Form, target: &Path) -> Result<Command> {
    let mut flags: Vec<String> = rust_flags(form).iter().map(|flag| (*flag).to_owned()).collect();
    // The published bytes say nothing about who built them.
    let cargo_home =
        std::env::var_os("CARGO_HOME").map(Into::into).or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
    let hidden = [
        Some((project.root.clone(), "/pennon")),
        cargo_home.map(|home| (home, "/cargo")),
        Some((toolchain.sysroot.clone(), "/rust")),
    ];
    for (path, name) in hidden.into_iter().flatten() {
        let path = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        flags.push(format!("--remap-path-prefix={path}={name}"));
    }
    let mut cargo = toolchain.command("cargo");
    cargo
        .current_dir(&project.root)
        // Takes precedence over RUSTFLAGS and over settings in files. \x1f stands between two flags.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .args(["rustc", "--verbose", "--package", "pennon", "--lib", "--crate-type", "cdylib", "--profile", "wasm"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target)
        .args(cargo_flags(form));
    if form == Form::Smallest {
        cargo.env("RUSTC_BOOTSTRAP", "1");
    }
    Ok(cargo)
}

fn cargo_flags(form: Form) -> &'static [&'static str] {
    match form {
        Form::Smallest => &["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"],
        Form::Plain => &[],
    }
}

/// Half of the usual stack, in bytes: the longest chain of the deepest conditions needs 177 kB (`bad-data.test.mjs` decides
/// it), and each page spends 0.5 MB less.
const STACK: &str = "-Clink-arg=-zstack-size=524288";

/// Without loop strength reduction, whose pointers that go along take 0.5 kB of brotli more than the indexes that they
/// replace; and without what computes ahead on one path what another one has computed already: 0.2 kB.
fn rust_flags(form: Form) -> &'static [&'static str] {
    match form {
        Form::Smallest => &[
            STACK,
            "-Zunstable-options",
            "-Cpanic=immediate-abort",
            "-Cllvm-args=-disable-lsr",
            "-Cllvm-args=-enable-pre=false",
        ],
        Form::Plain => &[STACK],
    }
}

/// Empties `target` when what is in it was made by another toolchain: cargo does not notice every such change, a
/// rebuilt standard library for one.
pub fn use_only_with(target: &Path, toolchain_identity: &str) -> Result<()> {
    let mark = target.join("toolchain.txt");
    if fs::read_to_string(&mark).is_ok_and(|found| found == toolchain_identity) {
        return Ok(());
    }
    if target.exists() {
        fs::remove_dir_all(target).with_context(|| format!("cannot remove {}", target.display()))?;
    }
    fs::create_dir_all(target).with_context(|| format!("cannot create {}", target.display()))?;
    fs::write(&mark, toolchain_identity).with_context(|| format!("cannot write {}", mark.display()))
}

/// Fails unless cargo's verbose `output` shows that the module was compiled with `-C lto`, or was not compiled at all.
///
/// Cargo leaves the flag out without a word when a crate has two crate types, which costs kilobytes.
fn check_lto(output: &str) -> Result<()> {
    let compiled =
        output.lines().find(|line| line.contains("--crate-name pennon ") && line.contains("--crate-type cdylib"));
    match compiled {
        Some(line) if line.contains(" -C lto=fat ") || line.contains(" -C lto ") => Ok(()),
        Some(_) => bail!(
            "the module was compiled without -C lto; expected Cargo.toml to ask for one crate type and lto = \"fat\""
        ),
        None if output.contains("Fresh pennon v") => Ok(()),
        None => bail!("cargo's output does not show how the module was compiled"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPILED: &str = "     Running `/rust/bin/rustc --crate-name pennon --edition=2024 src/lib.rs --crate-type cdylib --emit=dep-info,link -C opt-level=z -C panic=abort -C lto=fat -C codegen-units=1`";

    #[test]
    fn a_module_without_lto_is_refused() {
        assert!(check_lto(COMPILED).is_ok());
        assert!(check_lto(&COMPILED.replace("-C lto=fat", "-C lto")).is_ok());
        let message = check_lto(&COMPILED.replace(" -C lto=fat", "")).unwrap_err().to_string();
        assert!(message.contains("without -C lto"), "{message}");
    }

    #[test]
    fn an_unchanged_module_passes_and_a_silent_cargo_does_not() {
        assert!(check_lto("       Fresh pennon v0.1.0 (/pennon)\n").is_ok());
        assert!(check_lto("    Finished `wasm` profile\n").is_err());
    }
}
