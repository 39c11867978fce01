//! `wx.canIUse`: what of an API is there, as far as the contract knows.

use wx_api::{Api, Cx, JsType, Version};
use wx_host::Wx;

/// The first base library that has it.
pub(crate) const SINCE: Version = Version(1, 1, 1);

/// The fields that every answer may have.
const ALWAYS: [&str; 1] = ["errMsg"];

/// Answers for `api`, `api.object.parameter`, `api.object.parameter.value`, `api.success.field`, `api.success.field.inner`,
/// and for events `api.callback.field`.
///
/// What is not known of is not there: components, and results of functions that return something at once.
pub(crate) fn answer(wx: &Wx, cx: &Cx, schema: &str) -> bool {
    let mut steps = schema.split('.');
    let (Some(name), part, field, value) = (steps.next(), steps.next(), steps.next(), steps.next()) else { return false };
    if steps.next().is_some() {
        return false;
    }
    if name == "canIUse" {
        return part.is_none();
    }
    let there = wx.supported(cx);
    if let Some(api) = Api::from_name(name) {
        return there.contains(api) && has(api, cx.profile().sdk(), part, field, value);
    }
    part.is_none()
        && there.iter().filter_map(Api::event_facts).any(|event| event.off == name && event.off_since <= cx.profile().sdk())
}

fn has(api: Api, sdk: Version, part: Option<&str>, field: Option<&str>, value: Option<&str>) -> bool {
    let is_event = api.event_facts().is_some();
    let Some(part) = part else { return true };
    match (part, field, value) {
        ("object", None, None) => !is_event,
        ("object", Some("success" | "fail" | "complete"), None) => !is_event,
        ("object", Some(name), value) => {
            let param = api.params().iter().find(|param| param.name == name).filter(|param| param.since <= sdk);
            param.is_some_and(|param| match (value, param.ty) {
                (None, _) => true,
                (Some(value), JsType::OneOf(values) | JsType::Array(&JsType::OneOf(values))) => values.contains(&value),
                (Some(_), _) => false,
            })
        }
        ("success", None, None) => !is_event,
        ("success", Some(name), inner) if !is_event => {
            let has_code = api.facts().is_some_and(|facts| facts.err_code);
            has_field(api, name, inner) || inner.is_none() && (ALWAYS.contains(&name) || name == "errCode" && has_code)
        }
        ("callback", None, None) => is_event,
        ("callback", Some(name), inner) => is_event && has_field(api, name, inner),
        _ => false,
    }
}

fn has_field(api: Api, name: &str, inner: Option<&str>) -> bool {
    let path = inner.map_or_else(|| name.to_owned(), |inner| format!("{name}.{inner}"));
    api.fields().contains(&path.as_str())
}
