//! Every crate says what it is, the way it will be published.

use std::path::Path;

use super::Finding;
use crate::metadata::{Package, Workspace};

/// Finds crates without a README, a description, keywords, categories or settings for their published documentation.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let manifest = workspace.relative(&package.manifest_path);
        if !manifest.starts_with("crates/") {
            continue; // xtask is never published
        }
        let readme = package.manifest_path.parent().is_some_and(|folder| folder.join("README.md").is_file());
        findings.extend(missing(package, readme).into_iter().map(|text| Finding::new(&manifest, 1, text)));
        let folder = package.manifest_path.parent().and_then(Path::file_name);
        if folder.is_none_or(|folder| folder != package.name.as_str()) {
            findings.push(Finding::new(&manifest, 1, format!("the folder of {} has another name", package.name)));
        }
    }
    findings
}

fn missing(package: &Package, readme: bool) -> Vec<String> {
    let name = &package.name;
    let mut missing = Vec::new();
    if !readme {
        missing.push(format!("{name} has no README.md"));
    }
    if package.description.as_ref().is_none_or(String::is_empty) {
        missing.push(format!("{name} has no description"));
    }
    if !package.has_docs_settings() {
        missing.push(format!("{name} has no `[package.metadata.docs.rs]`: what features need would not be documented"));
    }
    // A registry takes at most five of each, and refuses a keyword of more than twenty letters.
    for (what, list) in [("keywords", &package.keywords), ("categories", &package.categories)] {
        if list.is_empty() || list.len() > 5 {
            missing.push(format!("{name} has {} {what}: from one to five are wanted", list.len()));
        }
    }
    missing
        .extend(package.keywords.iter().filter(|word| word.len() > 20).map(|word| format!("the keyword {word} is too long")));
    missing
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use serde_json::{Value, json};

    use super::*;

    fn found(readme: bool, description: &str, keywords: &[&str]) -> Vec<String> {
        found_with(&json!({ "docs": { "rs": { "all-features": true } } }), readme, description, keywords)
    }

    fn found_with(metadata: &Value, readme: bool, description: &str, keywords: &[&str]) -> Vec<String> {
        let package = json!({
            "name": "p", "manifest_path": "/w/crates/p/Cargo.toml", "dependencies": [], "features": {},
            "description": description, "keywords": keywords, "categories": ["api-bindings"], "metadata": metadata,
        });
        missing(&serde_json::from_value(package).unwrap(), readme)
    }

    #[test]
    fn a_crate_that_says_what_it_is_is_fine() {
        assert!(found(true, "What it is", &["wechat"]).is_empty());
    }

    #[test]
    fn whatever_is_missing_is_found() {
        assert_eq!(found(false, "What it is", &["wechat"]), ["p has no README.md"]);
        assert_eq!(found(true, "", &["wechat"]), ["p has no description"]);
        assert_eq!(found(true, "What it is", &[]), ["p has 0 keywords: from one to five are wanted"]);
        assert_eq!(found(true, "What it is", &["a"; 6]), ["p has 6 keywords: from one to five are wanted"]);
        let silent = found_with(&Value::Null, true, "What it is", &["wechat"]);
        assert!(matches!(&silent[..], [text] if text.contains("[package.metadata.docs.rs]")), "{silent:?}");
        assert_eq!(found(true, "What it is", &["a-keyword-of-too-many-letters"]).len(), 1);
    }
}
