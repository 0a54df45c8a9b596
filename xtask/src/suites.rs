//! `cargo xtask test`: every suite, one after the other, whatever became of those before.

use crate::counts::Counts;
use crate::node::{self, npm};
use crate::process::{self, command, note};
use crate::project::Project;
use crate::toolchain::{TARGET, Toolchain};
use crate::wasm::{self, Form};
use crate::{browser, faults, fuzz, pipeline, size, tools};
use anyhow::{Context, Result, anyhow, bail};
use std::path::Path;
use std::process::{Command, ExitCode};

/// How long wasm-bindgen's runner waits for the page with the tests, in seconds. Its own 20 are short on a busy machine.
const BROWSER_LIMIT_S: &str = "180";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    Format,
    Clippy,
    ClippyWasm,
    Native,
    Size,
    Browser,
    Facade,
    EndToEnd,
    Packaging,
    Faults,
    Differential,
    Fuzz,
}

/// In the order in which they run: what fails fast goes first.
const ALL: [(Suite, &str); 12] = [
    (Suite::Format, "fmt"),
    (Suite::Clippy, "clippy"),
    (Suite::ClippyWasm, "clippy-wasm"),
    (Suite::Native, "native"),
    (Suite::Size, "size"),
    (Suite::Browser, "browser"),
    (Suite::Facade, "facade"),
    (Suite::Differential, "differential"),
    (Suite::EndToEnd, "e2e"),
    (Suite::Packaging, "packaging"),
    (Suite::Faults, "faults"),
    (Suite::Fuzz, "fuzz"),
];

impl Suite {
    /// The suite that the command line calls `name`.
    pub fn parse(name: &str) -> Result<Self, String> {
        ALL.iter().find(|(_, known)| *known == name).map(|(suite, _)| *suite).ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|(_, known)| *known).collect();
            format!("expected one of {}", names.join(", "))
        })
    }

    /// Whether it runs the built package, and whether also the rest: demo page and collector.
    fn needs(self) -> (bool, bool) {
        match self {
            Suite::Format | Suite::Clippy | Suite::ClippyWasm | Suite::Native | Suite::Browser | Suite::Fuzz => {
                (false, false)
            }
            Suite::Size | Suite::Facade | Suite::Differential | Suite::Packaging => (true, false),
            Suite::EndToEnd | Suite::Faults => (true, true),
        }
    }
}

