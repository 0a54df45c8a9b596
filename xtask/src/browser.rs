//! Chromium, Firefox and WebKit, and their drivers.

use crate::apt;
use crate::process::on_path;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

const CHROMIUM_NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Debian's Firefox is the one with extended support.
const FIREFOX_NAMES: [&str; 2] = ["firefox-esr", "firefox"];

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

/// Firefox: what PENNON_FIREFOX names, else from PATH, else installed with apt.
pub fn firefox(project: &Project) -> Result<PathBuf> {
    find(project, "PENNON_FIREFOX", &FIREFOX_NAMES, "firefox-esr", "Firefox")
}

/// What runs pages in WebKit.
pub struct WebKit {
    pub driver: PathBuf,
    /// WebKitGTK's own small browser.
    pub browser: PathBuf,
}

/// WebKitGTK's driver and browser: what PENNON_WEBKIT_DRIVER and PENNON_MINI_BROWSER name, else where they are
/// installed, else installed with apt. With them xvfb-run, as the browser needs a display.
pub fn webkit(project: &Project) -> Result<WebKit> {
    let driver = find(project, "PENNON_WEBKIT_DRIVER", &["WebKitWebDriver"], "webkit2gtk-driver", "WebKitWebDriver")?;
    if on_path(&["xvfb-run"]).is_none() {
        if !apt::is_here() {
            bail!("xvfb-run is missing; install it: WebKit needs a display");
        }
        // What xvfb-run uses to let its programs in is a package of its own.
        apt::install(project, &["xvfb", "xauth"], "testing in WebKit")?;
    }
    if let Some(named) = std::env::var_os("PENNON_MINI_BROWSER").filter(|value| !value.is_empty()) {
        return Ok(WebKit { driver, browser: named.into() });
    }
    let browser = mini_browsers().into_iter().find(|file| file.is_file()).context(
        "WebKit's MiniBrowser is not where the package webkit2gtk-driver puts it; set PENNON_MINI_BROWSER to its path",
    )?;
    Ok(WebKit { driver, browser })
}

/// Where MiniBrowser may be: Debian has a folder for each architecture.
fn mini_browsers() -> Vec<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    folders.flat_map(|folder| ["4.1", "6.0"].map(|api| folder.join(format!("webkit2gtk-{api}/MiniBrowser")))).collect()
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
