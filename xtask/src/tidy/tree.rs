//! The files that rules look at.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::Result;

/// A folder with the sources of the workspace.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

/// A file and what is in it.
#[derive(Debug)]
pub(super) struct Source {
    /// Below the root, with `/` on every system.
    pub(super) path: String,
    pub(super) text: String,
}

impl Tree {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Whether there is a file or folder of this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// The file of this path, if there is one.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read.
    pub(super) fn file(&self, path: &str) -> Result<Option<Source>> {
        match fs::read_to_string(self.root.join(path)) {
            Ok(text) => Ok(Some(Source { path: path.to_owned(), text })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(format!("{path}: {error}").into()),
        }
    }

    /// Every file of this kind below `folder`, in order, without what is built or hidden; none if there is no such folder.
    ///
    /// # Errors
    ///
    /// A folder or file that cannot be read.
    pub(super) fn files(&self, folder: &str, extension: &str) -> Result<Vec<Source>> {
        let mut files = Vec::new();
        self.collect(folder, extension, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    fn collect(&self, folder: &str, extension: &str, files: &mut Vec<Source>) -> Result<()> {
        for name in self.names(folder)? {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if self.root.join(&path).is_dir() {
                if !name.starts_with('.') && name != "target" {
                    self.collect(&path, extension, files)?;
                }
            } else if Path::new(&name).extension().is_some_and(|found| found == extension) {
                files.extend(self.file(&path)?);
            }
        }
        Ok(())
    }

    /// What lies directly in a folder; nothing if there is no such folder.
    ///
    /// # Errors
    ///
    /// It is there and cannot be read.
    pub(super) fn names(&self, folder: &str) -> Result<Vec<String>> {
        let entries = match fs::read_dir(self.root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{folder}: {error}").into()),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}

/// Whether any folder of this path has this name.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folders, _)| folders.split('/').any(|name| name == folder))
}

/// A small workspace for the tests of one rule.
#[cfg(test)]
pub(super) fn planted(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let tree = Tree::new(folder.path());
    (folder, tree)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn files_are_found_in_order_and_without_what_is_built_or_hidden() {
        let (_folder, tree) = planted(&[
            ("crates/b/src/lib.rs", ""),
            ("crates/a/src/lib.rs", ""),
            ("crates/a/README.md", ""),
            ("crates/a/target/debug/out.rs", ""),
            ("crates/.hidden/lib.rs", ""),
        ]);
        let paths: Vec<String> = tree.files("crates", "rs").unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["crates/a/src/lib.rs", "crates/b/src/lib.rs"]);
        assert!(tree.files("docs", "md").unwrap().is_empty());
        assert!(tree.file("crates/none.rs").unwrap().is_none());
    }

    #[test]
    fn only_folders_decide_where_a_path_lies() {
        assert!(is_below("crates/a/tests/kill.rs", "tests"));
        assert!(!is_below("crates/a/src/tests", "tests"));
        assert!(!is_below("crates/attests/lib.rs", "tests"));
    }
}
