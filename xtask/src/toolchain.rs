//! The Rust toolchain that can compile for `wasm32-unknown-unknown`. Native builds keep the active one.
//!
//! In this order: the active toolchain has the target; the `pennon` toolchain made earlier is up to date; rustup can
//! add the target; Debian's packages can make the `pennon` toolchain (see `debian.rs`).

use crate::process::{self, command, on_path};
use crate::project::Project;
use crate::{apt, debian};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may try to download. The target's library is some 20 MB; an unreachable server can hang for longer.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);

/// A toolchain that has the wasm target.
pub struct Toolchain {
    /// What RUSTUP_TOOLCHAIN must be; `None` keeps the active toolchain.
    name: Option<&'static str>,
    /// What `rustc -vV` prints, and how the library was made when it was made here: what is compiled with another
    /// identity cannot be used.
    pub identity: String,
    pub sysroot: PathBuf,
}

impl Toolchain {
    /// The toolchain for the module, installed when it is missing.
    pub fn for_wasm(project: &Project) -> Result<Self> {
        let active =
            Self::inspect(None).context("rustc does not run; install Rust with rustup from https://rustup.rs")?;
        if active.has_target() {
            return Ok(active);
        }
        if debian::is_current(project)
            && let Some(linked) = Self::inspect(Some(debian::NAME)).filter(Self::has_target)
        {
            return Ok(linked);
        }
        if on_path(&["rustup"]).is_none() {
            bail!("this Rust has no {TARGET} target; install Rust with rustup from https://rustup.rs");
        }
        if rustup_adds(project, &["target", "add", TARGET])? && active.has_target() {
            return Ok(active);
        }
        if !apt::is_here() {
            bail!("rustup could not add the wasm target; connect to the internet and run: rustup target add {TARGET}");
        }
        process::note("rustup cannot download here: Debian's compiler is used instead");
        debian::make_toolchain(project, &active.sysroot)?;
        Self::inspect(Some(debian::NAME)).filter(Self::has_target).with_context(|| {
            format!(
                "the linked toolchain {0} has no {TARGET} target; run: rustup toolchain uninstall {0}",
                debian::NAME
            )
        })
    }

    /// Asks rustup for the library's source, which the smallest form of the module is built from. Being without it is
    /// no failure.
    pub fn try_to_add_source(&self, project: &Project) -> Result<()> {
        if self.name.is_none() && !self.has_source() && on_path(&["rustup"]).is_some() {
            rustup_adds(project, &["component", "add", "rust-src"])?;
        }
        Ok(())
    }

    /// `cargo`, `rustc` or another program, running with this toolchain.
    pub fn command(&self, program: &str) -> Command {
        command_with(self.name, program)
    }

    /// Whether the standard library can be built from source, and without any code for panics.
    pub fn builds_std(&self) -> bool {
        let immediate_abort = ["-Zunstable-options", "-Cpanic=immediate-abort", "--print=cfg", "--target", TARGET];
        self.has_source()
            && process::answer(self.command("rustc").env("RUSTC_BOOTSTRAP", "1").args(immediate_abort)).is_some()
    }

    pub fn has_clippy(&self) -> bool {
        process::answer(self.command("cargo").args(["clippy", "--version"])).is_some()
    }

    fn inspect(name: Option<&'static str>) -> Option<Self> {
        let version = process::answer(command_with(name, "rustc").arg("-vV"))?;
        let sysroot = PathBuf::from(process::answer(command_with(name, "rustc").args(["--print", "sysroot"]))?);
        let made_from = fs::read_to_string(sysroot.join(debian::MADE_FROM)).unwrap_or_default();
        Some(Self { name, identity: format!("{version}\n{made_from}"), sysroot })
    }

    fn has_target(&self) -> bool {
        has_std(&self.sysroot.join("lib/rustlib").join(TARGET).join("lib"))
    }

    fn has_source(&self) -> bool {
        self.sysroot.join("lib/rustlib/src/rust/library/Cargo.lock").exists()
    }
}

/// The machine that the active toolchain compiles for by itself, such as `x86_64-unknown-linux-gnu`.
pub fn host() -> Result<String> {
    let version = process::answer(command("rustc").arg("-vV"));
    let host = version.as_deref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("host: ")));
    host.map(str::to_owned).context("rustc does not run; install Rust with rustup from https://rustup.rs")
}

/// Whether `folder` holds a compiled standard library.
fn has_std(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

fn command_with(name: Option<&str>, program: &str) -> Command {
    let mut command = command(program);
    if let Some(name) = name {
        command.env("RUSTUP_TOOLCHAIN", name);
    }
    command
}

fn rustup_adds(project: &Project, arguments: &[&str]) -> Result<bool> {
    let label = format!("rustup {}", arguments.join(" "));
    let finished = process::observe(project, &label, command("rustup").args(arguments), Some(DOWNLOAD_LIMIT))?;
    Ok(finished.status.success())
}
