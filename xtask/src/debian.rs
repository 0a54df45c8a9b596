//! A toolchain with the wasm target made from Debian's packages, for machines where rustup cannot download.
//!
//! Debian's security updates carry a current compiler with the source of its library, but no library compiled for
//! `wasm32-unknown-unknown` and no linker for it. The library is compiled here, once; the linker is rustup's.

use crate::apt;
use crate::process::{self, command};
use crate::project::Project;
use crate::toolchain::TARGET;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// The name under which rustup knows the toolchain.
pub const NAME: &str = "pennon";

/// The file in the toolchain's folder that says what it was made from.
pub const MADE_FROM: &str = "made-from.txt";

const PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm"];
const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const SYSTEM_RUSTLIB: &str = "/usr/lib/rustlib";

/// Raise it when this file lays the folder out differently, so that folders made before are made again.
const RECIPE: u32 = 1;

/// Whether the folder exists, with a linker, and was made by this recipe from the compiler that is installed now.
pub fn is_current(project: &Project) -> bool {
    let Ok(found) = fs::read_to_string(fingerprint_file(project)) else {
        return false;
    };
    let Some(version) = process::answer(command(RUSTC).arg("-vV")) else {
        return false;
    };
    let linker = host_of(&version).map(|host| folder(project).join(linker_of(host)));
    found == fingerprint(&version) && linker.is_ok_and(|linker| linker.exists())
}

/// Installs the packages, lays out the folder and links it in rustup. `rustup_sysroot`: the toolchain with the linker.
pub fn make_toolchain(project: &Project, rustup_sysroot: &Path) -> Result<()> {
    apt::install(project, &PACKAGES, "compiling for WebAssembly, where rustup cannot download,")?;
    let folder = folder(project);
    if !is_current(project) {
        let version = process::answer(command(RUSTC).arg("-vV")).with_context(|| format!("{RUSTC} does not run"))?;
        let host = host_of(&version)?;
        let linker = rustup_sysroot.join(linker_of(host));
        if !linker.exists() {
            bail!("no rust-lld at {}; install a toolchain with: rustup toolchain install stable", linker.display());
        }
        let libraries = build_std(project)?;
        let unfinished = folder.with_extension(format!("unfinished-{}", std::process::id()));
        lay_out(&unfinished, &folder, host, &linker, &libraries)
            .with_context(|| format!("cannot lay out {}", unfinished.display()))?;
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        fs::rename(&unfinished, &folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(fingerprint_file(project), fingerprint(&version))?;
        fs::remove_dir_all(build_folder(project))?;
    }
    process::step(project, "rustup toolchain link", command("rustup").args(["toolchain", "link", NAME]).arg(&folder))?;
    Ok(())
}

fn folder(project: &Project) -> PathBuf {
    project.cache.join("toolchain")
}

fn fingerprint_file(project: &Project) -> PathBuf {
    folder(project).join(MADE_FROM)
}

fn build_folder(project: &Project) -> PathBuf {
    project.cache.join(format!("std-{}", std::process::id()))
}

fn fingerprint(rustc_version: &str) -> String {
    format!("recipe {RECIPE}\n{rustc_version}\n")
}

/// Where a toolchain for the triple `host` has its linker for wasm, relative to its sysroot.
fn linker_of(host: &str) -> String {
    format!("lib/rustlib/{host}/bin/rust-lld")
}

/// The host triple in the output of `rustc -vV`.
fn host_of(version: &str) -> Result<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).with_context(|| format!("{RUSTC} names no host"))
}

/// Compiles the standard library for wasm; gives the paths of its `.rlib` files.
fn build_std(project: &Project) -> Result<Vec<PathBuf>> {
    let folder = build_folder(project);
    fs::create_dir_all(folder.join("src")).with_context(|| format!("cannot create {}", folder.display()))?;
    fs::write(folder.join("Cargo.toml"), "[package]\nname = \"only-std\"\nedition = \"2024\"\n[workspace]\n")?;
    fs::write(folder.join("src/lib.rs"), "")?;
    let mut cargo = command(CARGO);
    cargo
        .current_dir(&folder)
        .env("RUSTC", RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        // Without bitcode a later `lto = "fat"` fails with "Can't find section .llvmbc".
        .env("CARGO_ENCODED_RUSTFLAGS", "-Cembed-bitcode=yes")
        .args(["build", "--release", "--target", TARGET, "--target-dir"])
        .arg(folder.join("target"))
        .args(["-Zbuild-std=std,panic_abort,panic_unwind,test", "--message-format=json-render-diagnostics"]);
    Ok(libraries_in(&process::step(project, "standard library for wasm", &mut cargo)?))
}

#[derive(Deserialize)]
struct Artifact {
    target: ArtifactTarget,
    filenames: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct ArtifactTarget {
    name: String,
}

/// The wasm `.rlib` files in cargo's JSON messages, without that of the empty crate they were built for.
fn libraries_in(messages: &str) -> Vec<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .filter(|artifact| artifact.target.name != "only_std")
        .flat_map(|artifact| artifact.filenames)
        .filter(|file| file.extension().is_some_and(|end| end == "rlib"))
        .filter(|file| file.components().any(|part| part.as_os_str() == TARGET))
        .collect()
}

/// Fills `unfinished`, which is then renamed to `folder`.
fn lay_out(unfinished: &Path, folder: &Path, host: &str, linker: &Path, libraries: &[PathBuf]) -> Result<()> {
    let rustlib = unfinished.join("lib/rustlib");
    let target = rustlib.join(TARGET).join("lib");
    let host_folder = rustlib.join(host);
    for new in [&unfinished.join("bin"), &target, &host_folder.join("bin")] {
        fs::create_dir_all(new)?;
    }
    for program in ["rustc", "rustdoc"] {
        let wrapper = unfinished.join("bin").join(program);
        let sysroot = folder.to_str().context("the cache folder's name is not UTF-8")?.replace('\'', r"'\''");
        fs::write(&wrapper, format!("#!/bin/sh\nexec /usr/bin/{program} --sysroot '{sysroot}' \"$@\"\n"))?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    }
    symlink(CARGO, unfinished.join("bin/cargo"))?;
    symlink(Path::new(SYSTEM_RUSTLIB).join(host).join("lib"), host_folder.join("lib"))?;
    symlink(Path::new(SYSTEM_RUSTLIB).join("src"), rustlib.join("src"))?;
    // A link, because rust-lld finds its LLVM library relative to where it really is.
    symlink(linker, unfinished.join(linker_of(host)))?;
    for library in libraries {
        fs::copy(library, target.join(library.file_name().context("a library without a name")?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wasm_libraries_of_std_are_taken() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"core"},"filenames":["/t/wasm32-unknown-unknown/release/deps/libcore-1.rlib","/t/wasm32-unknown-unknown/release/deps/libcore-1.rmeta"]}"#,
            "\n   Compiling std v0.0.0\n",
            r#"{"reason":"compiler-artifact","target":{"name":"build-script-build"},"filenames":["/t/release/build/std/build-script-build"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"only_std"},"filenames":["/t/wasm32-unknown-unknown/release/libonly_std.rlib"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(libraries_in(messages), [PathBuf::from("/t/wasm32-unknown-unknown/release/deps/libcore-1.rlib")]);
    }

    #[test]
    fn the_host_is_read_from_the_compilers_version() {
        assert_eq!(
            host_of("rustc 1.96.0\nbinary: rustc\nhost: aarch64-unknown-linux-gnu\n").unwrap(),
            "aarch64-unknown-linux-gnu"
        );
        assert!(host_of("rustc 1.96.0").is_err());
    }
}
