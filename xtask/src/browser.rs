//! Chromium and its driver.

use crate::apt;
use crate::process::on_path;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Quiet and the same everywhere: no graphics card, no traffic of the browser's own.
const FLAGS: [&str; 7] = [
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Chromium: what PENNON_CHROMIUM names, else from PATH, else installed with apt.
pub fn chromium(project: &Project) -> Result<PathBuf> {
    find(project, "PENNON_CHROMIUM", &CHROMIUM_NAMES, "chromium", "Chromium")
}

/// chromedriver: what CHROMEDRIVER names, else from PATH, else installed with apt.
pub fn chromedriver(project: &Project) -> Result<PathBuf> {
    find(project, "CHROMEDRIVER", &["chromedriver"], "chromium-driver", "chromedriver")
}

fn find(project: &Project, variable: &str, names: &[&str], package: &str, what: &str) -> Result<PathBuf> {
    if let Some(named) = std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from) {
        if !named.is_file() {
            bail!("{variable} names {}, which is no file; expected the program {what}", named.display());
        }
        return Ok(named);
    }
    if let Some(found) = on_path(names) {
        return Ok(found);
    }
    if !apt::is_here() {
        bail!("{what} is missing; install it, or set {variable} to its path");
    }
    apt::install(project, &[package], "testing in a browser")?;
    on_path(names).with_context(|| format!("{what} is not on PATH after the installation of {package}"))
}

/// Writes the settings with which chromedriver starts `chromium`; gives the file's path, for
/// WASM_BINDGEN_TEST_WEBDRIVER_JSON.
pub fn webdriver_settings(project: &Project, chromium: &Path) -> Result<PathBuf> {
    let mut flags = FLAGS.to_vec();
    if rustix::process::geteuid().is_root() {
        // Chromium's sandbox refuses to start for root.
        flags.push("--no-sandbox");
    }
    let settings = json!({ "goog:chromeOptions": { "binary": chromium, "args": flags } });
    let folder = project.scratch();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join("webdriver.json");
    fs::write(&path, settings.to_string()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}
