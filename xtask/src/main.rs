//! `cargo xtask`: everything that drives the project. Each file knows one step or one tool.

#[cfg(not(unix))]
compile_error!("cargo xtask needs a Unix machine: Linux, macOS, or WSL on Windows");

mod apt;
mod bench;
mod browser;
mod cli;
mod collector;
mod costs;
mod counts;
mod debian;
mod demo;
mod faults;
mod fuzz;
mod glue;
mod node;
mod package;
mod pipeline;
mod process;
mod project;
mod size;
mod stamp;
mod suites;
mod table;
mod toolchain;
mod tools;
mod wasm;
mod www;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
