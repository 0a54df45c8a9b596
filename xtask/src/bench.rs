//! Measurements in Chromium.

use crate::node::{self, npm};
use crate::project::Project;
use crate::wasm::Form;
use crate::{browser, pipeline, suites};
use anyhow::{Context, Result};
use std::process::ExitCode;

const FOLDER: &str = "tests/e2e";

/// Builds everything, then lets the page of tests/e2e measure and print its own table.
pub fn run(project: &Project, form: Form) -> Result<ExitCode> {
    let form = pipeline::everything(project, form)?;
    node::install(project, FOLDER, &[])?;
    println!("module: {form} form");
    let mut bench = npm(project, FOLDER, &["run", "--silent", "bench"]);
    suites::add_environment(project, &mut bench, &browser::chromium(project)?);
    let status = bench.status().context("cannot start npm")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
