//! The folder of a script, which is all it can read: no way out by `..`, by an absolute path or through a link.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::package::{self, Manifest};

/// The endings that may be left out, in the order in which they are tried.
const ENDINGS: [&str; 3] = ["", ".js", ".json"];

/// A folder whose files scripts may load. A file goes by its path inside the folder, with `/` on every system.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    longest: u64,
}

impl Folder {
    /// The folder at `root`, whose files are read if they are not longer than this.
    pub(crate) fn new(root: &Path, longest: usize) -> io::Result<Self> {
        let root = root.canonicalize()?;
        if !root.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a folder"));
        }
        Ok(Self { root, longest: longest as u64 })
    }

    /// The file that `from` means by `name`.
    pub(crate) fn resolve(&self, from: &str, name: &str) -> Result<String, String> {
        let not_found = || format!("cannot find module '{name}' from '{from}'");
        if name.starts_with("./") || name.starts_with("../") || name == "." || name == ".." {
            let wanted = join(parent(from), name).ok_or_else(|| format!("module '{name}' is outside the folder"))?;
            return self.find(&wanted)?.ok_or_else(not_found);
        }
        if join("", name).is_none_or(|plain| plain != name) {
            return Err(format!("module '{name}' is neither a relative path nor the name of a package"));
        }
        let (package, inner) = package::split(name);
        let mut place = Some(parent(from));
        while let Some(folder) = place {
            for packages in package::FOLDERS {
                let home = join(folder, &format!("{packages}/{package}")).ok_or_else(not_found)?;
                if let Some(found) = self.of_package(&home, inner)? {
                    return Ok(found);
                }
            }
            place = (!folder.is_empty()).then(|| parent(folder));
        }
        Err(not_found())
    }

    /// The file at a path, an ending of which may be left out, or the one that stands for the folder there.
    fn find(&self, wanted: &str) -> Result<Option<String>, String> {
        match self.file(wanted)? {
            None => self.of_package(wanted, ""),
            found => Ok(found),
        }
    }

    /// The file in a package that is meant by the path `inner`, or by the package's name if that is empty.
    fn of_package(&self, home: &str, inner: &str) -> Result<Option<String>, String> {
        let manifest = join(home, "package.json").and_then(|path| self.read(&path).ok()).unwrap_or_default();
        let mut places = Manifest::read(&manifest).places(inner);
        places.push(format!("./{inner}"));
        // What leads out of the package is no place.
        for place in places.iter().filter_map(|place| join(home, place)).filter(|place| Path::new(place).starts_with(home)) {
            for file in [place.clone(), format!("{place}/index")] {
                if let Some(found) = self.file(file.trim_start_matches('/'))? {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The file at a path, an ending of which may be left out.
    fn file(&self, wanted: &str) -> Result<Option<String>, String> {
        for ending in ENDINGS {
            match self.root.join(format!("{wanted}{ending}")).canonicalize() {
                Ok(file) if file.is_file() => return self.inside(&file).map(Some),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The name of a file whose links are all followed.
    fn inside(&self, file: &Path) -> Result<String, String> {
        let inside = file.strip_prefix(&self.root).map_err(|_| "a link leads outside the folder".to_owned())?;
        let steps: Option<Vec<&str>> = inside.iter().map(|step| step.to_str()).collect();
        Ok(steps.ok_or("a file's name is not UTF-8")?.join("/"))
    }

    /// The text of a file that [`resolve`](Self::resolve) found.
    pub(crate) fn read(&self, name: &str) -> Result<String, String> {
        let read = || {
            let file = self.root.join(name).canonicalize()?;
            if !file.starts_with(&self.root) || !file.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            if fs::metadata(&file)?.len() > self.longest {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            fs::read_to_string(file)
        };
        let text = read().map_err(|error| format!("cannot read '{name}': {}", error.kind()))?;
        Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
    }
}

/// The folder a file lies in.
fn parent(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path from a folder on, if it stays inside. What has a meaning of its own on some system is no name.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for (i, step) in path.split('/').enumerate() {
        match step {
            ".." => {
                steps.pop()?;
            }
            "." => {}
            "" if i > 0 => {}
            "" => return None,
            step if step.contains(['\\', ':', '\0']) => return None,
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

    use super::*;

    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = place.path().join("app").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let folder = Folder::new(&place.path().join("app"), 1 << 20).unwrap();
        (place, folder)
    }

    #[test]
    fn endings_may_be_left_out() {
        let (_place, folder) = folder(&[("a.js", ""), ("b/index.js", ""), ("c.json", "{}"), ("b/d.js", "")]);
        for (from, name, file) in [
            ("app.js", "./a", "a.js"),
            ("app.js", "./a.js", "a.js"),
            ("app.js", "./b", "b/index.js"),
            ("app.js", "./b/", "b/index.js"),
            ("app.js", "./c", "c.json"),
            ("b/d.js", "../a", "a.js"),
            ("b/d.js", ".", "b/index.js"),
            ("b/d.js", "./../b/./d", "b/d.js"),
        ] {
            assert_eq!(folder.resolve(from, name).as_deref(), Ok(file), "{name} from {from}");
        }
    }

    #[test]
    fn packages_are_found_upwards() {
        let (_place, folder) = folder(&[("miniprogram_npm/p/index.js", ""), ("x/miniprogram_npm/q.js", "")]);
        assert_eq!(folder.resolve("x/y/z.js", "p").as_deref(), Ok("miniprogram_npm/p/index.js"));
        assert_eq!(folder.resolve("x/y/z.js", "q").as_deref(), Ok("x/miniprogram_npm/q.js"));
        assert!(folder.resolve("z.js", "q").unwrap_err().contains("cannot find module 'q' from 'z.js'"));
    }

    #[test]
    fn a_package_says_which_of_its_files_it_is() {
        let (_place, folder) = folder(&[
            ("node_modules/main/package.json", r#"{"main": "lib/a"}"#),
            ("node_modules/main/lib/a.js", ""),
            ("node_modules/main/lib/b.js", ""),
            ("node_modules/built/package.json", r#"{"main": "a.js", "miniprogram": "dist"}"#),
            ("node_modules/built/a.js", ""),
            ("node_modules/built/dist/index.js", ""),
            ("node_modules/built/dist/sub.js", ""),
            ("node_modules/built/node_modules/main/index.js", ""),
            ("node_modules/@scope/name/index.js", ""),
            ("node_modules/lost/package.json", r#"{"main": "../../secret.js"}"#),
            ("node_modules/lost/index.js", ""),
            ("node_modules/both/index.js", ""),
            ("miniprogram_npm/both/index.js", ""),
            ("lib/package.json", r#"{"main": "x.js"}"#),
            ("lib/x.js", ""),
            ("secret.js", ""),
        ]);
        for (from, name, file) in [
            ("pages/a/b.js", "main", "node_modules/main/lib/a.js"),
            ("app.js", "main/lib/b", "node_modules/main/lib/b.js"),
            ("app.js", "built", "node_modules/built/dist/index.js"),
            ("app.js", "built/sub", "node_modules/built/dist/sub.js"),
            ("app.js", "built/a", "node_modules/built/a.js"),
            ("node_modules/built/dist/index.js", "main", "node_modules/built/node_modules/main/index.js"),
            ("app.js", "@scope/name", "node_modules/@scope/name/index.js"),
            ("app.js", "lost", "node_modules/lost/index.js"),
            ("app.js", "both", "miniprogram_npm/both/index.js"),
            ("app.js", "./lib", "lib/x.js"),
        ] {
            assert_eq!(folder.resolve(from, name).as_deref(), Ok(file), "{name} from {from}");
        }
        for name in ["main/../../secret", "main/lib/none", "@scope", "none/sub"] {
            assert!(folder.resolve("app.js", name).is_err(), "{name}");
        }
    }

    #[test]
    fn nothing_outside_is_found() {
        let (place, folder) = folder(&[("a.js", ""), ("b/c.js", "")]);
        fs::write(place.path().join("secret.js"), "").unwrap();
        let absolute = place.path().join("secret.js");
        for name in [
            "../secret",
            "./../secret.js",
            "./b/../../secret",
            "/secret.js",
            absolute.to_str().unwrap(),
            "..",
            "b/../../secret",
        ] {
            assert!(folder.resolve("a.js", name).is_err(), "{name}");
        }
        for name in ["C:/x", "./C:x", "..\\secret", "./..\\secret", "./a\0", "file:///etc/passwd", "", "~/x"] {
            assert!(folder.resolve("a.js", name).is_err(), "{name}");
        }
        assert!(folder.read("../secret.js").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_leads_nowhere_outside() {
        use std::os::unix::fs::symlink;

        let (place, folder) = folder(&[("a.js", "1")]);
        let inside = place.path().join("app");
        fs::write(place.path().join("secret.js"), "").unwrap();
        symlink(place.path().join("secret.js"), inside.join("file.js")).unwrap();
        symlink(place.path(), inside.join("up")).unwrap();
        symlink(inside.join("a.js"), inside.join("same.js")).unwrap();
        assert!(folder.resolve("app.js", "./file").unwrap_err().contains("outside"));
        assert!(folder.resolve("app.js", "./up/secret").unwrap_err().contains("outside"));
        assert!(folder.read("file.js").is_err() && folder.read("up/secret.js").is_err());
        assert_eq!(folder.resolve("app.js", "./same").as_deref(), Ok("a.js"), "a link that stays inside is fine");
    }

    #[test]
    fn errors_do_not_tell_where_the_folder_is() {
        let (place, folder) = folder(&[("a.js", "1"), ("long.js", &"x".repeat((1 << 20) + 1))]);
        fs::write(place.path().join("app/bad.js"), [0xff]).unwrap();
        let errors = [folder.resolve("a.js", "./none"), folder.read("none.js"), folder.read("long.js"), folder.read("bad.js")];
        for error in errors {
            let error = error.unwrap_err();
            assert!(!error.contains(place.path().to_str().unwrap()), "{error}");
        }
    }
}
