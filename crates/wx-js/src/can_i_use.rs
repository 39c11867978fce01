//! `wx.canIUse`: what of an API is there, as far as the contract knows.

use wx_api::{Api, Cx, JsType};
use wx_host::Wx;

/// The fields that every answer may have.
const ALWAYS: [&str; 1] = ["errMsg"];

/// Answers for `api`, `api.object.parameter`, `api.object.parameter.value`, `api.success.field` or `api.callback.field`.
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
        return there.contains(api) && has(api, part, field, value);
    }
    part.is_none()
        && there.iter().filter_map(Api::event_facts).any(|event| event.off == name && event.off_since <= cx.profile().sdk())
}

fn has(api: Api, part: Option<&str>, field: Option<&str>, value: Option<&str>) -> bool {
    let is_event = api.event_facts().is_some();
    let Some(part) = part else { return true };
    match (part, field, value) {
        ("object", None, None) => !is_event,
        ("object", Some("success" | "fail" | "complete"), None) => !is_event,
        ("object", Some(name), value) => {
            api.params().iter().find(|param| param.name == name).is_some_and(|param| match (value, param.ty) {
                (None, _) => true,
                (Some(value), JsType::OneOf(values) | JsType::Array(&JsType::OneOf(values))) => values.contains(&value),
                (Some(_), _) => false,
            })
        }
        ("success", None, None) => !is_event,
        ("success", Some(name), None) if !is_event => {
            let has_code = api.facts().is_some_and(|facts| facts.err_code);
            ALWAYS.contains(&name) || name == "errCode" && has_code || api.fields().contains(&name)
        }
        ("callback", None, None) => is_event,
        ("callback", Some(name), None) => is_event && api.fields().contains(&name),
        _ => false,
    }
}
