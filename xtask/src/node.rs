//! Node and npm.

use crate::process::{self, command};
use crate::project::Project;
use crate::stamp::Step;
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;

/// The oldest Node that the tests and the tools run on.
const OLDEST_MAJOR: u32 = 20;

/// The version of Node, such as `v20.20.2`, or one sentence that says what to install.
pub fn version() -> Result<String> {
    let version = process::answer(command("node").arg("--version"))
        .with_context(|| format!("Node is missing; install Node {OLDEST_MAJOR} or newer from https://nodejs.org"))?;
    if major(&version).is_none_or(|major| major < OLDEST_MAJOR) {
        bail!("found Node {version}, expected {OLDEST_MAJOR} or newer; install it from https://nodejs.org");
    }
    if process::on_path(&["npm"]).is_none() {
        bail!("npm is missing beside Node {version}; install it from https://nodejs.org");
    }
    Ok(version)
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// `npm ARGUMENTS` in `folder`, relative to the root.
pub fn npm(project: &Project, folder: &str, arguments: &[&str]) -> Command {
    let mut npm = command("npm");
    npm.current_dir(project.path(folder)).args(arguments);
    npm
}

/// Installs the dependencies of the npm project in `folder` as its lock file names them, and again when the lock file
/// or one of `also` (files that it installs from) changed.
pub fn install(project: &Project, folder: &str, also: &[&str]) -> Result<()> {
    let node = version()?;
    let manifest = project.path(folder).join("package.json");
    let text = fs::read_to_string(&manifest).with_context(|| format!("cannot read {}", manifest.display()))?;
    if !has_dependencies(&text).with_context(|| format!("cannot understand {}", manifest.display()))? {
        return Ok(());
    }
    let own: Vec<String> =
        ["package.json", "package-lock.json", ".npmrc"].map(|file| format!("{folder}/{file}")).to_vec();
    let inputs: Vec<&str> = own.iter().map(String::as_str).chain(also.iter().copied()).collect();
    // npm's own record of what is in the folder.
    let installed = format!("{folder}/node_modules/.package-lock.json");
    let name = format!("npm ci {folder}");
    let step = Step { name: &name, inputs: &inputs, facts: &[node], outputs: &[&installed] };
    step.run(project, || process::step(project, &name, &mut npm(project, folder, &["ci"])).map(drop))?;
    Ok(())
}

/// Whether a package.json names anything to install.
fn has_dependencies(manifest: &str) -> Result<bool> {
    let manifest: serde_json::Value = serde_json::from_str(manifest)?;
    let count = |key: &str| manifest.get(key).and_then(|names| names.as_object()).map_or(0, |names| names.len());
    Ok(["dependencies", "devDependencies", "optionalDependencies"].iter().any(|key| count(key) > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_as_node_prints_it() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("v8.1.0"), Some(8));
        assert_eq!(major("20"), None);
    }

    #[test]
    fn a_project_without_dependencies_installs_nothing() {
        assert!(!has_dependencies(r#"{"name":"a"}"#).unwrap());
        assert!(!has_dependencies(r#"{"dependencies":{}}"#).unwrap());
        assert!(has_dependencies(r#"{"devDependencies":{"vite":"1"}}"#).unwrap());
        assert!(has_dependencies("<html>").is_err());
    }
}
