//! `cargo xtask faults`: every fault of docs/delivery.md, injected into the package in real browsers.

use crate::counts::Counts;
use crate::node::{self, npm};
use crate::process::{self, command};
use crate::project::Project;
use crate::wasm::Form;
use crate::{browser, pipeline, suites, tools};
use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use std::process::{Command, ExitCode};

const FOLDER: &str = "tests/faults";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Browser {
    Chromium,
    Firefox,
    Webkit,
}

impl Browser {
    fn name(self) -> &'static str {
        match self {
            Self::Chromium => "chromium",
            Self::Firefox => "firefox",
            Self::Webkit => "webkit",
        }
    }
}

/// What is run.
#[derive(Args, Debug)]
pub struct Choice {
    /// In this browser alone; may be given several times
    #[arg(long, value_name = "BROWSER")]
    browser: Vec<Browser>,

    /// This row alone, such as N7; may be given several times
    #[arg(long, value_name = "ROW")]
    row: Vec<String>,

    /// How many rows run beside each other in a browser
    #[arg(long)]
    jobs: Option<u32>,

    /// Measures this figure instead, such as redirect, in one browser after the other
    #[arg(long, value_name = "FIGURE", conflicts_with_all = ["row", "jobs"])]
    figure: Option<String>,

    /// Options of the figure, such as `-- --visitors 500`
    #[arg(last = true, requires = "figure")]
    options: Vec<String>,
}

/// Builds everything, then runs the chosen rows and prints how many each browser survived; or measures a figure.
pub fn run(project: &Project, form: Form, choice: &Choice) -> Result<ExitCode> {
    pipeline::everything(project, form)?;
    let browsers = if choice.browser.is_empty() { Browser::value_variants() } else { &choice.browser };
    if let Some(figure) = &choice.figure {
        return measure(project, browsers, figure, &choice.options);
    }
    let mut rows = prepare(project, browsers, "faults")?;
    for row in &choice.row {
        rows.args(["--row", row]);
    }
    if let Some(jobs) = choice.jobs {
        rows.args(["--jobs", &jobs.to_string()]);
    }
    let status = rows.status().context("cannot start node")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(project: &Project, browsers: &[Browser], figure: &str, options: &[String]) -> Result<ExitCode> {
    let mut has_missed = false;
    for browser in browsers {
        let mut runner = prepare(project, std::slice::from_ref(browser), "figure")?;
        let status = runner.args(["--figure", figure]).args(options).status().context("cannot start node")?;
        has_missed |= !status.success();
    }
    Ok(if has_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What each change has to survive: all rows in Chromium, and in the other browsers those that are most likely to differ.
/// Package and collector must be there.
pub fn run_counted(project: &Project) -> Result<(process::Finished, Counts)> {
    let mut rows = prepare(project, Browser::value_variants(), "faults")?;
    let finished = process::observe(project, "faults", rows.arg("--ci"), None)?;
    let counts = Counts::in_node_output(&finished.output).judged(finished.status.success());
    Ok((finished, counts))
}

/// That script of the rows' project, with all that it needs installed and built.
fn prepare(project: &Project, browsers: &[Browser], script: &str) -> Result<Command> {
    build_chaos(project)?;
    node::install(project, FOLDER, &[])?;
    // Some rows are held by tests of this folder.
    node::install(project, "tests/e2e", &[])?;
    let mut runner = npm(project, FOLDER, &["run", "--silent", script, "--"]);
    runner.env("PENNON_CHAOS", project.path("target/debug/pennon-chaos"));
    suites::add_environment(project, &mut runner, &browser::chromium(project)?);
    for browser in browsers {
        match browser {
            Browser::Chromium => {}
            Browser::Firefox => {
                runner.env("PENNON_FIREFOX", browser::firefox(project)?);
                runner.env("PENNON_GECKODRIVER", tools::geckodriver(project)?.join("geckodriver"));
            }
            Browser::Webkit => {
                let webkit = browser::webkit(project)?;
                runner.env("PENNON_WEBKIT_DRIVER", webkit.driver);
                runner.env("PENNON_MINI_BROWSER", webkit.browser);
            }
        }
        runner.args(["--browser", browser.name()]);
    }
    Ok(runner)
}

/// The server that fails as it is told.
fn build_chaos(project: &Project) -> Result<()> {
    let mut cargo = command("cargo");
    cargo.current_dir(&project.root).args(["build", "--package", "pennon-chaos", "--target-dir"]);
    process::step(project, "chaos server", cargo.arg(project.path("target"))).map(drop)
}
