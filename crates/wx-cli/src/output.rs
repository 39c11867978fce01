//! Results on standard output.

use std::io::{self, Write as _, stdout};

use serde::Serialize;

use crate::failure::Failure;

/// One line of a result.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())?;
    bytes(b"\n")
}

/// A result as it is, without a line end.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    out.write_all(bytes).map_err(|error| Failure::output(&error))
}

/// Brings what was written to whoever reads it: not everything ends in a line end.
pub(crate) fn flush() -> Result<(), Failure> {
    stdout().flush().map_err(|error| Failure::output(&error))
}

/// A result as one line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    line(&serde_json::to_string(value).map_err(io::Error::from).map_err(|error| Failure::output(&error))?)
}

/// Rows with their columns one below the other.
pub(crate) fn table(rows: &[Vec<String>]) -> Result<(), Failure> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(cells.join("  ").trim_end())?;
    }
    Ok(())
}
