//! Whatever is switched off, let through or brought in says why, right there.

use super::{
    Finding,
    tree::{Source, Tree},
};
use crate::Result;

/// Finds lints switched off, tests ignored, exceptions in deny.toml and dependencies that give no reason.
///
/// # Errors
///
/// A file that cannot be read.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for folder in ["crates", "xtask", "tests"] {
        for file in tree.files(folder, "rs")? {
            findings.extend(attributes(&file));
        }
        for file in tree.files(folder, "toml")? {
            findings.extend(lints(&file));
        }
    }
    if let Some(manifest) = tree.file("Cargo.toml")? {
        findings.extend(lints(&manifest));
        findings.extend(dependencies(&manifest));
    }
    if let Some(deny) = tree.file("deny.toml")? {
        findings.extend(exceptions(&deny));
    }
    Ok(findings)
}

/// Attributes that switch a lint off or a test out. The reason is `reason = ".."`, the text of `#[ignore = ".."]`, or a comment
/// in the same line or the one above.
fn attributes(file: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        if !(code.starts_with("#[") || code.starts_with("#![")) {
            continue;
        }
        let attribute = whole(&lines[index..]);
        let body: String = attribute.split_whitespace().collect::<Vec<_>>().join(" ");
        let body = body.trim_start_matches(['#', '!', '[']);
        let what = if body.starts_with("ignore") {
            "this ignored test"
        } else if ["allow(", "expect("].iter().any(|word| body.starts_with(word) || body.contains(&format!(", {word}"))) {
            "this lint switched off"
        } else {
            continue;
        };
        let says_why = body.contains("reason = ") || body.starts_with("ignore = ");
        let has_comment = attribute.lines().any(|line| line.contains("//")) || is_comment_above(&lines, index, "//");
        if !says_why && !has_comment {
            findings.push(Finding::new(&file.path, index + 1, format!("{what} gives no reason: add a comment beside it")));
        }
    }
    findings
}

/// An attribute from its first line to the line that closes it.
fn whole(lines: &[&str]) -> String {
    let mut open = 0_usize;
    let mut taken = Vec::new();
    for line in lines {
        taken.push(*line);
        for letter in line.chars() {
            match letter {
                '[' => open += 1,
                ']' => open = open.saturating_sub(1),
                _ => {}
            }
        }
        if open == 0 {
            break;
        }
    }
    taken.join("\n")
}

/// A comment alone in the line above, that is not documentation.
fn is_comment_above(lines: &[&str], index: usize, mark: &str) -> bool {
    let above = index.checked_sub(1).map(|above| lines[above].trim_start());
    above.is_some_and(|line| line.starts_with(mark) && !line.starts_with("///") && !line.starts_with("//!"))
}

/// Lints that a manifest allows.
fn lints(file: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    for (index, section, line) in entries(&lines) {
        let compact: String = line.split_whitespace().collect();
        let allows = compact.contains("=\"allow\"");
        if section.contains("lints") && allows && comment(line).is_none() && !is_comment_above(&lines, index, "#") {
            findings.push(Finding::new(&file.path, index + 1, "this allowed lint gives no reason: add a comment beside it"));
        }
    }
    findings
}

/// Dependencies of the workspace. Our own crates need no reason to be there.
fn dependencies(file: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    for (index, section, line) in entries(&lines) {
        let is_ours = line.contains("path = \"crates/");
        let is_dependency = line.split_once('=').is_some_and(|(name, _)| !name.contains(['{', '"', '#']));
        if section == "workspace.dependencies" && is_dependency && !is_ours && comment(line).is_none() {
            findings.push(Finding::new(&file.path, index + 1, "this dependency gives no reason: add a comment beside it"));
        }
    }
    findings
}

/// What deny.toml lets through: entries of its lists of exceptions.
fn exceptions(file: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();
    let mut in_list = false;
    for (index, _, line) in entries(&lines) {
        let code = line.trim_start();
        let starts = ["ignore", "skip", "skip-tree", "exceptions", "allow-git"]
            .iter()
            .any(|list| code.strip_prefix(list).is_some_and(|rest| rest.trim_start().starts_with('=')));
        let list = if starts { code.split_once('=').map_or("", |(_, list)| list.trim_start()) } else { code };
        in_list |= starts;
        let is_entry = list.trim_start_matches('[').trim_start().starts_with(['"', '{']);
        if in_list && is_entry && !line.contains("reason") && comment(line).is_none() && !is_comment_above(&lines, index, "#") {
            findings.push(Finding::new(&file.path, index + 1, "this exception gives no reason: add a comment beside it"));
        }
        in_list &= !code_of(line).trim_end().ends_with(']');
    }
    findings
}

