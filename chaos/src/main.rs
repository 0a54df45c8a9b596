//! An exposures endpoint that fails as it is told, and keeps count of what came. For tests, on loopback.
//!
//! In reading order: [`script`] says what a request meets, [`endpoint`] does it, [`ledger`] counts, [`control`] is where
//! a test gives the script and reads the ledger.

mod batch;
mod clock;
mod control;
mod endpoint;
mod files;
mod gate;
mod http;
mod ledger;
mod script;
mod secure;
mod site;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::control::Control;
use crate::gate::Gate;
use crate::secure::Secure;
use crate::site::Site;

/// Takes exposures over HTTP, fails as it is told, and keeps count of what came.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    /// TCP port of the chaotic server, 0..65535; 0 takes any free one. The control port is always any free one
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Folder of static files, served at / of both ports; may be repeated, the first that has a file gives it
    #[arg(long, value_name = "FOLDER")]
    www: Vec<PathBuf>,

    /// Header sent with each static file, such as "content-security-policy: default-src 'self'"; may be repeated
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(String, String)>,

    /// Seed of what scripts draw, unless they bring their own
    #[arg(long, default_value_t = 0)]
    seed: u64,

    /// Opens a third port that speaks HTTP/2 over TLS, with a certificate that nobody knows
    #[arg(long)]
    tls: bool,

    /// Lets connections to the chaotic port serve more than one request
    #[arg(long)]
    keep_alive: bool,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("expected NAME: VALUE")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pennon-chaos: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), String> {
    if let Some(folder) = cli.www.iter().find(|folder| !folder.is_dir()) {
        return Err(format!("--www: there is no folder {}", folder.display()));
    }
    let site = Arc::new(Site::new(cli.www, cli.headers, cli.keep_alive, cli.seed));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(async {
        let gate = Gate::open(cli.port, Arc::clone(&site))
            .map_err(|error| format!("cannot listen on port {}: {error}", cli.port))?;
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(|error| format!("cannot listen on a control port: {error}"))?;
        let control = listener.local_addr().map_err(|error| error.to_string())?;
        let mut lines = format!("listening on http://{}\ncontrol on http://{control}\n", gate.address());
        let mut certificate = Vec::new();
        if cli.tls {
            let secure = Secure::open(Arc::clone(&site)).await?;
            lines.push_str(&format!("secure on https://{}\n", secure.address));
            certificate = secure.certificate;
        }
        // A closed stdout is no reason not to serve.
        let mut out = std::io::stdout();
        let _ = out.write_all(lines.as_bytes());
        let _ = out.flush();
        control::accept(listener, Arc::new(Control { site, gate: Mutex::new(gate), certificate })).await;
        Ok(())
    })
}
