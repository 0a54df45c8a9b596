//! wasm-bindgen, wasm-pack and geckodriver, in exactly the versions that the project needs.

use crate::process::{self, command, on_path};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const WASM_PACK_VERSION: &str = "0.15.1";
const GECKODRIVER_VERSION: &str = "0.37.1";

/// The folder with `wasm-bindgen` and `wasm-bindgen-test-runner`, of the version that Cargo.lock has: the tool and the
/// crate speak a format that changes with every release.
pub fn wasm_bindgen(project: &Project) -> Result<PathBuf> {
    let version = wasm_bindgen_version(project)?;
    install(project, "wasm-bindgen-cli", &["wasm-bindgen", "wasm-bindgen-test-runner"], &version)
}

/// The folder with `wasm-pack`.
pub fn wasm_pack(project: &Project) -> Result<PathBuf> {
    install(project, "wasm-pack", &["wasm-pack"], WASM_PACK_VERSION)
}

/// The folder with `geckodriver`, which drives Firefox.
pub fn geckodriver(project: &Project) -> Result<PathBuf> {
    install(project, "geckodriver", &["geckodriver"], GECKODRIVER_VERSION)
}

/// The version of the crate wasm-bindgen in Cargo.lock.
pub fn wasm_bindgen_version(project: &Project) -> Result<String> {
    let path = project.path("Cargo.lock");
    let lock = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let version = locked_version(&lock, "wasm-bindgen").context("Cargo.lock has no package wasm-bindgen")?;
    Ok(version.to_owned())
}

/// The version of `package` in the text of a Cargo.lock.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Programs on PATH of the right version, else those in the cache, else compiled into the cache now.
fn install(project: &Project, package: &str, programs: &[&str], version: &str) -> Result<PathBuf> {
    let has_all =
        |folder: &Path| programs.iter().all(|program| version_of(&folder.join(program)).as_deref() == Some(version));
    if let Some(found) = programs.first().and_then(|program| on_path(&[program]))
        && let Some(folder) = found.parent()
        && has_all(folder)
    {
        return Ok(folder.to_path_buf());
    }
    let root = project.cache.join("tools").join(format!("{package}-{version}"));
    let folder = root.join("bin");
    if has_all(&folder) {
        return Ok(folder);
    }
    let cargo_install = |locked: &[&str]| {
        let label = format!("cargo install {package} {version}{}", if locked.is_empty() { "" } else { ", locked" });
        let mut cargo = command("cargo");
        // Outside the checkout, whose .cargo/config.toml is not meant for a tool.
        cargo
            .current_dir("/")
            .args(["install", package, "--version", version, "--force", "--root"])
            .arg(&root)
            .args(locked);
        process::observe(project, &label, &mut cargo, None)
    };
    // A registry mirror may lag behind the newest versions in a tool's own lock file.
    if !cargo_install(&["--locked"])?.status.success() {
        let second = cargo_install(&[])?;
        if !second.status.success() {
            eprintln!("{}", second.output.trim_end());
            bail!("{package} {version} could not be installed");
        }
    }
    if !has_all(&folder) {
        bail!(
            "{} does not hold {} of version {version} after its installation",
            folder.display(),
            programs.join(" and ")
        );
    }
    Ok(folder)
}

fn version_of(program: &Path) -> Option<String> {
    program.is_file().then_some(())?;
    version_in(&process::answer(command(program).arg("--version"))?)
}

/// `0.2.130` in `wasm-bindgen 0.2.130 (abc)`.
fn version_in(answer: &str) -> Option<String> {
    answer.split_whitespace().nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_whole_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.9.9\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "bindgen"), None);
    }

    #[test]
    fn a_tools_version_is_the_second_word_of_its_answer() {
        assert_eq!(version_in("wasm-bindgen 0.2.130").as_deref(), Some("0.2.130"));
        assert_eq!(version_in("wasm-bindgen-test-runner 0.2.130 (f00)").as_deref(), Some("0.2.130"));
        assert_eq!(version_in("geckodriver 0.37.1 (abc 2026-01-01)\n\nThe source code\n").as_deref(), Some("0.37.1"));
        assert_eq!(version_in("wasm-pack"), None);
    }
}
