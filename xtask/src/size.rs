//! The exact bytes that a page loads, held against a budget; and what takes them.

use crate::project::Project;
use crate::wasm::Form;
use crate::{costs, pipeline, wasm};
use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Deserialize;
use std::fs;
use std::io::Write;
use std::process::ExitCode;

const BUDGET: &str = "pkg/size-budget.json";
const MODULE: &str = "pkg/dist/pennon.wasm";
const SCRIPT: &str = "pkg/dist/index.js";
/// The entry that carries the module inside: loaded instead of the other two, never with them.
const INLINE: &str = "pkg/dist/inline.js";

/// Most bytes that brotli, quality 11, may leave of each file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    wasm_brotli_bytes: usize,
    js_brotli_bytes: usize,
}

/// Bytes of one file, as it is and as a server sends it.
#[derive(Debug, PartialEq, Eq)]
struct Size {
    raw: usize,
    /// gzip, level 9.
    gzip: usize,
    /// brotli, quality 11, window 22 bits.
    brotli: usize,
}

/// Builds the package, prints what takes how much, and fails above the budget.
pub fn run(project: &Project, form: Form) -> Result<ExitCode> {
    let report = report(project, form)?;
    println!("{}", costs::table(&wasm::with_names(project, report.form)?, report.wasm_brotli_bytes)?);
    println!("{}", report.table);
    for line in &report.excesses {
        eprintln!("{line}");
    }
    if report.excesses.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    if report.form == Form::Plain {
        eprintln!("the budget is that of the smallest form; this is the plain one");
    }
    Ok(ExitCode::FAILURE)
}

/// The sizes, and what is above the budget: a sentence for each.
pub struct Report {
    /// How the module was built.
    pub form: Form,
    pub wasm_brotli_bytes: usize,
    pub table: String,
    pub excesses: Vec<String>,
}

/// Builds the package and measures it.
pub fn report(project: &Project, form: Form) -> Result<Report> {
    let form = pipeline::package(project, form)?;
    let measure = |path: &str| -> Result<Size> {
        Size::of(&fs::read(project.path(path)).with_context(|| format!("cannot read {path}"))?)
    };
    let (wasm, js, inline) = (measure(MODULE)?, measure(SCRIPT)?, measure(INLINE)?);
    let text = fs::read_to_string(project.path(BUDGET)).with_context(|| format!("cannot read {BUDGET}"))?;
    let budget: Budget = serde_json::from_str(&text).with_context(|| format!("cannot understand {BUDGET}"))?;
    let rows = [
        format!("bytes ({form} form)       raw    gzip -9  brotli 11     budget"),
        wasm.row("wasm  pennon.wasm", Some(budget.wasm_brotli_bytes)),
        js.row("js    index.js", Some(budget.js_brotli_bytes)),
        wasm.plus(&js).row("a page loads", Some(budget.wasm_brotli_bytes + budget.js_brotli_bytes)),
        inline.row("or    inline.js", None),
    ];
    let excesses =
        [excess("wasm", wasm.brotli, budget.wasm_brotli_bytes), excess("js", js.brotli, budget.js_brotli_bytes)];
    let excesses = excesses.into_iter().flatten().collect();
    Ok(Report { form, wasm_brotli_bytes: wasm.brotli, table: rows.join("\n"), excesses })
}

/// The sentence about a file above its budget.
fn excess(name: &str, found: usize, budget: usize) -> Option<String> {
    (found > budget).then(|| format!("{name}: found {found} brotli bytes, expected at most {budget} ({BUDGET})"))
}

impl Size {
    fn of(content: &[u8]) -> Result<Self> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(content)?;
        let mut brotli = Vec::new();
        let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        brotli::BrotliCompress(&mut &content[..], &mut brotli, &params)?;
        Ok(Self { raw: content.len(), gzip: gzip.finish()?.len(), brotli: brotli.len() })
    }

    fn plus(&self, other: &Self) -> Self {
        Self { raw: self.raw + other.raw, gzip: self.gzip + other.gzip, brotli: self.brotli + other.brotli }
    }

    fn row(&self, name: &str, budget: Option<usize>) -> String {
        let budget = budget.map_or(String::new(), |bytes| bytes.to_string());
        format!("{name:<20} {:>10} {:>10} {:>10} {budget:>10}", self.raw, self.gzip, self.brotli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_shrinks_and_the_raw_size_is_exact() {
        let size = Size::of(&b"pennon ".repeat(1000)).unwrap();
        assert_eq!(size.raw, 7000);
        assert!(size.brotli > 0 && size.brotli < size.gzip && size.gzip < 100, "{size:?}");
    }

    #[test]
    fn only_above_the_budget_is_a_failure() {
        assert_eq!(excess("wasm", 100, 100), None);
        let message = excess("wasm", 101, 100).unwrap();
        assert_eq!(message, "wasm: found 101 brotli bytes, expected at most 100 (pkg/size-budget.json)");
    }

    #[test]
    fn a_misspelt_budget_is_refused() {
        assert!(serde_json::from_str::<Budget>(r#"{"wasm_brotli_bytes":1,"js_bytes":2}"#).is_err());
    }
}
