//! Measurements: of the engine natively, and of the package in Chromium.

use crate::node::{self, npm};
use crate::process::command;
use crate::project::Project;
use crate::wasm::Form;
use crate::{browser, pipeline, suites};
use anyhow::{Context, Result};
use std::process::ExitCode;

const FOLDER: &str = "tests/e2e";

/// The benchmarks in benches/; then builds everything, and lets the pages of tests/e2e measure and print their own table.
pub fn run(project: &Project, form: Form) -> Result<ExitCode> {
    let mut engine = command("cargo");
    engine.current_dir(&project.root).args(["bench", "--package", "pennon", "--target-dir"]);
    let status = engine.arg(project.path("target")).status().context("cannot start cargo")?;
    if !status.success() {
        return Ok(ExitCode::FAILURE);
    }
    let form = pipeline::everything(project, form)?;
    node::install(project, FOLDER, &[])?;
    println!("module: {form} form");
    let mut bench = npm(project, FOLDER, &["run", "--silent", "bench"]);
    suites::add_environment(project, &mut bench, &browser::chromium(project)?);
    let status = bench.status().context("cannot start npm")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
