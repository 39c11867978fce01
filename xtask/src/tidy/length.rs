//! A file is one idea, and an idea fits in a file.

use super::{Finding, tree::Tree, tree::is_below};
use crate::Result;

/// The most lines a source file has.
const LONGEST: usize = 450;

/// Finds source files that are too long. What is derived and what tests may be longer.
///
/// # Errors
///
/// A file that cannot be read.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in ["crates", "xtask"] {
        for file in tree.files(folder, "rs")? {
            let is_test = is_below(&file.path, "tests") || file.path.ends_with("/tests.rs");
            let lines = file.text.lines().count();
            if lines > LONGEST && !is_test && !is_below(&file.path, "generated") {
                let text = format!("{lines} lines: split the file, {LONGEST} are the most");
                findings.push(Finding::new(&file.path, LONGEST + 1, text));
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::{super::tree::planted, *};

    #[test]
    fn a_long_file_is_found_unless_it_is_derived_or_tests() {
        let (longest, longer) = ("\n".repeat(LONGEST), "\n".repeat(LONGEST + 1));
        let (_folder, tree) = planted(&[
            ("crates/a/src/fits.rs", &longest),
            ("crates/a/src/long.rs", &longer),
            ("crates/a/src/generated/api.rs", &longer),
            ("crates/a/src/pss/tests.rs", &longer),
            ("crates/a/tests/kill.rs", &longer),
        ]);
        let found = check(&tree).unwrap();
        assert_eq!(found, [Finding::new("crates/a/src/long.rs", 451, "451 lines: split the file, 450 are the most")]);
    }
}
