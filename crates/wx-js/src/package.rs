//! Packages: where they lie, and which of their files is meant by their name.

use serde::Deserialize;
use serde_json::Value;

/// The folders that packages lie in, in the order in which they are searched: what the developer tools build, then what npm
/// installs.
pub(crate) const FOLDERS: [&str; 2] = ["miniprogram_npm", "node_modules"];

/// Which of several files for one name a mini-program takes, best first.
const CONDITIONS: [&str; 4] = ["miniprogram", "require", "default", "import"];

/// What its `package.json` says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Manifest {
    miniprogram: Value,
    exports: Value,
    main: Value,
}

impl Manifest {
    /// One that cannot be read says nothing.
    pub(crate) fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Where in the package to look for `inner`, best first; for the package itself if that is empty.
    pub(crate) fn places(&self, inner: &str) -> Vec<String> {
        let built = self.miniprogram.as_str().map(|folder| format!("{folder}/{inner}"));
        let exported = match &self.exports {
            Value::Object(paths) if paths.keys().any(|path| path.starts_with('.')) => {
                paths.get(&if inner.is_empty() { ".".to_owned() } else { format!("./{inner}") })
            }
            whole => Some(whole).filter(|_| inner.is_empty()),
        };
        let exported = exported.and_then(chosen);
        let plain = if inner.is_empty() { self.main.as_str() } else { Some(inner) };
        [built.as_deref(), exported, plain].into_iter().flatten().map(str::to_owned).collect()
    }
}

/// The file that an entry of `exports` means. It may be by condition, and those by others again.
fn chosen(entry: &Value) -> Option<&str> {
    match entry {
        Value::Object(by) => CONDITIONS.iter().find_map(|condition| by.get(*condition).and_then(chosen)),
        entry => entry.as_str(),
    }
}

/// The name of a package and the path inside it: `@scope/name/path` has both.
pub(crate) fn split(name: &str) -> (&str, &str) {
    let slashes = if name.starts_with('@') { 2 } else { 1 };
    match name.match_indices('/').nth(slashes - 1) {
        Some((at, _)) => (&name[..at], &name[at + 1..]),
        None => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_its_first_slash_or_at_its_second_with_a_scope() {
        for (name, parts) in [
            ("a", ("a", "")),
            ("a/b/c", ("a", "b/c")),
            ("@a/b", ("@a/b", "")),
            ("@a/b/c/d", ("@a/b", "c/d")),
            ("@a", ("@a", "")),
        ] {
            assert_eq!(split(name), parts);
        }
    }

    #[test]
    fn what_is_made_for_mini_programs_comes_first() {
        let manifest = r#"{"main": "lib/a.js", "miniprogram": "dist", "exports": {".": {"import": "./a.mjs", "require": {"default": "./a.cjs"}}}}"#;
        let manifest = Manifest::read(manifest);
        assert_eq!(manifest.places(""), ["dist/", "./a.cjs", "lib/a.js"]);
        assert_eq!(manifest.places("x"), ["dist/x", "x"]);
    }

    #[test]
    fn exports_are_a_file_or_conditions_or_paths() {
        for (exports, inner, places) in [
            (r#""./a.js""#, "", vec!["./a.js"]),
            (r#"{"node": "./n.js", "default": "./a.js"}"#, "", vec!["./a.js"]),
            (r#"{"./x": "./lib/x.js"}"#, "x", vec!["./lib/x.js", "x"]),
            (r#"{"./x": "./lib/x.js"}"#, "", vec![]),
            (r#"{"./x": null}"#, "x", vec!["x"]),
            ("5", "", vec![]),
        ] {
            let manifest = Manifest::read(&format!(r#"{{"exports": {exports}}}"#));
            assert_eq!(manifest.places(inner), places, "{exports}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        for text in ["", "[]", "{", r#"{"main": 5}"#, r#""x""#] {
            assert!(Manifest::read(text).places("").is_empty(), "{text}");
        }
    }
}
