//! Runs the program on files in a folder of its own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Folder(TempDir);

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file, and gives its name.
    pub fn write<'n>(&self, name: &'n str, content: impl AsRef<[u8]>) -> &'n str {
        fs::write(self.path(name), content).unwrap();
        name
    }

    /// Runs `pennon` in the folder.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// The same, with a text on standard input.
    pub fn run_with(&self, arguments: &[&str], stdin: impl AsRef<[u8]>) -> Ended {
        let mut program = Command::new(env!("CARGO_BIN_EXE_pennon"));
        program.current_dir(self.0.path()).args(arguments);
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that reads nothing, or not all, may have ended before.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_ref());
        let output = child.wait_with_output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What `pennon check` says of a ruleset, as lines.
    pub fn check(&self, ruleset: &Value) -> Vec<String> {
        self.write("ruleset.json", ruleset.to_string());
        lines(&self.run(&["check", "ruleset.json"]))
    }
}

/// What was printed, as lines.
pub fn lines(ended: &Ended) -> Vec<String> {
    assert_eq!(ended.stderr, "");
    ended.stdout.lines().map(str::to_owned).collect()
}

/// A flag with the variants `a` and `b`, and these fields.
pub fn flag(fields: Value) -> Value {
    let mut flag = json!({ "variants": { "a": false, "b": true }, "default": "a" });
    flag.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    flag
}

/// A ruleset of version 1 with the one flag `f`.
pub fn ruleset(flag: Value) -> Value {
    json!({ "version": 1, "flags": { "f": flag } })
}
