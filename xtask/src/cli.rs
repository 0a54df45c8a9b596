//! The command line.

use crate::project::Project;
use crate::suites::Suite;
use crate::wasm::Form;
use crate::{bench, demo, faults, fuzz, pipeline, size, suites};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds, runs and checks pennon. Each command first installs or finds what it needs, and skips what is unchanged.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Build the module with nothing unstable, as any stable toolchain can: it works the same and is larger
    #[arg(long, global = true)]
    plain: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Build the wasm module, the npm package, the demo page and the collector
    Build,
    /// Build everything, then serve the demo and its collector until Ctrl-C
    Demo {
        /// TCP port on 127.0.0.1; 0 takes any free one
        #[arg(long, default_value_t = 8787)]
        port: u16,
    },
    /// Run every test there is; ends with a line of totals
    Test {
        /// Run this suite alone; may be given several times
        #[arg(long, value_name = "SUITE", value_parser = Suite::parse)]
        only: Vec<Suite>,
    },
    /// Print the exact bytes that a page loads; fails above pkg/size-budget.json
    Size,
    /// Measure the engine natively, then build everything and measure it in Chromium
    Bench(bench::Choice),
    /// Inject the faults of docs/delivery.md in real browsers; print how many each survived, and what failed
    Faults(faults::Choice),
    /// Look for inputs that crash the engine, guided by what they reach; what is found stays in target/fuzz
    Fuzz {
        /// How long each target runs
        #[arg(long, default_value_t = fuzz::DEFAULT_SECONDS)]
        seconds: u32,
        /// This target alone
        #[arg(value_parser = fuzz::names())]
        target: Option<String>,
    },
}

/// Runs the command that the arguments name.
pub fn run() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let project = Project::find()?;
    let form = if cli.plain { Form::Plain } else { Form::Smallest };
    match cli.command {
        Command::Build => pipeline::everything(&project, form).map(|_| ExitCode::SUCCESS),
        Command::Demo { port } => demo::run(&project, form, port),
        Command::Test { only } => suites::run(&project, form, &only),
        Command::Size => size::run(&project, form),
        Command::Bench(choice) => bench::run(&project, form, &choice),
        Command::Faults(choice) => faults::run(&project, form, &choice),
        Command::Fuzz { seconds, target } => fuzz::run(&project, seconds, target.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_command_is_well_formed_and_has_help() {
        let mut command = Cli::command();
        command.clone().debug_assert();
        for name in ["build", "demo", "test", "size", "bench", "faults", "fuzz"] {
            let help = command.find_subcommand_mut(name).unwrap().render_long_help().to_string();
            assert!(help.contains("Usage:"), "{name}: {help}");
        }
    }

    #[test]
    fn demo_listens_on_8787_unless_told_otherwise() {
        let port_of = |arguments: &[&str]| match Cli::parse_from(arguments).command {
            Command::Demo { port } => port,
            _ => panic!("not the demo"),
        };
        assert_eq!(port_of(&["xtask", "demo"]), 8787);
        assert_eq!(port_of(&["xtask", "demo", "--port", "9000"]), 9000);
    }

    #[test]
    fn options_of_the_peer_benchmark_are_for_it_alone() {
        assert!(Cli::try_parse_from(["xtask", "bench", "--peers", "--", "--rounds", "1"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "bench", "--", "--rounds", "1"]).is_err());
    }

    #[test]
    fn only_refuses_a_suite_that_does_not_exist() {
        assert!(Cli::try_parse_from(["xtask", "test", "--only", "e2e"]).is_ok());
        assert!(Cli::try_parse_from(["xtask", "test", "--only", "nothing"]).is_err());
    }
}
