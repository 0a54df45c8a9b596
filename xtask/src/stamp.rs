//! Skipping a step whose inputs and outputs are what they were when it last succeeded.
//!
//! Contents count, times do not, so a fresh checkout of the same files or a `git switch` back is no change. Outputs are
//! part of the stamp: one that something else rewrote is made again.

use crate::process;
use crate::project::Project;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what a step makes or installs, never what it reads.
const SKIPPED_FOLDERS: [&str; 8] =
    ["node_modules", "dist", "dist-testing", "target", ".git", ".vite", "test-results", "__pycache__"];

/// One step and all that decides its result.
pub struct Step<'a> {
    pub name: &'a str,
    /// Files and folders, relative to the root. One that does not exist is an input too: its appearance is a change.
    pub inputs: &'a [&'a str],
    /// What else the result depends on: versions, flags.
    pub facts: &'a [String],
    /// Files and folders that the step makes, relative to the root. All must exist afterwards.
    pub outputs: &'a [&'a str],
}

impl Step<'_> {
    /// Whether the step can be skipped.
    pub fn is_fresh(&self, project: &Project) -> Result<bool> {
        let Ok(stamp) = fs::read_to_string(self.stamp_file(project)) else {
            return Ok(false);
        };
        if self.outputs.iter().any(|output| !project.path(output).exists()) {
            return Ok(false);
        }
        Ok(stamp == self.stamp(project, &self.input_digest(project)?)?)
    }

    /// Does `work` unless the step is fresh. Says whether it did.
    pub fn run(&self, project: &Project, work: impl FnOnce() -> Result<()>) -> Result<bool> {
        if self.is_fresh(project)? {
            process::note(&format!("{}: unchanged", self.name));
            return Ok(false);
        }
        let file = self.stamp_file(project);
        if let Err(error) = fs::remove_file(&file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(error).with_context(|| format!("cannot remove {}", file.display()));
        }
        // Taken before the work: a file edited meanwhile makes the next run work again.
        let inputs = self.input_digest(project)?;
        work()?;
        for output in self.outputs {
            anyhow::ensure!(project.path(output).exists(), "{} succeeded without making {output}", self.name);
        }
        let folder = project.scratch();
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        fs::write(&file, self.stamp(project, &inputs)?).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(true)
    }

    fn stamp_file(&self, project: &Project) -> PathBuf {
        project.scratch().join(format!("{}.stamp", self.name.replace([' ', '/'], "-")))
    }

    fn stamp(&self, project: &Project, inputs: &str) -> Result<String> {
        Ok(format!("inputs {inputs}\noutputs {}\n", digest_of(&project.root, self.outputs, &[], &[])?))
    }

    fn input_digest(&self, project: &Project) -> Result<String> {
        digest_of(&project.root, self.inputs, self.facts, &SKIPPED_FOLDERS)
    }
}

/// SHA-256, in hexadecimal, over `facts` and the relative path and content of every file below `entries`, except in
/// folders below them that have a name in `skipped`.
fn digest_of(root: &Path, entries: &[&str], facts: &[String], skipped: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    for fact in facts {
        add(&mut hash, fact.as_bytes());
    }
    for entry in entries {
        let path = root.join(entry);
        let mut files = Vec::new();
        collect(&path, skipped, &mut files).with_context(|| format!("cannot list {}", path.display()))?;
        files.sort();
        for file in files {
            let content = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            add(&mut hash, file.strip_prefix(root).unwrap_or(&file).as_os_str().as_encoded_bytes());
            add(&mut hash, &content);
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The length goes first, so that ("ab", "c") and ("a", "bc") differ.
fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn collect(path: &Path, skipped: &[&str], files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
    } else if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let is_skipped = entry.file_type()?.is_dir() && skipped.iter().any(|name| entry.file_name() == *name);
            if !is_skipped {
                collect(&entry.path(), skipped, files)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A project in a folder of its own, removed at the end.
    struct Scratch(Project);

    impl Scratch {
        fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("pennon-stamp-{}-{name}", std::process::id()));
            fs::create_dir_all(root.join("in/node_modules")).unwrap();
            fs::write(root.join("in/a"), "a").unwrap();
            Self(Project { cache: root.join("cache"), root })
        }

        fn write(&self, path: &str, content: &str) {
            fs::write(self.0.path(path), content).unwrap();
        }

        /// Runs the step; says whether it worked.
        fn run(&self, fact: &str) -> bool {
            let facts = [fact.to_owned()];
            let step = Step { name: "a step", inputs: &["in", "later"], facts: &facts, outputs: &["out"] };
            let worked = Cell::new(false);
            let ran = step.run(&self.0, || {
                worked.set(true);
                Ok(fs::write(self.0.path("out"), "made")?)
            });
            assert_eq!(ran.unwrap(), worked.get());
            worked.get()
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0.root);
        }
    }

    #[test]
    fn a_step_works_once_and_then_is_skipped() {
        let scratch = Scratch::new("once");
        assert!(scratch.run("1"));
        assert!(!scratch.run("1"));
    }

    #[test]
    fn content_counts_and_time_does_not() {
        let scratch = Scratch::new("content");
        scratch.run("1");
        scratch.write("in/a", "a");
        assert!(!scratch.run("1"), "the same content written again is no change");
        scratch.write("in/a", "b");
        assert!(scratch.run("1"));
    }

    #[test]
    fn new_files_facts_and_late_inputs_are_changes_and_installed_ones_are_not() {
        let scratch = Scratch::new("new");
        scratch.run("1");
        scratch.write("in/b", "");
        assert!(scratch.run("1"));
        assert!(scratch.run("2"));
        scratch.write("later", "");
        assert!(scratch.run("2"));
        scratch.write("in/node_modules/c", "");
        assert!(!scratch.run("2"));
    }

    #[test]
    fn an_output_that_is_missing_or_was_rewritten_is_made_again() {
        let scratch = Scratch::new("output");
        scratch.run("1");
        fs::remove_file(scratch.0.path("out")).unwrap();
        assert!(scratch.run("1"));
        scratch.write("out", "something else");
        assert!(scratch.run("1"));
        assert!(!scratch.run("1"));
    }

    #[test]
    fn a_failed_step_is_tried_again() {
        let scratch = Scratch::new("failed");
        scratch.run("1");
        scratch.write("in/a", "b");
        let facts = ["1".to_owned()];
        let step = Step { name: "a step", inputs: &["in", "later"], facts: &facts, outputs: &["out"] };
        assert!(step.run(&scratch.0, || anyhow::bail!("no")).is_err());
        scratch.write("in/a", "a");
        assert!(scratch.run("1"), "the stamp of the last success must not outlive a failure");
    }
}
