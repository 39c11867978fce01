//! Dependencies between our own crates point down only.

use std::fs;

use super::Finding;
use crate::metadata::{Dependency, Package, Workspace};

/// What each crate may depend on among ours. What is missing here is a backend, or must be added.
const ARROWS: &[(&str, &[&str])] = &[
    ("wx-api", &[]),
    ("wx-crypto", &[]),
    ("wx-rules", &["wx-api"]),
    ("wx-host", &["wx-api", "wx-rules"]),
    ("wx-js", &["wx-api", "wx-host"]),
    ("wx-device", &["wx-api", "wx-host"]),
    ("wx-platform", &["wx-api", "wx-rules", "wx-crypto"]),
    ("wx-conformance", &["wx-api", "wx-host", "wx-crypto"]),
    ("wx-android", &["wx-api", "wx-device", "wx-host"]),
    ("wx-cli", CLI),
    ("wx-rig", &[]),
    ("wx-tests", &[]),
    ("xtask", &[]),
];

/// The program stands on top: it links whatever a user may ask for.
const CLI: &[&str] =
    &["wx-api", "wx-conformance", "wx-crypto", "wx-desktop", "wx-device", "wx-host", "wx-js", "wx-mock", "wx-platform"];

/// What any backend may depend on.
const BACKEND: &[&str] = &["wx-api", "wx-rules", "wx-crypto", "wx-platform"];

/// What a backend may depend on besides, for running the suite: optional, so that its users never build it.
const BACKEND_SUITE: &[&str] = &["wx-conformance", "wx-host"];

/// Finds the arrows that must not be there.
pub(super) fn check(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let manifest = workspace.relative(&package.manifest_path);
        let text = fs::read_to_string(&package.manifest_path).unwrap_or_default(); // for line numbers only
        let allowed = ARROWS.iter().find(|(name, _)| *name == package.name).map(|(_, allowed)| *allowed);
        if allowed.is_none() && package.backend().is_none() {
            let rule = "is neither a backend nor listed in xtask/src/tidy/arrows.rs: say there what it may depend on";
            findings.push(Finding::new(&manifest, 1, format!("{} {rule}", package.name)));
            continue;
        }
        let ours = |dependency: &&Dependency| workspace.packages.iter().any(|other| other.name == dependency.name);
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.is_dev()).filter(ours) {
            if let Some(fault) = fault(package, allowed, dependency) {
                findings.push(Finding::new(&manifest, line_of(&text, &dependency.name), fault));
            }
        }
    }
    findings
}

fn fault(package: &Package, allowed: Option<&[&str]>, dependency: &Dependency) -> Option<String> {
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    let Some(allowed) = allowed else {
        return match (BACKEND.contains(&to), BACKEND_SUITE.contains(&to)) {
            (true, _) => None,
            (false, true) if !dependency.optional => Some(format!("{from} may depend on {to} only as an optional dependency")),
            (false, true) if on_by_default(package) => {
                Some(format!("{from} must not have the feature `conformance` on by default: it brings {to}"))
            }
            (false, true) => None,
            (false, false) => Some(format!("{from} is a backend and must not depend on {to}")),
        };
    };
    if allowed.contains(&to) {
        return None;
    }
    let list = if allowed.is_empty() { "none of our crates".to_owned() } else { allowed.join(", ") };
    Some(format!("{from} must not depend on {to}: it may depend on {list}"))
}

fn on_by_default(package: &Package) -> bool {
    package.features.get("default").is_some_and(|features| features.iter().any(|feature| feature == "conformance"))
}

/// The line of a manifest that declares this dependency.
fn line_of(manifest: &str, dependency: &str) -> usize {
    let declares =
        |line: &str| line.trim_start().strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']));
    manifest.lines().position(declares).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use serde_json::{Value, json};

    use super::*;

    fn package(name: &str, dependencies: &Value, metadata: &Value, features: &Value) -> Value {
        json!({
            "name": name, "manifest_path": format!("/w/crates/{name}/Cargo.toml"), "dependencies": dependencies,
            "features": features, "description": null, "keywords": [], "categories": [], "metadata": metadata,
        })
    }

    fn needs(name: &str) -> Value {
        json!({ "name": name, "kind": null, "optional": false })
    }

    /// What is found in a workspace of every crate without dependencies, but for these.
    fn faults(changed: Vec<Value>) -> Vec<String> {
        let mut packages: Vec<Value> =
            ARROWS.iter().map(|(name, _)| package(name, &json!([]), &Value::Null, &json!({}))).collect();
        for new in changed {
            packages.retain(|old| old["name"] != new["name"]);
            packages.push(new);
        }
        let workspace = json!({ "packages": packages, "workspace_root": "/w", "target_directory": "/w/target" });
        let workspace: Workspace = serde_json::from_value(workspace).unwrap();
        check(&workspace).into_iter().map(|finding| finding.to_string()).collect()
    }

    fn plain(name: &str, dependencies: &Value) -> Vec<String> {
        faults(vec![package(name, dependencies, &Value::Null, &json!({}))])
    }

    fn backend(name: &str, dependencies: &Value, features: &Value) -> Value {
        package(name, dependencies, &json!({ "wx": { "backend": name } }), features)
    }

    #[test]
    fn arrows_that_point_down_are_fine() {
        assert!(faults(vec![]).is_empty());
        assert!(plain("wx-host", &json!([needs("wx-api"), needs("wx-rules"), needs("tokio")])).is_empty());
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        assert_eq!(
            plain("wx-api", &json!([needs("wx-host")])),
            ["crates/wx-api/Cargo.toml:1: wx-api must not depend on wx-host: it may depend on none of our crates"]
        );
        assert_eq!(plain("wx-rules", &json!([needs("wx-crypto")])).len(), 1);
    }

    #[test]
    fn tests_may_depend_on_anything() {
        assert!(plain("wx-api", &json!([{ "name": "wx-host", "kind": "dev", "optional": false }])).is_empty());
    }

    #[test]
    fn no_backend_depends_on_another() {
        let found = faults(vec![
            backend("wx-mock", &json!([]), &json!({})),
            backend("wx-desktop", &json!([needs("wx-mock"), needs("wx-rules")]), &json!({})),
        ]);
        assert_eq!(found, ["crates/wx-desktop/Cargo.toml:1: wx-desktop is a backend and must not depend on wx-mock"]);
    }

    #[test]
    fn the_suite_is_optional_for_a_backend() {
        let optional = json!([{ "name": "wx-conformance", "kind": null, "optional": true }]);
        assert!(faults(vec![backend("wx-mock", &optional, &json!({ "conformance": [] }))]).is_empty());
        assert_eq!(faults(vec![backend("wx-mock", &json!([needs("wx-conformance")]), &json!({}))]).len(), 1);
        assert_eq!(faults(vec![backend("wx-mock", &optional, &json!({ "default": ["conformance"] }))]).len(), 1);
    }

    #[test]
    fn a_crate_nobody_placed_is_found() {
        let found = plain("wx-stray", &json!([]));
        assert!(found.len() == 1 && found[0].contains("wx-stray is neither a backend nor listed"), "{found:?}");
    }

    #[test]
    fn the_line_of_a_dependency_is_its_own() {
        let manifest = "[dependencies]\nwx-api-more = \"1\"\nwx-api.workspace = true\nwx-host = { path = \"..\" }\n";
        assert_eq!((line_of(manifest, "wx-api"), line_of(manifest, "wx-host"), line_of(manifest, "none")), (3, 4, 1));
    }
}
