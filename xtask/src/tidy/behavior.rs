//! Documentation and conformance suite name the same behaviour: no sentence without a case, no case without a sentence.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Finding,
    tree::{Source, Tree, is_below},
};
use crate::Result;

/// Where the suite's tables are.
const SUITE: &str = "crates/wx-conformance/src/cases";

/// One line of a `# Behavior` list.
#[derive(Debug)]
struct Bullet {
    line: usize,
    /// The cases in its parentheses, with the line each is named in.
    cases: Vec<(usize, String)>,
}

/// Finds bullets without a case, cases that do not exist, and cases that no bullet names.
///
/// # Errors
///
/// A file that cannot be read.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut suite: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for file in tree.files(SUITE, "rs")? {
        for (line, case) in cases(&file.text) {
            if let Some((path, first)) = suite.get(&case) {
                findings.push(Finding::new(&file.path, line, format!("`{case}` is already a case at {path}:{first}")));
            } else {
                suite.insert(case, (file.path.clone(), line));
            }
        }
    }
    let mut named = BTreeSet::new();
    for file in
        tree.files("crates", "rs")?.iter().filter(|file| is_below(&file.path, "src") && !is_below(&file.path, "generated"))
    {
        for bullet in bullets(&file.text) {
            findings.extend(judge(file, &bullet, &suite));
            named.extend(bullet.cases.into_iter().map(|(_, case)| case));
        }
    }
    for (case, (path, line)) in suite.iter().filter(|(case, _)| !named.contains(*case)) {
        findings.push(Finding::new(path, *line, format!("no bullet under `# Behavior` names `{case}`")));
    }
    Ok(findings)
}

fn judge(file: &Source, bullet: &Bullet, suite: &BTreeMap<String, (String, usize)>) -> Vec<Finding> {
    if bullet.cases.is_empty() {
        let text = "this bullet names no case: end it with (`domain::case_that_proves_it`)";
        return vec![Finding::new(&file.path, bullet.line, text)];
    }
    let missing = bullet.cases.iter().filter(|(_, case)| !suite.contains_key(case));
    missing.map(|(line, case)| Finding::new(&file.path, *line, format!("no case `{case}` in {SUITE}"))).collect()
}

/// The bullets of every `# Behavior` list in a file's documentation.
fn bullets(text: &str) -> Vec<Bullet> {
    let mut bullets: Vec<Bullet> = Vec::new();
    let (mut in_behavior, mut in_example, mut in_bullet, mut depth) = (false, false, false, 0);
    for (line, text) in (1..).zip(text.lines()) {
        let Some(text) = documentation(text) else {
            (in_behavior, in_example, in_bullet) = (false, false, false);
            continue;
        };
        if text.trim_start().starts_with("```") {
            in_example = !in_example;
        } else if in_example {
        } else if text.starts_with('#') {
            (in_behavior, in_bullet) = (text.trim() == "# Behavior", false);
        } else if in_behavior {
            if text.starts_with("- ") || text.starts_with("* ") {
                (in_bullet, depth) = (true, 0);
                bullets.push(Bullet { line, cases: Vec::new() });
            } else if !text.starts_with(' ') {
                in_bullet = false;
            }
            if let Some(bullet) = bullets.last_mut().filter(|_| in_bullet) {
                bullet.cases.extend(named(text, &mut depth).into_iter().map(|case| (line, case)));
            }
        }
    }
    bullets
}

