//! Every crate says what it is, the way it will be published.

use std::{fs, path::Path};

use super::Finding;
use crate::metadata::{Package, Workspace};

/// What both licences ask everyone who passes a copy on to pass on with it.
const LICENCES: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

/// Finds crates without a README, a description, keywords, categories, settings for their published documentation or the texts of
/// their licences.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let manifest = workspace.relative(&package.manifest_path);
        if !manifest.starts_with("crates/") {
            continue; // xtask is never published
        }
        let Some(folder) = package.manifest_path.parent() else { continue };
        let readme = folder.join("README.md").is_file();
        findings.extend(missing(package, readme).into_iter().map(|text| Finding::new(&manifest, 1, text)));
        findings.extend(licences(&workspace.root, folder).into_iter().map(|text| Finding::new(&manifest, 1, text)));
        if folder.file_name().is_none_or(|folder| folder != package.name.as_str()) {
            findings.push(Finding::new(&manifest, 1, format!("the folder of {} has another name", package.name)));
        }
    }
    findings
}

/// A package holds nothing from outside its folder but what a link in it leads to.
fn licences(root: &Path, folder: &Path) -> Vec<String> {
    let same = |name: &str| matches!((fs::read(root.join(name)), fs::read(folder.join(name))), (Ok(a), Ok(b)) if a == b);
    let missing = LICENCES.into_iter().filter(|name| !same(name));
    missing.map(|name| format!("its package would lack {name}: link it with `ln -s ../../{name}`")).collect()
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
    fn a_package_without_the_texts_of_its_licences_is_found() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("crates/p");
        fs::create_dir_all(&folder).unwrap();
        for name in LICENCES {
            fs::write(root.path().join(name), name).unwrap();
            fs::write(folder.join(name), name).unwrap();
        }
        assert!(licences(root.path(), &folder).is_empty());

        fs::write(folder.join("LICENSE-MIT"), "another").unwrap();
        fs::remove_file(folder.join("LICENSE-APACHE")).unwrap();
        let found = licences(root.path(), &folder);
        assert!(matches!(&found[..], [mit, apache] if mit.contains("LICENSE-MIT") && apache.contains("LICENSE-APACHE")));
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
