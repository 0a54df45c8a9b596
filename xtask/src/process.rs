//! Running other programs: a clean environment, progress on stderr, and the output when one fails.

use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest wait between two looks at a running program.
const POLL: Duration = Duration::from_millis(20);

/// A command without what `cargo run` added to the environment for this program alone: those would tell a cargo
/// started here about the wrong package, target folder and libraries.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_from_cargo_run) {
            command.env_remove(name);
        }
    }
    if let Some(paths) = std::env::var_os("LD_LIBRARY_PATH") {
        let kept: Vec<PathBuf> = std::env::split_paths(&paths).filter(|path| !is_cargo_library_folder(path)).collect();
        match std::env::join_paths(&kept) {
            Ok(joined) if !kept.is_empty() => command.env("LD_LIBRARY_PATH", joined),
            _ => command.env_remove("LD_LIBRARY_PATH"),
        };
    }
    command
}

fn is_from_cargo_run(name: &str) -> bool {
    const PREFIXES: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    matches!(name, "CARGO" | "OUT_DIR" | "CARGO_TARGET_DIR") || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_cargo_library_folder(path: &Path) -> bool {
    let of_this_program = std::env::current_exe().ok().and_then(|exe| Some(path.starts_with(exe.parent()?)));
    of_this_program.unwrap_or(false) || path.components().any(|part| part.as_os_str() == "toolchains")
}

/// What a finished program left behind.
pub struct Finished {
    pub status: ExitStatus,
    /// stdout and stderr as they came, one after the other.
    pub output: String,
}

/// Runs `command` to its end with its output in `target/xtask/logs/`, showing `label` and then the seconds it took.
///
/// A program still running after `limit` is killed and counts as failed.
pub fn observe(project: &Project, label: &str, command: &mut Command, limit: Option<Duration>) -> Result<Finished> {
    let logs = project.scratch().join("logs");
    fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
    let path = logs.join(format!("{}.log", label.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
    let log = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let started = Stopwatch::start();
    let mut progress = Progress::begin(label);
    let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if limit.is_some_and(|limit| started.elapsed() > limit) {
            child.kill()?;
            break child.wait()?;
        }
        progress.tick(started.elapsed());
        sleep(POLL);
    };
    progress.end(started.elapsed(), status.success());
    let output = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
    Ok(Finished { status, output })
}

/// As [`observe`]; shows the output and fails when the program failed.
pub fn step(project: &Project, label: &str, command: &mut Command) -> Result<String> {
    let finished = observe(project, label, command, None)?;
    if finished.status.success() {
        return Ok(finished.output);
    }
    eprintln!("{}", finished.output.trim_end());
    bail!("{label} failed: {} ended with {}", command.get_program().to_string_lossy(), finished.status)
}

/// What `program` prints on stdout, trimmed; `None` when it cannot be started or fails.
pub fn answer(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The first of `names` that is an executable file in a folder of PATH.
pub fn on_path(names: &[&str]) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let paths = std::env::var_os("PATH")?;
    let runs =
        |file: &PathBuf| fs::metadata(file).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    names.iter().find_map(|name| std::env::split_paths(&paths).map(|folder| folder.join(name)).find(runs))
}

/// PATH with `folders` before it.
pub fn path_with(folders: &[&Path]) -> Result<std::ffi::OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().map(|folder| folder.to_path_buf()).chain(std::env::split_paths(&old));
    std::env::join_paths(all).context("PATH cannot be extended")
}

/// One line on stderr for something worth knowing that is no failure.
pub fn note(text: &str) {
    eprintln!("  {text}");
}

/// Time since `start`.
pub struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the driver measures real time; only the engine must not")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The line of a running step: rewritten each second on a terminal, else written at the start and at the end.
struct Progress<'a> {
    label: &'a str,
    live: bool,
    shown_s: u64,
}

impl<'a> Progress<'a> {
    fn begin(label: &'a str) -> Self {
        let live = std::io::stderr().is_terminal();
        if live {
            eprint!("  {label} …");
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("  {label} …");
        }
        Self { label, live, shown_s: 0 }
    }

    fn tick(&mut self, elapsed: Duration) {
        if self.live && elapsed.as_secs() > self.shown_s {
            self.shown_s = elapsed.as_secs();
            eprint!("\r  {} … {} s", self.label, self.shown_s);
            let _ = std::io::stderr().flush();
        }
    }

    fn end(&self, elapsed: Duration, success: bool) {
        let start = if self.live { "\r" } else { "" };
        let outcome = if success { "" } else { ", failed" };
        eprintln!("{start}  {}: {:.1} s{outcome}   ", self.label, elapsed.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_run_sets_is_told_from_what_a_user_sets() {
        for name in ["CARGO", "CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "CARGO_TARGET_DIR", "OUT_DIR"] {
            assert!(is_from_cargo_run(name), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_REGISTRIES_CRATES_IO_PROTOCOL", "RUSTUP_TOOLCHAIN", "CARGO_BUILD_JOBS"] {
            assert!(!is_from_cargo_run(name), "{name}");
        }
    }

    #[test]
    fn a_program_that_fails_or_is_missing_has_no_answer() {
        assert_eq!(answer(Command::new("echo").arg("hello")), Some("hello".to_owned()));
        assert_eq!(answer(&mut Command::new("false")), None);
        assert_eq!(answer(&mut Command::new("pennon-no-such-program")), None);
    }

    #[test]
    fn a_program_is_found_on_path_only_under_its_own_name() {
        assert!(on_path(&["pennon-no-such-program", "sh"]).is_some_and(|path| path.ends_with("sh")));
        assert_eq!(on_path(&["pennon-no-such-program"]), None);
    }
}