/// The text of a documentation line.
fn documentation(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line.strip_prefix("///").filter(|rest| !rest.starts_with('/')).or_else(|| line.strip_prefix("//!"))?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

/// The case names between backticks in a line's parentheses. `depth` says how many are open, before and after.
fn named(text: &str, depth: &mut usize) -> Vec<String> {
    let mut cases = Vec::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            cases.extend(Some(part).filter(|part| *depth > 0 && is_case(part)).map(str::to_owned));
            continue;
        }
        for letter in part.chars() {
            match letter {
                '(' => *depth += 1,
                ')' => *depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    cases
}

/// `domain::snake_case`.
fn is_case(text: &str) -> bool {
    let is_snake = |word: &str| {
        word.starts_with(|letter: char| letter.is_ascii_lowercase())
            && word.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
    };
    text.split_once("::").is_some_and(|(domain, sentence)| is_snake(domain) && is_snake(sentence))
}

/// The cases of a table, `case!(domain::name, ..)`, with their lines.
fn cases(text: &str) -> Vec<(usize, String)> {
    let mut cases = Vec::new();
    for (start, mark) in text.match_indices("case!(") {
        let line_start = text[..start].rfind('\n').map_or(0, |index| index + 1);
        if text[line_start..start].contains("//") {
            continue;
        }
        let argument = text[start + mark.len()..].split([',', ')']).next().unwrap_or_default();
        let case: String = argument.split_whitespace().collect();
        if is_case(&case) {
            cases.push((text[..start].matches('\n').count() + 1, case));
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::{super::tree::planted, *};

    const DOMAIN: &str = "crates/wx-api/src/login.rs";
    const CASES: &str = "crates/wx-conformance/src/cases/login.rs";

    fn findings(domain: &str, cases: &str) -> Vec<String> {
        let (_folder, tree) = planted(&[(DOMAIN, domain), (CASES, cases)]);
        check(&tree).unwrap().iter().map(ToString::to_string).collect()
    }

    const TABLE: &str = "const CASES: &[Case] = &[\n    case!(login::answers_a_code, [Login], []),\n    case!(\n        login::codes_differ,\n        [Login],\n        []\n    ),\n];\n";

    #[test]
    fn bullets_and_cases_that_name_each_other_are_fine() {
        let domain = "/// # Behavior\n///\n/// - it answers a code (`login::answers_a_code`), a new one each time\n///   (`login::codes_differ`)\n///\n/// # Errors\n///\n/// - none here\nfn login();\n";
        assert_eq!(findings(domain, TABLE), Vec::<String>::new());
    }

    #[test]
    fn a_bullet_without_a_case_is_found() {
        let domain = "/// # Behavior\n///\n/// - it answers (`login::answers_a_code`, `login::codes_differ`)\n/// - it is fast\nfn login();\n";
        let found = findings(domain, TABLE);
        assert_eq!(found, [format!("{DOMAIN}:4: this bullet names no case: end it with (`domain::case_that_proves_it`)")]);
    }

    #[test]
    fn a_case_outside_parentheses_does_not_count() {
        let domain = "//! # Behavior\n//! - see `login::answers_a_code` (or `Login::Code`)\n";
        assert!(findings(domain, "").iter().any(|finding| finding.starts_with(&format!("{DOMAIN}:2: this bullet"))));
    }

    #[test]
    fn a_case_that_does_not_exist_is_found_in_its_line() {
        let domain = "    /// # Behavior\n    ///\n    /// - codes (`login::answers_a_code`,\n    ///   `login::codes_difer`, `login::codes_differ`)\n    fn login();\n";
        assert_eq!(findings(domain, TABLE), [format!("{DOMAIN}:4: no case `login::codes_difer` in {SUITE}")]);
    }

    #[test]
    fn a_case_that_no_bullet_names_is_found() {
        let domain = "/// # Behavior\n///\n/// - it answers a code (`login::answers_a_code`)\nfn login();\n";
        assert_eq!(findings(domain, TABLE), [format!("{CASES}:3: no bullet under `# Behavior` names `login::codes_differ`")]);
    }

    #[test]
    fn a_case_that_stands_twice_is_found() {
        let domain = "/// # Behavior\n///\n/// - codes (`login::codes_differ`)\nfn login();\n";
        let table =
            "case!(login::codes_differ, [], []),\n// case!(login::left_out, [], []),\ncase!(login::codes_differ, [], []),\n";
        assert_eq!(findings(domain, table), [format!("{CASES}:3: `login::codes_differ` is already a case at {CASES}:1")]);
    }

    #[test]
    fn examples_and_other_headings_are_no_behavior() {
        let text = "/// # Behavior\n///\n/// ```\n/// - no bullet\n/// ```\n///\n/// # Errors\n///\n/// - no bullet\nfn a();\n// - no bullet\n";
        assert!(bullets(text).is_empty());
    }
}
