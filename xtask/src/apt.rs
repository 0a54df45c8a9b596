//! Installing Debian packages, where that is possible.

use crate::process::{self, command};
use crate::project::Project;
use anyhow::{Result, bail};
use std::fs;

/// Whether this machine installs its software with apt.
pub fn is_here() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    is_debian_like(&release) && process::on_path(&["apt-get"]).is_some()
}

/// From the text of /etc/os-release: Debian, or made from it.
fn is_debian_like(release: &str) -> bool {
    release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|value| value.trim_matches('"').split_whitespace())
        .any(|id| id == "debian")
}

/// Makes sure that `packages` are installed. `purpose` ends the sentence that says why.
///
/// Without root rights it fails with one sentence that holds the command to run.
pub fn install(project: &Project, packages: &[&str], purpose: &str) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !rustix::process::geteuid().is_root() {
        bail!("{purpose} needs packages that only root can install: sudo apt-get install {list}");
    }
    process::step(project, "apt-get update", command("apt-get").arg("update"))?;
    for package in &missing {
        let known = process::answer(command("apt-cache").args(["show", "--no-all-versions", package]));
        if known.is_none_or(|text| text.is_empty()) {
            bail!("{purpose} needs the package {package}, which this release does not have");
        }
    }
    let mut install = command("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--no-install-recommends"])
        .args(&missing);
    process::step(project, &format!("apt-get install {list}"), &mut install)?;
    Ok(())
}

fn is_installed(package: &str) -> bool {
    process::answer(command("dpkg-query").args(["--show", "--showformat=${Status}", package]))
        .is_some_and(|status| status == "install ok installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_what_is_made_from_it_are_told_from_others() {
        assert!(is_debian_like("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(is_debian_like("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian_like("ID=fedora\nHOME_URL=\"https://debian.example\"\n"));
        assert!(!is_debian_like(""));
    }
}