/// The lines of a TOML file that are more than a heading or comment: index, section, line.
fn entries<'a>(lines: &[&'a str]) -> Vec<(usize, &'a str, &'a str)> {
    let mut section = "";
    let mut entries = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let code = code_of(line).trim();
        let heading = code.strip_prefix('[').and_then(|code| code.strip_suffix(']'));
        match heading.filter(|heading| !heading.contains(['"', '{', ','])) {
            Some(heading) if !heading.is_empty() => section = heading,
            _ if code.is_empty() => {}
            _ => entries.push((index, section, *line)),
        }
    }
    entries
}

/// A line without its comment.
fn code_of(line: &str) -> &str {
    comment(line).map_or(line, |comment| &line[..line.len() - comment.len() - 1])
}

/// What follows the first `#` outside a string.
fn comment(line: &str) -> Option<&str> {
    let mut in_string = false;
    for (index, letter) in line.char_indices() {
        match letter {
            '"' => in_string = !in_string,
            '#' if !in_string => return Some(&line[index + 1..]),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::{super::tree::planted, *};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let (_folder, tree) = planted(&[(path, text)]);
        check(&tree).unwrap().iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_lint_switched_off_needs_a_reason() {
        for (ok, text) in [
            (false, "#[allow(dead_code)]\nfn a() {}\n"),
            (false, "/// A function.\n#[allow(dead_code)]\nfn a() {}\n"),
            (false, "    #![expect(clippy::unwrap_used)]\n"),
            (false, "#[cfg_attr(test, allow(dead_code))]\n"),
            (false, "#[allow(\n    dead_code,\n    unused\n)]\nfn a() {} // not beside it\n"),
            (true, "#[allow(dead_code)] // until the link uses it\nfn a() {}\n"),
            (true, "// until the link uses it\n#[allow(dead_code)]\nfn a() {}\n"),
            (true, "#[allow(dead_code, reason = \"until the link uses it\")]\n"),
            (true, "#[allow(\n    dead_code,\n    reason = \"until the link uses it\"\n)]\n"),
            (true, "user.allow(scope);\nfn allow(scope: Scope) {}\nlet text = \"#[allow(dead_code)]\";\n"),
            (true, "#[derive(Debug)]\n#[must_use]\n"),
        ] {
            assert_eq!(lines("crates/a/src/lib.rs", text).is_empty(), ok, "{text}");
        }
    }

    #[test]
    fn an_ignored_test_needs_a_reason() {
        for (ok, text) in [
            (false, "#[test]\n#[ignore]\nfn a() {}\n"),
            (true, "#[test]\n#[ignore = \"needs a reader\"]\nfn a() {}\n"),
            (true, "#[test]\n#[ignore] // needs a reader\nfn a() {}\n"),
        ] {
            assert_eq!(lines("crates/a/tests/a.rs", text).is_empty(), ok, "{text}");
        }
    }

    #[test]
    fn a_dependency_needs_a_reason() {
        let manifest = "[workspace.dependencies]\nwx-api = { path = \"crates/wx-api\" }\naes = \"0.9\" # open data\n\
                        bytes = { version = \"1\", features = [\"#\"] }\n\n[profile.dev]\nopt-level = 2\n";
        assert_eq!(lines("Cargo.toml", manifest), [4]);
    }

    #[test]
    fn an_allowed_lint_in_a_manifest_needs_a_reason() {
        let manifest = "[workspace.lints.clippy]\ntodo = \"warn\"\nformat_collect = \"allow\"\n\
                        similar_names = { level = \"warn\" }\nmatch_same_arms = \"allow\" # tables\n";
        assert_eq!(lines("Cargo.toml", manifest), [3]);
        assert_eq!(lines("crates/a/Cargo.toml", &manifest.replace("workspace.", "")), [3]);
    }

    #[test]
    fn an_exception_in_deny_toml_needs_a_reason() {
        let deny = "[advisories]\nignore = [\n    \"RUSTSEC-1\",\n    { id = \"RUSTSEC-2\", reason = \"signs only in tests\" },\n]\n\n\
                    [bans]\nskip = [{ crate = \"syn@2\" }]\nallow = [\"MIT\"]\nskip-tree = [\n    \"rand\", # two majors\n]\n";
        assert_eq!(lines("deny.toml", deny), [3, 8]);
    }
}
