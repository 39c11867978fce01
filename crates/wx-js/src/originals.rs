//! The engine's own functions that reading values needs, kept from before any script could replace them.

use rquickjs::{
    ArrayBuffer, Constructor, Ctx, Error, Function, Object, Persistent, Result, String as JsString, function::This,
};

pub(crate) struct Originals {
    object_prototype: Persistent<Object<'static>>,
    to_well_formed: Persistent<Function<'static>>,
    words: Persistent<Constructor<'static>>,
    octets: Persistent<Constructor<'static>>,
}

impl Originals {
    pub(crate) fn of(ctx: &Ctx<'_>) -> Result<Self> {
        let globals = ctx.globals();
        let object: Object<'_> = globals.get::<_, Object<'_>>("Object")?.get("prototype")?;
        let string: Object<'_> = globals.get::<_, Object<'_>>("String")?.get("prototype")?;
        Ok(Self {
            object_prototype: Persistent::save(ctx, object),
            to_well_formed: Persistent::save(ctx, string.get::<_, Function<'_>>("toWellFormed")?),
            words: Persistent::save(ctx, globals.get::<_, Constructor<'_>>("Uint32Array")?),
            octets: Persistent::save(ctx, globals.get::<_, Constructor<'_>>("Uint8Array")?),
        })
    }

    /// Whether an object inherits what a literal does, or nothing. None that the engine itself makes for other ends, such as a buffer,
    /// is so.
    pub(crate) fn is_plain(&self, object: &Object<'_>) -> bool {
        let prototype = object.get_prototype();
        prototype.is_none_or(|prototype| Persistent::save(object.ctx(), prototype) == self.object_prototype)
    }

    /// The text of a string. Half a surrogate pair, which UTF-8 cannot say, becomes U+FFFD.
    pub(crate) fn text(&self, string: &JsString<'_>) -> Result<String> {
        match string.to_string() {
            Err(Error::Utf8(_)) => {
                let to_well_formed = self.to_well_formed.clone().restore(string.ctx())?;
                to_well_formed.call::<_, JsString<'_>>((This(string.clone()),))?.to_string()
            }
            text => text,
        }
    }

    /// A copy of a buffer's content, read four bytes at a time: a slice of the engine's memory could be had with `unsafe` only.
    pub(crate) fn bytes(&self, buffer: &ArrayBuffer<'_>) -> Result<Vec<u8>> {
        let ctx = buffer.ctx();
        let length = buffer.len();
        let (whole, rest) = (length / 4, length % 4);
        let mut bytes = Vec::with_capacity(length);
        if whole > 0 {
            let words: Object<'_> = self.words.clone().restore(ctx)?.construct((buffer.clone(), 0, whole))?;
            for i in 0..whole {
                bytes.extend_from_slice(&element(&words, i)?.to_ne_bytes());
            }
        }
        if rest > 0 {
            let octets: Object<'_> = self.octets.clone().restore(ctx)?.construct((buffer.clone(), whole * 4, rest))?;
            for i in 0..rest {
                bytes.push(element(&octets, i)?.to_ne_bytes()[usize::from(cfg!(target_endian = "big")) * 3]);
            }
        }
        Ok(bytes)
    }
}

fn element(array: &Object<'_>, index: usize) -> Result<u32> {
    let index = u32::try_from(index).map_err(|_| Error::Unknown)?;
    let number: f64 = array.get(index)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an element is a whole number of 32 bits at most"
    )]
    Ok(number as u32)
}
