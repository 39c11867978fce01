//! ES modules out of the script's folder, and what `require` finds there.

use rquickjs::{
    Ctx, Exception, Module, Result,
    loader::{ImportAttributes, Loader, Resolver},
    module::Declared,
};

use crate::shared::{Handle, Shared};

impl Shared {
    /// The file that a script means by a name.
    pub(crate) fn resolve(&self, from: &str, name: &str) -> std::result::Result<String, String> {
        match &self.folder {
            Some(folder) => folder.resolve(from, name),
            None => Err(format!("cannot find module '{name}': there is no folder to load from")),
        }
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> std::result::Result<String, String> {
        match &self.folder {
            Some(folder) => folder.read(name),
            None => Err(format!("cannot read '{name}': there is no folder to load from")),
        }
    }
}

/// Finds and reads what `import` names.
pub(crate) struct Files(pub(crate) Handle);

impl Resolver for Files {
    fn resolve<'js>(&mut self, ctx: &Ctx<'js>, from: &str, name: &str, _: Option<ImportAttributes<'js>>) -> Result<String> {
        self.0.resolve(from, name).map_err(|why| Exception::throw_message(ctx, &why))
    }
}

impl Loader for Files {
    fn load<'js>(&mut self, ctx: &Ctx<'js>, name: &str, _: Option<ImportAttributes<'js>>) -> Result<Module<'js, Declared>> {
        if ending(name) == "json" {
            return Err(Exception::throw_type(ctx, &format!("'{name}' is no module: JSON is for require")));
        }
        let text = self.0.read(name).map_err(|why| Exception::throw_message(ctx, &why))?;
        Module::declare(ctx.clone(), name, text)
    }
}

/// What a file's name ends in after its last dot.
pub(crate) fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Whether a script that is no `CommonJS` seems to be a module: one of its lines imports or exports.
pub(crate) fn looks_like_one(source: &str) -> bool {
    source.lines().any(|line| {
        let line = line.trim_start();
        let rest = line.strip_prefix("import").or_else(|| line.strip_prefix("export"));
        rest.is_some_and(|rest| rest.starts_with([' ', '\t', '{', '*', '"', '\'']))
            || line.starts_with("await ")
            || line.contains("= await ")
    })
}

#[cfg(test)]
mod tests {
    use super::looks_like_one;

    #[test]
    fn a_line_that_imports_or_exports_makes_a_module() {
        for source in ["import a from './a.js'", "// a\nexport const b = 1", "import'./a.js'", "export{a}", "const a = await b"]
        {
            assert!(looks_like_one(source), "{source}");
        }
        for source in ["", "const a = important", "exports.a = 1", "importScripts()", "export"] {
            assert!(!looks_like_one(source), "{source}");
        }
    }
}