/// Runs the suites named in `only`, or all of them, and prints how they went.
pub fn run(project: &Project, form: Form, only: &[Suite]) -> Result<ExitCode> {
    let chosen: Vec<(Suite, &str)> =
        ALL.into_iter().filter(|(suite, _)| only.is_empty() || only.contains(suite)).collect();
    let mut session = Session { project, form, package: None, rest: None };
    let mut total = Counts::default();
    let mut rows = Vec::new();
    for (suite, name) in chosen {
        match session.run(suite, name) {
            Ok(Ran::Counted(counts)) => {
                total += counts;
                rows.push(format!("{name:<12} {:>7} passed {:>5} failed", counts.passed, counts.failed));
            }
            Ok(Ran::Skipped(why)) => rows.push(format!("{name:<12} skipped: {why}")),
            Err(error) => {
                eprintln!("{name}: {error:#}");
                total += Counts::of_check(false);
                rows.push(format!("{name:<12} did not run: {error:#}"));
            }
        }
    }
    println!("\n{}\n", rows.join("\n"));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The variables by which suites find what was built; each has the same default in the suites themselves.
pub fn add_environment(project: &Project, suite: &mut Command, chromium: &Path) {
    suite
        .env("PENNON_COLLECTOR", project.collector())
        .env("PENNON_TARBALL", project.tarball())
        .env("PENNON_CHROMIUM", chromium);
}

/// What became of a suite.
enum Ran {
    Counted(Counts),
    /// This machine cannot run it and need not; the reason.
    Skipped(&'static str),
}

/// One run of the suites: what they need is built once, when the first of them asks.
struct Session<'a> {
    project: &'a Project,
    form: Form,
    package: Option<Result<(), String>>,
    rest: Option<Result<(), String>>,
}

impl Session<'_> {
    fn run(&mut self, suite: Suite, name: &str) -> Result<Ran> {
        self.prepare(suite)?;
        let project = self.project;
        let counts = match suite {
            Suite::Format => {
                let check = ["--check", "--", "--files-with-diff"];
                let mut counts = self.check(name, cargo(project).args(["fmt", "--all"]).args(check))?;
                let fuzz = ["fmt", "--manifest-path", "fuzz/Cargo.toml"];
                counts += self.check("fmt fuzz", cargo(project).args(fuzz).args(check))?;
                counts
            }
            Suite::Clippy => {
                let mut clippy = cargo(project);
                clippy.args(["clippy", "--workspace", "--all-targets", "--target-dir"]).arg(project.path("target"));
                self.check(name, clippy.args(["--", "--deny", "warnings"]))?
            }
            Suite::ClippyWasm => {
                let toolchain = Toolchain::for_wasm(project)?;
                if !toolchain.has_clippy() {
                    return Ok(Ran::Skipped("the toolchain for wasm has no clippy"));
                }
                let mut clippy = toolchain.command("cargo");
                clippy.current_dir(&project.root).args(["clippy", "--package", "pennon", "--lib", "--target", TARGET]);
                clippy.arg("--target-dir").arg(test_target(project, &toolchain)?);
                self.check(name, clippy.args(["--", "--deny", "warnings"]))?
            }
            Suite::Native => {
                let mut tests = cargo(project);
                tests.args(["test", "--workspace", "--no-fail-fast", "--target-dir"]).arg(project.path("target"));
                self.count(name, &mut tests, Counts::in_cargo_output)?
            }
            Suite::Size => {
                let report = size::report(project, self.form)?;
                if report.form == Form::Plain {
                    return Ok(Ran::Skipped("the budget is that of the smallest form; this is the plain one"));
                }
                for line in &report.excesses {
                    eprintln!("{line}");
                }
                Counts::of_check(report.excesses.is_empty())
            }
            Suite::Browser => self.count(name, &mut in_chromium(project)?, Counts::in_cargo_output)?,
            Suite::Facade => self.npm_test(name, "pkg")?,
            Suite::Differential => self.differential(name)?,
            Suite::EndToEnd => self.npm_test(name, "tests/e2e")?,
            Suite::Packaging => self.npm_test(name, "tests/packaging")?,
            Suite::Faults => {
                let mut counts = self.npm_test("faults registry", "tests/faults")?;
                let (finished, of_rows) = faults::run_counted(project)?;
                counts += show(&finished, of_rows);
                counts
            }
            Suite::Fuzz => fuzz::run_counted(project, fuzz::DEFAULT_SECONDS, None)?,
        };
        Ok(Ran::Counted(counts))
    }

    fn prepare(&mut self, suite: Suite) -> Result<()> {
        let (project, form) = (self.project, self.form);
        let (needs_package, needs_rest) = suite.needs();
        if needs_package {
            once(&mut self.package, || pipeline::package(project, form).map(drop))?;
        }
        if needs_rest {
            once(&mut self.rest, || pipeline::demo_parts(project))?;
        }
        Ok(())
    }

    fn check(&self, name: &str, command: &mut Command) -> Result<Counts> {
        let finished = process::observe(self.project, name, command, None)?;
        Ok(show(&finished, Counts::of_check(finished.status.success())))
    }

    fn count(&self, name: &str, command: &mut Command, counted: fn(&str) -> Counts) -> Result<Counts> {
        let finished = process::observe(self.project, name, command, None)?;
        Ok(show(&finished, counted(&finished.output).judged(finished.status.success())))
    }

    /// Generated cases, answered natively by a program and then by the module in Node.
    fn differential(&self, name: &str) -> Result<Counts> {
        let project = self.project;
        let mut build = cargo(project);
        build.args(["build", "--package", "differential", "--target-dir"]).arg(project.path("target"));
        process::step(project, "differential: cargo build", &mut build)?;
        let mut tests = npm(project, "tests/differential", &["test"]);
        tests.env("PENNON_DIFFERENTIAL", project.path("target/debug/differential"));
        let finished = process::observe(project, name, &mut tests, None)?;
        // The seed is in the name of the test.
        for line in finished.output.lines().filter(|line| line.contains("PENNON_SEED=")).take(1) {
            note(line.trim_start_matches("# Subtest: "));
        }
        Ok(show(&finished, Counts::in_node_output(&finished.output).judged(finished.status.success())))
    }

    fn npm_test(&self, name: &str, folder: &str) -> Result<Counts> {
        if !self.project.path(folder).is_dir() {
            bail!("found no folder {folder}, expected its tests there");
        }
        node::install(self.project, folder, &[])?;
        let mut tests = npm(self.project, folder, &["test"]);
        add_environment(self.project, &mut tests, &browser::chromium(self.project)?);
        self.count(name, &mut tests, Counts::in_node_output)
    }
}

