//! The command line.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand, ValueEnum};
use pennon::engine::platform::NATIVE;
use pennon::engine::ruleset::Ruleset;

use crate::check::{check, one_line};
use crate::document::Document;
use crate::explain::{Override, explain, read_person};
use crate::finding::{counts, printable, to_json, to_text};
use crate::{clock, input, story, types};

/// Checks rulesets, explains decisions, and writes the types of flags.
///
/// Ends with 0, with 1 when something is wrong with the ruleset, and with 2 when the command could not do its work.
#[derive(Parser)]
#[command(name = "pennon", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Lists everything wrong with a ruleset, with its place
    Check(CheckOptions),
    /// Tells how a flag is decided for a person, step by step
    Explain(ExplainOptions),
    /// Writes the TypeScript interface of a ruleset's flags, for createClient<Flags>()
    Types(TypesOptions),
}

#[derive(Args)]
struct CheckOptions {
    /// The ruleset; - for standard input
    ruleset: PathBuf,

    /// The ruleset before it: refuses what would spoil the counting of exposures. Of further ones, given newest first,
    /// only the names of experiments are looked at
    #[arg(long, value_name = "FILE")]
    previous: Vec<PathBuf>,

    /// Let warnings fail too
    #[arg(long)]
    deny_warnings: bool,

    /// How findings are written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    /// The time at which flags are running or not: ISO 8601 with a zone, or Unix milliseconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = clock::parse, allow_negative_numbers = true)]
    now: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each
    Text,
    /// One object: errors, warnings, findings
    Json,
}

#[derive(Args)]
struct ExplainOptions {
    /// The ruleset; - for standard input
    ruleset: PathBuf,

    /// The flag's key
    #[arg(long, value_name = "KEY")]
    flag: String,

    /// The person: a JSON object with distinctId, anonymousId, deviceId and attributes; - for standard input
    #[arg(long, value_name = "FILE")]
    context: PathBuf,

    /// The time of the decision: ISO 8601 with a zone, or Unix milliseconds [default: now]
    #[arg(long, value_name = "TIME", value_parser = clock::parse, allow_negative_numbers = true)]
    now: Option<f64>,

    /// Serve this variant of this flag, whatever its rules say; may be repeated
    #[arg(long = "override", value_name = "FLAG=VARIANT", value_parser = Override::parse)]
    overrides: Vec<Override>,

    /// Print the JSON that client.explain(key) gives in a browser
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct TypesOptions {
    /// The ruleset; - for standard input
    ruleset: PathBuf,

    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// The interface's name
    #[arg(long, default_value = "Flags", value_parser = types::interface_name)]
    name: String,
}

/// Runs the command that the arguments name.
pub fn run() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Check(options) => run_check(&options),
        Command::Explain(options) => run_explain(options),
        Command::Types(options) => run_types(&options),
    }
}

fn run_check(options: &CheckOptions) -> Result<ExitCode> {
    at_most_one_stdin(options.previous.iter().chain([&options.ruleset]))?;
    let text = input::read(&options.ruleset)?;
    let previous = options.previous.iter().map(|file| read_previous(file)).collect::<Result<Vec<_>>>()?;
    let findings = check(&text, &previous, options.now.unwrap_or_else(clock::now_ms));
    let report = match options.format {
        Format::Text => to_text(&findings),
        Format::Json => to_json(&findings)?,
    };
    print(&report)?;
    let (errors, warnings) = counts(&findings);
    let fails = errors > 0 || (options.deny_warnings && warnings > 0);
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A ruleset to compare with. One that no client would have taken was never served.
fn read_previous(file: &Path) -> Result<Document> {
    let text = input::read(file)?;
    match Ruleset::read(&text, NATIVE) {
        Ok(_) => Ok(Document::read(&text)),
        Err(problem) => bail!("{}: {}", input::name(file), one_line(&problem)),
    }
}

fn at_most_one_stdin<'f>(files: impl Iterator<Item = &'f PathBuf>) -> Result<()> {
    if files.filter(|file| input::is_stdin(file)).count() > 1 {
        bail!("standard input was named more than once, expected at most one -");
    }
    Ok(())
}

fn run_explain(options: ExplainOptions) -> Result<ExitCode> {
    at_most_one_stdin([&options.ruleset, &options.context].into_iter())?;
    let text = input::read(&options.ruleset)?;
    let person = read_person(&options.context)?;
    for note in person.made_up() {
        eprintln!("note: {note}");
    }
    let trace = explain(&text, &options.flag, person, options.overrides, options.now.unwrap_or_else(clock::now_ms))?;
    if let Some(problem) = Ruleset::read(&text, NATIVE).ok().and_then(|ruleset| ruleset.problem(&options.flag)) {
        eprintln!("error: {}", one_line(&problem));
    }
    print(&if options.json { trace.clone() + "\n" } else { story::tell(&trace) })?;
    let has_failed = story::has_failed(&trace);
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn run_types(options: &TypesOptions) -> Result<ExitCode> {
    let text = input::read(&options.ruleset)?;
    let broken: Vec<_> =
        check(&text, &[], 0.0).into_iter().filter(|finding| counts(std::slice::from_ref(finding)).0 > 0).collect();
    if !broken.is_empty() {
        // Types that leave a flag out would hide from the compiler that it is broken.
        eprint!("{}", to_text(&broken));
        return Ok(ExitCode::FAILURE);
    }
    let interface = types::interface(&options.name, &Document::read(&text).flags);
    match &options.out {
        Some(file) => std::fs::write(file, interface)
            .with_context(|| format!("cannot write {}", printable(&file.display().to_string())))?,
        None => print(&interface)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes to standard output. A reader that hangs up has read enough.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
