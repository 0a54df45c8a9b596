//! The demo page, which installs the packed package as its users do.

use crate::node::{self, npm};
use crate::process;
use crate::project::Project;
use crate::stamp::Step;
use anyhow::Result;

const TARBALL: &str = "target/package/pennon.tgz";

/// Builds the page into www/dist unless it is unchanged. The tarball must be there.
pub fn build(project: &Project) -> Result<()> {
    node::install(project, "www", &[TARBALL])?;
    let facts = [node::version()?];
    let step = Step { name: "www", inputs: &["www", TARBALL], facts: &facts, outputs: &["www/dist"] };
    step.run(project, || process::step(project, "demo page", &mut npm(project, "www", &["run", "build"])).map(drop))?;
    Ok(())
}
