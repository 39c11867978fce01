//! The workspace as `cargo metadata` describes it.

use std::{collections::BTreeMap, path::Path, path::PathBuf};

use serde::Deserialize;

use crate::{Result, shell};

/// The workspace: its members and where it builds.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
}

/// A member.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) description: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
    /// `[package.metadata]`.
    metadata: Option<Metadata>,
}

/// A dependency as the manifest declares it.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    kind: Option<String>,
    pub(crate) optional: bool,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    wx: Option<Backend>,
    docs: Option<Docs>,
}

/// `[package.metadata.docs]`.
#[derive(Debug, Deserialize)]
struct Docs {
    rs: Option<serde::de::IgnoredAny>,
}

/// `[package.metadata.wx]` of a backend.
#[derive(Debug, Deserialize)]
pub(crate) struct Backend {
    /// Its name in reports.
    #[serde(rename = "backend")]
    pub(crate) name: String,
    /// The features its conformance test needs.
    #[serde(default)]
    pub(crate) features: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    ///
    /// A manifest that cargo refuses, in cargo's words.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let output = shell::cargo(root).args(["metadata", "--no-deps", "--format-version=1"]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// A file's path below the root, with `/` on every system.
    pub(crate) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string().replace('\\', "/")
    }
}

impl Package {
    /// What it says of itself as a backend, if it is one.
    pub(crate) fn backend(&self) -> Option<&Backend> {
        self.metadata.as_ref()?.wx.as_ref()
    }

    /// Whether it says how its documentation is built once it is published.
    pub(crate) fn has_docs_settings(&self) -> bool {
        self.metadata.as_ref().and_then(|metadata| metadata.docs.as_ref()).is_some_and(|docs| docs.rs.is_some())
    }
}

impl Dependency {
    /// Whether it is there for tests only.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    #[test]
    fn a_package_says_what_it_is_in_its_metadata() {
        let package = |metadata: &str| -> Package {
            serde_json::from_str(&format!(
                r#"{{"name":"p","manifest_path":"/w/p/Cargo.toml","dependencies":[],"features":{{}},"description":null,
                    "keywords":[],"categories":[],"metadata":{metadata}}}"#
            ))
            .unwrap()
        };
        assert!(package("null").backend().is_none());
        assert!(package(r#"{"docs":{"rs":{}}}"#).backend().is_none());
        assert!(package(r#"{"docs":{"rs":{"all-features":true}}}"#).has_docs_settings());
        assert!(!package("null").has_docs_settings() && !package(r#"{"docs":{}}"#).has_docs_settings());
        let mock = package(r#"{"wx":{"backend":"mock","features":["conformance"]}}"#);
        assert_eq!(mock.backend().unwrap().name, "mock");
        assert_eq!(mock.backend().unwrap().features, ["conformance"]);
        assert!(package(r#"{"wx":{"backend":"bare"}}"#).backend().unwrap().features.is_empty());
    }
}
