//! Coverage-guided fuzzing of the engine in process, on stable Rust: libFuzzer, and the compiler's own instrumentation.

use crate::counts::Counts;
use crate::process::{self, command, note, on_path};
use crate::project::Project;
use crate::{apt, toolchain};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

/// How long each target runs unless told otherwise, in seconds.
pub const DEFAULT_SECONDS: u32 = 30;

/// Where the targets are, a crate of its own.
const FOLDER: &str = "fuzz";
/// Everything that is made here: the build, the inputs found so far, and what crashed.
const MADE: &str = "target/fuzz";

/// A program of `fuzz/`, and the longest input that it is given, in bytes.
struct Target {
    name: &'static str,
    max_input_bytes: u32,
    /// A file of words that inputs are made of, where they are text.
    dictionary: Option<&'static str>,
}

const TARGETS: [Target; 4] = [
    Target { name: "adopt", max_input_bytes: 8192, dictionary: None },
    Target { name: "compile", max_input_bytes: 16_384, dictionary: Some("fuzz/ruleset.dict") },
    // The input is a row of choices.
    Target { name: "evaluate", max_input_bytes: 4096, dictionary: None },
    Target { name: "pattern", max_input_bytes: 128, dictionary: None },
];

/// What `cargo fuzz` gives the compiler, without the sanitizers, which need a nightly one. The first names the pass;
/// the others say what it counts: each edge, in a table that libFuzzer finds, and what comparisons compare.
const INSTRUMENTATION: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// One input has a minute: only a program that does not end takes so long.
const INPUT_LIMIT_S: u32 = 60;
const MEMORY_LIMIT_MB: u32 = 2048;
/// How long a target may take to end beyond its time: its last input, and writing what it found.
const GRACE: Duration = Duration::from_secs(120);

