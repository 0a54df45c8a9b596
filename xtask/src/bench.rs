//! Measurements: of the engine natively, and of the package in Chromium, by itself and beside other SDKs.

use crate::node::{self, npm};
use crate::process::command;
use crate::project::Project;
use crate::wasm::Form;
use crate::{browser, pipeline, suites};
use anyhow::{Context, Result};
use clap::Args;
use std::process::ExitCode;

const FOLDER: &str = "tests/e2e";

const PEERS: &str = "benches/peers";

/// What is measured.
#[derive(Args, Debug)]
pub struct Choice {
    /// Measure pennon beside other flag SDKs instead, and write benches/peers/RESULTS.md; takes some ten minutes
    #[arg(long)]
    peers: bool,

    /// Options of that measurement, such as `-- --only pennon,growthbook --rounds 1`: then nothing is written
    #[arg(last = true, requires = "peers")]
    options: Vec<String>,
}

/// What was chosen.
pub fn run(project: &Project, form: Form, choice: &Choice) -> Result<ExitCode> {
    if choice.peers { beside_peers(project, form, &choice.options) } else { alone(project, form) }
}

/// Builds everything, then lets each SDK measure itself in Chromium.
fn beside_peers(project: &Project, form: Form, options: &[String]) -> Result<ExitCode> {
    let form = pipeline::everything(project, form)?;
    node::install(project, PEERS, &[])?;
    println!("module: {form} form");
    let mut bench = npm(project, PEERS, &["run", "--silent", "bench", "--"]);
    suites::add_environment(project, bench.args(options), &browser::chromium(project)?);
    let status = bench.status().context("cannot start npm")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The benchmarks in benches/; then builds everything, and lets the pages of tests/e2e measure and print their own table.
fn alone(project: &Project, form: Form) -> Result<ExitCode> {
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
