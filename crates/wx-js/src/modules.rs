//! ES modules out of the script's folder, and what `require` finds there. Each kind can load the other, as the developer tools, which
//! make one of the two, have it.

use std::fmt::Write as _;

use rquickjs::{
    Ctx, Exception, Function, Module, Object, Result, Value,
    loader::{ImportAttributes, Loader, Resolver},
    module::Declared,
    promise::PromiseState,
};

use crate::{
    environment,
    shared::{Handle, Shared},
};

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
        if ending(name) == "cjs" || ending(name) != "mjs" && text.contains("exports") && is_common(&self.0, ctx, name, &text) {
            return of_common(&self.0, ctx, name);
        }
        self.0.wrapped.borrow_mut().remove(name);
        Module::declare(ctx.clone(), name, text)
    }
}

/// Whether it is no module: none of its statements is one that only modules have.
fn is_common(shared: &Handle, ctx: &Ctx<'_>, name: &str, text: &str) -> bool {
    let compiled = environment::compile(shared, ctx, name, text).is_ok();
    drop(ctx.catch());
    compiled
}

/// A module whose exports are those of a `CommonJS` script. `import it from` gets all of them, or what a compiler made of a
/// module's own default.
fn of_common<'js>(shared: &Shared, ctx: &Ctx<'js>, name: &str) -> Result<Module<'js, Declared>> {
    let require = shared.require.borrow().clone();
    let Some(require) = require else { return Err(rquickjs::Error::Unknown) };
    let exports: Value<'js> = require.restore(ctx)?.call((name,))?;
    let names = exports.as_object().map_or_else(|| Ok(Vec::new()), |exports| exports.keys::<String>().collect())?;
    let mut text = "const { it } = import.meta; export default it?.__esModule ? it.default : it;".to_owned();
    for (i, name) in names.iter().filter(|name| *name != "default" && is_identifier(name)).enumerate() {
        // Not by its own name, which may be a word of the language.
        let _ = write!(text, "const n{i} = it.{name}; export {{ n{i} as {name} }};");
    }
    let module = Module::declare(ctx.clone(), name, text)?;
    module.meta()?.set("it", exports)?;
    Ok(module)
}

/// Plain ones only: a package whose exports have others is taken as a whole.
fn is_identifier(name: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

/// A module as the function that a `CommonJS` script would be: its exports are the module's.
pub(crate) fn as_common<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>> {
    let name = name.to_owned();
    let run = move |ctx: Ctx<'js>, _require: Value<'js>, module: Object<'js>| -> Result<()> {
        // Through the loader, which knows each module once, whoever asks for it.
        let text = format!("export * as it from {}", serde_json::Value::from(format!("./{name}")));
        let (loaded, promise) = Module::declare(ctx.clone(), "<require>", text)?.eval()?;
        match promise.state() {
            PromiseState::Resolved => module.set("exports", loaded.get::<_, Value<'js>>("it")?),
            PromiseState::Rejected => {
                promise.catch()?.call::<_, ()>((rquickjs::function::This(promise.clone()), Function::new(ctx, || ())?))?;
                promise.result::<()>().unwrap_or(Err(rquickjs::Error::Unknown))
            }
            PromiseState::Pending => {
                Err(Exception::throw_message(&ctx, &format!("'{name}' awaits at its top level: import it instead")))
            }
        }
    };
    Function::new(ctx.clone(), run)
}

/// What a file's name ends in after its last dot.
pub(crate) fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

/// Whether a script that is no `CommonJS` seems to be a module: one of its statements imports, exports or awaits.
pub(crate) fn looks_like_one(source: &str) -> bool {
    source.split(['\n', ';', '}']).any(|statement| {
        let statement = statement.trim_start();
        let rest = statement.strip_prefix("import").or_else(|| statement.strip_prefix("export"));
        rest.is_some_and(|rest| rest.starts_with([' ', '\t', '{', '*', '"', '\'']))
            || statement.starts_with("await ")
            || statement.contains("= await ")
    })
}

#[cfg(test)]
mod tests {
    use super::looks_like_one;

    #[test]
    fn a_line_that_imports_or_exports_makes_a_module() {
        for source in [
            "import a from './a.js'",
            "// a\nexport const b = 1",
            "import'./a.js'",
            "export{a}",
            "const a = await b",
            "(()=>{})();export{a}",
        ] {
            assert!(looks_like_one(source), "{source}");
        }
        for source in ["", "const a = important", "exports.a = 1", "importScripts()", "export"] {
            assert!(!looks_like_one(source), "{source}");
        }
    }
}
