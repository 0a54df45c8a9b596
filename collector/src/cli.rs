//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Takes exposures over HTTP and keeps one row for each in SQLite; serves the ruleset; gives reports.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeOptions,
}

impl Cli {
    /// What to do. Without a subcommand: serve.
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the collector until SIGINT or SIGTERM (the default)
    Serve(ServeOptions),
    /// Prints the stored rows as JSON lines, oldest first; also while a collector runs on the file
    Rows(RowsOptions),
    /// Prints the stored links as JSON lines, oldest first; also while a collector runs on the file
    Links(LinksOptions),
}

#[derive(Debug, Args)]
pub struct ServeOptions {
    /// Address or name to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub host: String,

    /// TCP port, 0..65535; 0 takes any free one
    #[arg(long, default_value_t = 8787)]
    pub port: u16,

    /// SQLite file; made when it does not exist
    #[arg(long, default_value = "pennon.db", value_name = "FILE")]
    pub data: PathBuf,

    /// Ruleset that GET /ruleset.json serves; read again when the file changes
    #[arg(long, default_value = "ruleset.json", value_name = "FILE")]
    pub ruleset: PathBuf,

    /// Folder of static files, served at / [default: none]
    #[arg(long, value_name = "DIR")]
    pub www: Option<PathBuf>,

    /// Origin whose pages may send exposures and read the ruleset, such as https://shop.example, or * for any; may be
    /// repeated [default: none]
    #[arg(long = "cors-origin", value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,

    /// Largest request body, in bytes as sent
    #[arg(long, default_value_t = 1_048_576, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_body_bytes: u32,

    /// Largest request body, in bytes once gzip is unpacked
    #[arg(long, default_value_t = 4_194_304, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_unpacked_bytes: u32,
}

#[derive(Debug, Args)]
pub struct RowsOptions {
    /// SQLite file to read
    #[arg(long, default_value = "pennon.db", value_name = "FILE")]
    pub data: PathBuf,

    /// Only the rows of this flag [default: all]
    #[arg(long, value_name = "KEY")]
    pub flag: Option<String>,
}

#[derive(Debug, Args)]
pub struct LinksOptions {
    /// SQLite file to read
    #[arg(long, default_value = "pennon.db", value_name = "FILE")]
    pub data: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_is_what_runs_without_a_subcommand() {
        for arguments in [vec!["pennon-collector", "--port", "0"], vec!["pennon-collector", "serve", "--port", "0"]] {
            let Command::Serve(options) = Cli::parse_from(arguments).into_command() else { panic!("not serve") };
            assert_eq!(options.port, 0);
        }
    }
}
