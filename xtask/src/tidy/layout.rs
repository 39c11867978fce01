//! A domain has the same name everywhere: contract, fake, cases.

use super::{Finding, tree::Tree};
use crate::Result;

/// Where the contract's domains are.
const CONTRACT: &str = "crates/wx-api/src";

/// Where each of them must be found again.
const MIRRORS: &[&str] = &["crates/wx-mock/src", "crates/wx-conformance/src/cases"];

/// Backends that do some domains only, and the modules of theirs that are none. Every other module has a domain's name.
const PARTIAL: &[(&str, &[&str])] = &[("crates/wx-desktop/src", &["lib", "builder", "conformance", "platform"])];

/// What is missing on purpose, and why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "authorization",
    "crates/wx-mock/src",
    "consent is wx-host's for every backend; the mock is only the person who is asked",
)];

/// Finds domains of the contract that have no file or folder of their name in the mock or in the suite, and modules of other backends
/// that do a domain under another name.
///
/// # Errors
///
/// A folder that cannot be read.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for file in tree.names(CONTRACT)? {
        let Some(domain) = file.strip_suffix(".rs").filter(|name| *name != "lib") else { continue };
        for mirror in MIRRORS {
            let exception = EXCEPTIONS.iter().find(|(name, place, _)| *name == domain && place == mirror);
            let is_there = tree.has(&format!("{mirror}/{domain}.rs")) || tree.has(&format!("{mirror}/{domain}"));
            match (is_there, exception) {
                (false, None) => {
                    let text = format!("the domain {domain} has no {mirror}/{domain}.rs");
                    findings.push(Finding::new(&format!("{CONTRACT}/{file}"), 1, text));
                }
                (true, Some((_, _, reason))) => {
                    let text =
                        format!("{domain} is here now: take it from the exceptions in xtask/src/tidy/layout.rs ({reason})");
                    findings.push(Finding::new(&format!("{mirror}/{domain}.rs"), 1, text));
                }
                _ => {}
            }
        }
    }
    for (backend, no_domains) in PARTIAL {
        for name in tree.names(backend)? {
            let module = name.strip_suffix(".rs").unwrap_or(&name);
            if !no_domains.contains(&module) && !tree.has(&format!("{CONTRACT}/{module}.rs")) {
                let text = format!(
                    "{module} is no domain: call it as {CONTRACT} does, or say in xtask/src/tidy/layout.rs that it is none"
                );
                findings.push(Finding::new(&format!("{backend}/{name}"), 1, text));
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
    fn a_domain_without_its_mirror_is_found() {
        let (_folder, tree) = planted(&[
            ("crates/wx-api/src/lib.rs", ""),
            ("crates/wx-api/src/core/cx.rs", ""),
            ("crates/wx-api/src/login.rs", ""),
            ("crates/wx-api/src/hce.rs", ""),
            ("crates/wx-mock/src/login.rs", ""),
            ("crates/wx-conformance/src/cases/login.rs", ""),
            ("crates/wx-conformance/src/cases/hce/aids.rs", ""),
        ]);
        let text = "the domain hce has no crates/wx-mock/src/hce.rs";
        assert_eq!(check(&tree).unwrap(), [Finding::new("crates/wx-api/src/hce.rs", 1, text)]);
    }

    #[test]
    fn an_exception_lasts_as_long_as_it_is_needed() {
        let contract = ("crates/wx-api/src/authorization.rs", "");
        let cases = ("crates/wx-conformance/src/cases/authorization.rs", "");
        let (_folder, tree) = planted(&[contract, cases]);
        assert!(check(&tree).unwrap().is_empty());
        let (_folder, tree) = planted(&[contract, cases, ("crates/wx-mock/src/authorization.rs", "")]);
        assert!(check(&tree).unwrap()[0].text.starts_with("authorization is here now"));
    }

    #[test]
    fn a_domain_under_another_name_is_found() {
        let (_folder, tree) = planted(&[
            ("crates/wx-api/src/login.rs", ""),
            ("crates/wx-mock/src/login.rs", ""),
            ("crates/wx-conformance/src/cases/login.rs", ""),
            ("crates/wx-desktop/src/lib.rs", ""),
            ("crates/wx-desktop/src/conformance/mod.rs", ""),
            ("crates/wx-desktop/src/login/mod.rs", ""),
        ]);
        assert!(check(&tree).unwrap().is_empty());
        let (_folder, tree) = planted(&[("crates/wx-desktop/src/sign_in.rs", "")]);
        assert!(check(&tree).unwrap()[0].text.starts_with("sign_in is no domain"));
    }
}
