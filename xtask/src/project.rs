//! Where things are.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The paths of one checkout, and of the user's cache that all checkouts share.
pub struct Project {
    pub root: PathBuf,
    /// `$XDG_CACHE_HOME/pennon`, else `~/.cache/pennon`: tools and the wasm toolchain.
    pub cache: PathBuf,
}

impl Project {
    /// The checkout that this program was compiled in.
    pub fn find() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("the folder of xtask has no parent")?.to_path_buf();
        let cache = match absolute("XDG_CACHE_HOME") {
            Some(folder) => folder,
            None => absolute("HOME").context("neither HOME nor XDG_CACHE_HOME names a folder")?.join(".cache"),
        };
        Ok(Self { root, cache: cache.join("pennon") })
    }

    /// `root` joined with `relative`.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where stamps, logs and generated settings of this program live.
    pub fn scratch(&self) -> PathBuf {
        self.path("target/xtask")
    }

    pub fn collector(&self) -> PathBuf {
        self.path("target/release/pennon-collector")
    }

    /// The packed npm package under the name that does not change with the version.
    pub fn tarball(&self) -> PathBuf {
        self.path("target/package/pennon.tgz")
    }
}

/// The environment variable as an absolute path; a relative one is ignored, as the XDG specification asks.
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}
