//! `cargo xtask features`: no feature may need another that it does not name.

use crate::{
    Result,
    metadata::{Package, Workspace},
    shell, workspace_root,
};

/// Checks every crate without features, with each one alone and with all of them, and refuses warnings: an import that only one
/// feature uses is the usual mistake.
///
/// # Errors
///
/// The first check that fails.
pub(crate) fn run() -> Result<()> {
    let root = workspace_root()?;
    for package in Workspace::read(&root)?.packages {
        for set in sets(&package) {
            // Clippy checks like `cargo check` does and can refuse our warnings without building others' crates anew.
            let mut check = shell::cargo(&root);
            check.args(["clippy", "--quiet", "--no-deps", "-p", &package.name]).args(set).args(["--", "-D", "warnings"]);
            shell::run(&mut check)?;
        }
    }
    Ok(())
}

/// The sets of features to check, as cargo's arguments.
fn sets(package: &Package) -> Vec<Vec<String>> {
    let none = || vec!["--no-default-features".to_owned()];
    let features: Vec<&String> = package.features.keys().filter(|name| *name != "default").collect();
    let mut sets = vec![none()];
    if !features.is_empty() {
        sets.extend(features.iter().map(|name| [none(), vec!["--features".to_owned(), (*name).clone()]].concat()));
        sets.push(vec!["--all-features".to_owned()]);
    }
    sets
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn sets_of(features: &str) -> Vec<String> {
        let package: Package = serde_json::from_str(&format!(
            r#"{{"name":"p","manifest_path":"/w/p/Cargo.toml","dependencies":[],"features":{features},"description":null,
                "keywords":[],"categories":[],"metadata":null}}"#
        ))
        .unwrap();
        sets(&package).into_iter().map(|set| set.join(" ")).collect()
    }

    #[test]
    fn a_crate_without_features_is_checked_once() {
        assert_eq!(sets_of("{}"), ["--no-default-features"]);
    }

    #[test]
    fn each_feature_is_checked_alone_and_all_together() {
        assert_eq!(
            sets_of(r#"{"default":["tls"],"tls":[],"mock":["dep:mockall"]}"#),
            [
                "--no-default-features",
                "--no-default-features --features mock",
                "--no-default-features --features tls",
                "--all-features"
            ]
        );
    }
}
