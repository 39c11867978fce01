//! Links between pages lead somewhere.

use std::{collections::BTreeSet, path::Path};

use super::{
    Finding,
    tree::{Source, Tree},
};
use crate::Result;

/// Finds links from `docs` and the READMEs to files or headings that are not there, and links of a crate's README that leave the
/// crate: where the crate is published, nothing is around it.
///
/// # Errors
///
/// A file that cannot be read.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut pages = tree.files("docs", "md")?;
    pages.extend(tree.file("README.md")?);
    pages.extend(tree.files("crates", "md")?.into_iter().filter(|file| file.path.ends_with("/README.md")));
    let mut findings = Vec::new();
    for page in &pages {
        for (line, target) in targets(&page.text) {
            if let Some(fault) = fault(tree, page, &target)? {
                findings.push(Finding::new(&page.path, line, fault));
            }
        }
    }
    Ok(findings)
}

fn fault(tree: &Tree, page: &Source, target: &str) -> Result<Option<String>> {
    if target.contains("://") || target.starts_with("mailto:") {
        return Ok(None); // other people's pages come and go
    }
    let (path, heading) = target.split_once('#').map_or((target, None), |(path, heading)| (path, Some(heading)));
    let linked = if path.is_empty() { Some(page.path.clone()) } else { resolve(&page.path, path) };
    let Some(linked) = linked.filter(|linked| tree.has(linked)) else {
        return Ok(Some(format!("the link {target} leads nowhere")));
    };
    if crate_of(&page.path).is_some_and(|home| crate_of(&linked) != Some(home)) {
        return Ok(Some(format!("the link {target} leaves the crate and breaks once it is published: write a name instead")));
    }
    let Some(heading) = heading.filter(|_| Path::new(&linked).extension().is_some_and(|extension| extension == "md")) else {
        return Ok(None);
    };
    let is_there = tree.file(&linked)?.is_some_and(|file| anchors(&file.text).contains(heading));
    Ok((!is_there).then(|| format!("the link {target} leads to a heading that {linked} does not have")))
}

/// The folder below `crates` that a path lies in.
fn crate_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/").map(|path| path.split('/').next().unwrap_or(path))
}

/// The path from the root of a link on a page, unless it leaves the root.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Where the links of a page lead, with their lines. Code is left out.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (line, text) in prose(text) {
        let text: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`"); // every second part is code
        for (start, mark) in text.match_indices("](") {
            let target = text[start + mark.len()..].split([')', ' ']).next().unwrap_or_default();
            targets.push((line, target.trim_matches(['<', '>']).to_owned()));
        }
        let definition = text.trim_start().strip_prefix('[').and_then(|text| text.split_once("]: "));
        targets.extend(definition.and_then(|(_, target)| target.split_whitespace().next()).map(|to| (line, to.to_owned())));
    }
    targets
}

/// What the headings of a page are called in links.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        prose(text).into_iter().filter(|(_, line)| line.starts_with('#')).map(|(_, line)| line.trim_start_matches('#'));
    let letters = |heading: &str| -> String {
        let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        kept.flat_map(char::to_lowercase).map(|letter| if letter == ' ' { '-' } else { letter }).collect()
    };
    headings.map(letters).collect()
}

/// The lines outside of code blocks, counted from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut in_code = false;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code && !line.starts_with("    ") {
            lines.push((number, line));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::{super::tree::planted, *};

    fn findings(page: &str) -> Vec<String> {
        let (_folder, tree) = planted(&[
            ("docs/guide.md", page),
            ("docs/apis.md", "# The APIs\n\n## wx.login: a code\n"),
            ("README.md", ""),
            ("crates/a/src/lib.rs", ""),
        ]);
        check(&tree).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let page = "# Guide\n[a](apis.md) [b](../README.md) [c](../crates/a) [d](https://example.org/none)\n\
                    [e](apis.md#wxlogin-a-code) [f](#guide) [g](apis.md \"title\")\n\n[h]: ../crates/a/src/lib.rs\n";
        assert!(findings(page).is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(findings("one\n[a](none.md)\n"), ["docs/guide.md:2: the link none.md leads nowhere"]);
        assert_eq!(findings("[a](../../README.md)\n").len(), 1);
        assert_eq!(findings("[a]: none.md\n").len(), 1);
        let missing = "docs/guide.md:1: the link apis.md#none leads to a heading that docs/apis.md does not have";
        assert_eq!(findings("[a](apis.md#none)\n"), [missing]);
    }

    #[test]
    fn the_readme_of_a_crate_links_to_nothing_outside_the_crate() {
        let text = "[a](src/lib.rs) [b](../b) [c](../../README.md)\n\n[d]: keys/README.md\n";
        let (_folder, tree) = planted(&[
            ("README.md", "[a](crates/a/README.md)\n"),
            ("crates/a/README.md", text),
            ("crates/a/keys/README.md", "[a](../README.md) [b](../../b)\n"),
            ("crates/a/src/lib.rs", ""),
            ("crates/b/src/lib.rs", ""),
        ]);
        let found: Vec<_> = check(&tree).unwrap().iter().map(ToString::to_string).collect();
        let leaving = |page: &str, link: &str| {
            format!("{page}:1: the link {link} leaves the crate and breaks once it is published: write a name instead")
        };
        let (readme, keys) = ("crates/a/README.md", "crates/a/keys/README.md");
        assert_eq!(found, [leaving(readme, "../b"), leaving(readme, "../../README.md"), leaving(keys, "../../b")]);
    }

    #[test]
    fn code_holds_no_links() {
        assert!(findings("`[a](none.md)`\n```\n[a](none.md)\n```\n").is_empty());
    }
}
