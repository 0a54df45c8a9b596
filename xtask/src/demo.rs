//! The demo: the collector with the demo page, until Ctrl-C.

use crate::pipeline;
use crate::process::{Stopwatch, command, note};
use crate::project::Project;
use crate::wasm::Form;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How long the collector may take to answer what is in flight before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// How often the collector and the signals are looked at.
const POLL: Duration = Duration::from_millis(50);

/// Builds everything, serves it on `port` of 127.0.0.1, and stops on SIGINT, SIGTERM or SIGHUP.
pub fn run(project: &Project, form: Form, port: u16) -> Result<ExitCode> {
    check_port(port)?;
    pipeline::everything(project, form)?;
    let data = project.path("target/demo");
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let asked_to_stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&asked_to_stop)).context("cannot watch for Ctrl-C")?;
    }
    let mut collector = start(project, port)?;
    let status = loop {
        if let Some(status) = collector.try_wait()? {
            break status;
        }
        if asked_to_stop.load(Ordering::Relaxed) {
            stop(&mut collector)?;
            note("stopped");
            return Ok(ExitCode::SUCCESS);
        }
        thread::sleep(POLL);
    };
    bail!("the collector ended by itself with {status}")
}

/// Fails when `port` is taken, before the build rather than after it.
fn check_port(port: u16) -> Result<()> {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} of 127.0.0.1 is taken; choose another with --port")
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on port {port} of 127.0.0.1")),
    }
}

/// Starts the collector in a process group of its own, so that Ctrl-C reaches this program alone, which then ends the
/// collector in order.
fn start(project: &Project, port: u16) -> Result<Child> {
    let mut collector = command(project.collector())
        .current_dir(&project.root)
        .args(["serve", "--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--www", "www/dist", "--ruleset", "www/ruleset.json", "--data", "target/demo/pennon.db"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cannot start the collector")?;
    let lines = BufReader::new(collector.stdout.take().context("the collector has no stdout")?);
    thread::spawn(move || lines.lines().map_while(Result::ok).for_each(|line| announce(&line)));
    Ok(collector)
}

/// Hands on a line of the collector's; the one with its address as an invitation.
fn announce(line: &str) {
    let mut out = std::io::stdout();
    // Nobody may be reading any more; the demo runs on.
    let _ = match line.strip_prefix("listening on ") {
        Some(address) => writeln!(out, "\nThe demo is at {address}\nCtrl-C stops it."),
        None => writeln!(out, "{line}"),
    };
    let _ = out.flush();
}

fn stop(collector: &mut Child) -> Result<()> {
    let since = Stopwatch::start();
    kill_process(Pid::from_child(collector), Signal::TERM).context("cannot ask the collector to stop")?;
    while collector.try_wait()?.is_none() {
        if since.elapsed() > STOP_LIMIT {
            collector.kill()?;
            collector.wait()?;
            bail!("the collector did not stop within {} s and was killed", STOP_LIMIT.as_secs());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_one_clear_sentence() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = format!("port {port} of 127.0.0.1 is taken; choose another with --port");
        assert_eq!(check_port(port).unwrap_err().to_string(), message);
        assert!(check_port(0).is_ok());
    }
}
