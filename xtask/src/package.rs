//! The npm package: pkg/dist, and the tarball that the demo page and the packaging tests install.

use crate::node::{self, npm};
use crate::process;
use crate::project::Project;
use crate::stamp::Step;
use anyhow::{Context, Result};
use std::fs;

/// Not all of pkg/: the build copies licences, README, the ruleset's specification and its schema into it.
const INPUTS: [&str; 11] = [
    "pkg/src",
    "pkg/scripts",
    "pkg/package.json",
    "pkg/package-lock.json",
    "pkg/tsconfig.json",
    "pkg/.npmrc",
    "README.md",
    "docs/ruleset.md",
    "docs/ruleset.schema.json",
    "LICENSE-MIT",
    "LICENSE-APACHE",
];

/// Builds and packs the package unless it is unchanged. The module must be there.
pub fn build(project: &Project) -> Result<()> {
    let facts = [node::version()?];
    let step = Step {
        name: "package",
        inputs: &INPUTS,
        facts: &facts,
        outputs: &["pkg/dist", "pkg/dist-testing", "target/package"],
    };
    step.run(project, || make(project))?;
    Ok(())
}

fn make(project: &Project) -> Result<()> {
    process::step(project, "package", &mut npm(project, "pkg", &["run", "build"]))?;
    let folder = project.path("target/package");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    process::step(project, "npm pack", npm(project, "pkg", &["pack", "--pack-destination"]).arg(&folder))?;
    let packed = fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "tgz"))
        .with_context(|| format!("npm pack left no tarball in {}", folder.display()))?;
    fs::copy(&packed, project.tarball()).with_context(|| format!("cannot copy {}", packed.display()))?;
    Ok(())
}