/// The names that the command line knows.
pub fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// Fuzzes the target of that name, or all, as many beside each other as there are processors.
pub fn run(project: &Project, seconds: u32, only: Option<&str>) -> Result<ExitCode> {
    let counts = run_counted(project, seconds, only)?;
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As [`run`]; each target is one test.
pub fn run_counted(project: &Project, seconds: u32, only: Option<&str>) -> Result<Counts> {
    let programs = &build(project)?;
    let chosen: Vec<&Target> = TARGETS.iter().filter(|target| only.is_none_or(|name| name == target.name)).collect();
    let mut counts = Counts::default();
    // Each keeps one processor busy.
    for together in chosen.chunks(thread::available_parallelism()?.get()) {
        let results: Vec<Result<String>> = thread::scope(|scope| {
            let begin = |target| scope.spawn(move || fuzz(project, target, programs, seconds));
            let running: Vec<_> = together.iter().copied().map(begin).collect();
            running.into_iter().map(|one| one.join().unwrap_or_else(|_| bail!("panicked"))).collect()
        });
        for (target, result) in together.iter().zip(results) {
            counts += Counts::of_check(result.is_ok());
            match result {
                Ok(found) => note(&format!("fuzz {}: {found}", target.name)),
                Err(error) => eprintln!("fuzz {}: {error:#}", target.name),
            }
        }
    }
    Ok(counts)
}

/// Compiles the targets; gives the folder with the programs.
fn build(project: &Project) -> Result<PathBuf> {
    if std::env::var_os("CXX").is_none() && on_path(&["c++", "g++", "clang++"]).is_none() {
        if !apt::is_here() {
            bail!("fuzzing needs a C++ compiler; install one, or set CXX to its path");
        }
        apt::install(project, &["g++"], "fuzzing")?;
    }
    let host = toolchain::host()?;
    // With a target named, the flags are for the programs alone, not for build scripts and macros.
    let mut cargo = command("cargo");
    cargo
        .current_dir(&project.root)
        .env("RUSTFLAGS", INSTRUMENTATION.join(" "))
        .args(["build", "--release", "--manifest-path"])
        .arg(project.path(FOLDER).join("Cargo.toml"))
        .args(["--target", &host, "--target-dir"])
        .arg(project.path(MADE));
    process::step(project, "fuzz: cargo build", &mut cargo)?;
    Ok(project.path(MADE).join(host).join("release"))
}

/// Fuzzes one target; gives what it found in a sentence, or why it failed.
fn fuzz(project: &Project, target: &Target, programs: &std::path::Path, seconds: u32) -> Result<String> {
    let name = target.name;
    let found = project.path(MADE).join("corpus").join(name);
    let crashes = project.path(MADE).join("crashes");
    for folder in [&found, &crashes] {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let is_first_run = fs::read_dir(&found)?.next().is_none();
    let mut program = command(programs.join(name));
    program
        .current_dir(&project.root)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={}", target.max_input_bytes))
        .arg(format!("-timeout={INPUT_LIMIT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_LIMIT_MB}"))
        .arg(format!("-artifact_prefix={}/{name}-", crashes.display()))
        .args(target.dictionary.map(|file| format!("-dict={}", project.path(file).display())))
        // What is found goes to the first folder; the second is only read.
        .arg(found)
        .arg(project.path(FOLDER).join("seeds").join(name));
    let limit = Duration::from_secs(seconds.into()) + GRACE;
    let finished = process::observe(project, &format!("fuzz {name} {seconds} s"), &mut program, Some(limit))?;
    if !finished.status.success() {
        eprintln!("{}", finished.output.trim_end());
        bail!("ended with {}; the input is in {}", finished.status, crashes.display());
    }
    let coverage = Coverage::in_output(&finished.output).context("libFuzzer told no coverage")?;
    ensure!(coverage.edges > 0, "found {coverage}, expected a program that counts its edges");
    // Later runs begin with what earlier ones found, and may find no more.
    ensure!(coverage.grew() || !is_first_run, "found {coverage}, expected more than the seeds alone reach");
    Ok(coverage.to_string())
}

/// What libFuzzer told.
#[derive(Debug, PartialEq, Eq)]
struct Coverage {
    inputs: u64,
    /// Edges of the program that the seeds and the inputs of earlier runs reach.
    edges_at_first: u64,
    edges: u64,
    /// Edges, and how often each is taken.
    features_at_first: u64,
    features: u64,
}

impl Coverage {
    /// From lines (with tabs) like `#17 INITED cov: 902 ft: 1201 corp: 3/1Kb exec/s: 0 rss: 40Mb`.
    fn in_output(output: &str) -> Option<Self> {
        let line = |status: &str| output.lines().find(|line| line.starts_with('#') && line.contains(status));
        let after = |line: &str, word: &str| -> Option<u64> {
            line.split_whitespace().skip_while(|part| *part != word).nth(1)?.parse().ok()
        };
        let (first, last) = (line("\tINITED")?, line("\tDONE")?);
        Some(Self {
            inputs: last.strip_prefix('#')?.split_whitespace().next()?.parse().ok()?,
            edges_at_first: after(first, "cov:")?,
            edges: after(last, "cov:")?,
            features_at_first: after(first, "ft:")?,
            features: after(last, "ft:")?,
        })
    }

    /// Whether what was reached led to inputs that reach more.
    fn grew(&self) -> bool {
        self.features > self.features_at_first
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { inputs, edges_at_first, edges, features_at_first, features } = self;
        write!(
            formatter,
            "{inputs} inputs, {edges_at_first} to {edges} edges, {features_at_first} to {features} features"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_read_as_libfuzzer_prints_it() {
        let output = "INFO: Seed: 1\n#3\tINITED cov: 902 ft: 1201 corp: 3/1Kb exec/s: 0 rss: 40Mb\n\
            #768209\tDONE   cov: 1410 ft: 5300 corp: 600/41Kb lim: 4096 exec/s: 69837 rss: 480Mb\nDone 768209 runs\n";
        let coverage = Coverage::in_output(output).unwrap();
        assert_eq!(coverage.to_string(), "768209 inputs, 902 to 1410 edges, 1201 to 5300 features");
        assert!(coverage.grew());
        assert_eq!(Coverage::in_output("Done 3 runs in 1 second(s)"), None);
    }

    #[test]
    fn every_target_is_a_program_with_seeds() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for target in &TARGETS {
            assert!(root.join(format!("fuzz/targets/{}.rs", target.name)).is_file(), "{}", target.name);
            assert!(fs::read_dir(root.join(format!("fuzz/seeds/{}", target.name))).unwrap().count() > 0);
            assert!(target.dictionary.is_none_or(|file| root.join(file).is_file()));
        }
    }
}
