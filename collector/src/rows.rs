//! `pennon-collector rows` and `pennon-collector links`: what is stored, as JSON lines.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use rusqlite::Connection;

use crate::cli::{LinksOptions, RowsOptions};
use crate::sqlite;
use crate::store::{StoreError, StoredRow};

/// Why printing ended early.
enum Stop {
    Store(StoreError),
    Output(std::io::Error),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// # Errors
/// The file cannot be read, or stdout not be written. A reader that hangs up (`| head`) is no error.
pub fn print(options: &RowsOptions) -> Result<(), String> {
    print_each(&options.data, |connection, each| sqlite::for_each_row(connection, options.flag.as_deref(), each))
}

/// # Errors
/// As [`print`].
pub fn print_links(options: &LinksOptions) -> Result<(), String> {
    print_each(&options.data, |connection, each| sqlite::for_each_link(connection, each))
}

/// Prints what `read` finds in the file.
fn print_each(
    data: &Path,
    read: impl FnOnce(&Connection, &mut dyn FnMut(&StoredRow) -> Result<(), Stop>) -> Result<(), Stop>,
) -> Result<(), String> {
    let connection = sqlite::open_read_only(data).map_err(|error| error.to_string())?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let printed = read(&connection, &mut |row| {
        let line = serde_json::to_string(row).map_err(|error| StoreError(error.to_string()))?;
        writeln!(out, "{line}").map_err(Stop::Output)
    });
    match printed.and_then(|()| out.flush().map_err(Stop::Output)) {
        Err(Stop::Output(error)) if error.kind() != ErrorKind::BrokenPipe => Err(format!("stdout: {error}")),
        Err(Stop::Store(error)) => Err(error.to_string()),
        _ => Ok(()),
    }
}