/// Shows the output of a suite that failed.
fn show(finished: &process::Finished, counts: Counts) -> Counts {
    if counts.failed > 0 {
        eprintln!("{}", finished.output.trim_end());
        note(&format!("ended with {}", finished.status));
    }
    counts
}

/// Does `work` the first time; later times give the same result.
fn once(done: &mut Option<Result<(), String>>, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let result = done.get_or_insert_with(|| work().map_err(|error| format!("{error:#}")));
    result.clone().map_err(|message| anyhow!("the build failed: {message}"))
}

fn cargo(project: &Project) -> Command {
    let mut cargo = command("cargo");
    cargo.current_dir(&project.root);
    cargo
}

/// The target folder of what is compiled for wasm but not shipped.
fn test_target(project: &Project, toolchain: &Toolchain) -> Result<std::path::PathBuf> {
    let target = project.path("target/wasm/test");
    wasm::use_only_with(&target, &toolchain.identity)?;
    Ok(target)
}

/// `wasm-pack test` for tests/browser. It is a crate of its own, because wasm-pack compiles every test of a crate for
/// wasm, and those of the engine need what wasm has not.
fn in_chromium(project: &Project) -> Result<Command> {
    if !project.path("tests/browser").is_dir() {
        bail!("found no folder tests/browser, expected its tests there");
    }
    let toolchain = Toolchain::for_wasm(project)?;
    let (wasm_pack, bindgen) = (tools::wasm_pack(project)?, tools::wasm_bindgen(project)?);
    let settings = browser::webdriver_settings(project, &browser::chromium(project)?)?;
    let driver = browser::chromedriver(project)?;
    let mut tests =
        toolchain.command(wasm_pack.join("wasm-pack").to_str().context("the cache folder's name is not UTF-8")?);
    tests
        .current_dir(&project.root)
        .env("PATH", process::path_with(&[&bindgen])?)
        .env("CARGO_TARGET_DIR", test_target(project, &toolchain)?)
        .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", settings)
        .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_LIMIT_S)
        .args(["test", "--headless", "--chrome", "--chromedriver"])
        .arg(driver)
        .arg("tests/browser");
    Ok(tests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_one_name_and_is_found_by_it() {
        for (suite, name) in ALL {
            assert_eq!(Suite::parse(name), Ok(suite));
        }
        assert!(Suite::parse("end2end").unwrap_err().contains("e2e"));
    }

    #[test]
    fn a_failed_build_fails_each_suite_that_needs_it_and_runs_once() {
        let mut done = None;
        let mut runs = 0;
        for _ in 0..2 {
            let result = once(&mut done, || {
                runs += 1;
                bail!("no linker")
            });
            assert_eq!(result.unwrap_err().to_string(), "the build failed: no linker");
        }
        assert_eq!(runs, 1);
    }
}
