//! What `--lenient` forgives: damage that base64 takes on its way, and nothing else.

use wx_crypto::{Expect, OpenDataError, Opened, SessionKey, open_data};
use zeroize::Zeroizing;

/// The texts of a case.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    pub(super) key: &'a str,
    pub(super) data: &'a str,
    pub(super) iv: &'a str,
}

/// Opens them as they are.
pub(super) fn open(texts: Texts<'_>, expect: &Expect<'_>) -> Result<Opened, OpenDataError> {
    let key = SessionKey::from_base64(texts.key)?;
    open_data::open(texts.data, texts.iv, &key, expect)
}

/// Opens them after repair, and tells what was repaired. A repaired key that opens nothing is no key after all.
pub(super) fn open_repaired(texts: Texts<'_>, expect: &Expect<'_>) -> Result<(Opened, Vec<String>), OpenDataError> {
    let key = open_data::repair(texts.key);
    let named = |name: &str, repairs: &[open_data::Repair]| -> Vec<String> {
        repairs.iter().map(|repair| format!("the {name} {repair}")).collect()
    };
    let mut repairs = named("session key", &key.repairs);
    let key = Zeroizing::new(key.text.into_owned());
    let opened = open_data::open_lenient(texts.data, texts.iv, &SessionKey::from_base64(&key)?, expect);
    let (opened, of_data) = opened.map_err(|error| if repairs.is_empty() { error } else { OpenDataError::IllegalAesKey })?;
    repairs.extend(named("encrypted data", &of_data.encrypted_data));
    repairs.extend(named("iv", &of_data.iv));
    Ok((opened, repairs))
}
