//! The names that every call looks up, as the engine keeps them: to find one by its text costs as much as to read the field.

use rquickjs::{Atom, Ctx, Persistent, Result};

/// A name of the engine, for good.
pub(crate) struct Name(Persistent<Atom<'static>>);

/// Those of calls.
pub(crate) struct Names {
    pub(crate) success: Name,
    pub(crate) fail: Name,
    pub(crate) complete: Name,
    pub(crate) err_msg: Name,
    pub(crate) err_code: Name,
}

impl Name {
    fn new(ctx: &Ctx<'_>, text: &str) -> Result<Self> {
        Ok(Self(Persistent::save(ctx, Atom::from_str(ctx.clone(), text)?)))
    }

    /// As what objects are asked with.
    pub(crate) fn atom<'js>(&self, ctx: &Ctx<'js>) -> Result<Atom<'js>> {
        self.0.clone().restore(ctx)
    }
}

impl Names {
    pub(crate) fn of(ctx: &Ctx<'_>) -> Result<Self> {
        Ok(Self {
            success: Name::new(ctx, "success")?,
            fail: Name::new(ctx, "fail")?,
            complete: Name::new(ctx, "complete")?,
            err_msg: Name::new(ctx, "errMsg")?,
            err_code: Name::new(ctx, "errCode")?,
        })
    }
}
