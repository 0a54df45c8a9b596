//! The collector, as people run it: native and optimized.

use crate::process::{self, command};
use crate::project::Project;
use crate::stamp::Step;
use anyhow::{Context, Result};

/// Builds target/release/pennon-collector unless it is unchanged.
pub fn build(project: &Project) -> Result<()> {
    let rustc = process::answer(command("rustc").arg("-vV")).context("rustc does not run")?;
    let facts = [rustc];
    let step = Step {
        name: "collector",
        inputs: &["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "src", "collector"],
        facts: &facts,
        outputs: &["target/release/pennon-collector"],
    };
    step.run(project, || {
        let mut cargo = command("cargo");
        cargo.current_dir(&project.root).args(["build", "--release", "--package", "pennon-collector", "--target-dir"]);
        process::step(project, "collector", cargo.arg(project.path("target"))).map(drop)
    })?;
    Ok(())
}
