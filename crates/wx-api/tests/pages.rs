//! The contract against the official pages: `pages.json` holds what the public typings say of these APIs, without what came after
//! base library 1.9.94.

#![allow(clippy::unwrap_used)] // a test may stop at the first thing that is not there

use std::collections::BTreeMap;

use serde::Deserialize;
use wx_api::{Api, Call, Facts, JsType, Profile, Scope, Version, hce::HceCode, soter::SoterCode};

#[derive(Deserialize)]
struct Entry {
    since: Option<String>,
    off: Option<String>,
    #[serde(default)]
    params: Vec<Param>,
    #[serde(default, rename = "errCode")]
    err_code: bool,
    #[serde(default)]
    codes: Vec<i32>,
}

#[derive(Deserialize)]
struct Param {
    name: String,
    #[serde(rename = "type")]
    ty: String,
    required: bool,
    since: Option<String>,
}

fn pages() -> BTreeMap<String, Entry> {
    serde_json::from_str(include_str!("pages.json")).unwrap()
}

#[test]
fn every_api_of_the_contract_is_on_a_page_and_the_other_way_round() {
    let contract: Vec<&str> = Api::ALL.iter().map(|api| api.name()).collect();
    let pages = pages();
    for name in pages.keys() {
        assert!(contract.contains(&name.as_str()), "{name} is missing from the contract");
    }
    for name in contract {
        assert!(pages.contains_key(name), "{name} is on no page");
    }
}

#[test]
fn names_lead_back_to_their_api() {
    for &api in Api::ALL {
        assert_eq!(Api::from_name(api.name()), Some(api));
    }
    assert_eq!(Api::from_name("Login"), None);
}

#[test]
fn first_versions_are_those_of_the_pages() {
    for (name, entry) in pages() {
        let api = Api::from_name(&name).unwrap();
        let expected = entry.since.map_or(Version(1, 0, 0), |since| since.parse().unwrap());
        assert_eq!(api.since(), expected, "{name}");
        assert!(Profile::seed().apis().contains(api), "base library 1.9.94 has {name}");
    }
}

#[test]
fn parameters_are_those_of_the_pages() {
    for (name, entry) in pages() {
        let api = Api::from_name(&name).unwrap();
        let ours: Vec<(&str, &str, bool, Version)> =
            api.params().iter().map(|param| (param.name, param.ty.name(), param.required, param.since)).collect();
        for param in &entry.params {
            let ty = match param.ty.as_str() {
                "number" => "Number",
                "boolean" => "Boolean",
                "ArrayBuffer" => "ArrayBuffer",
                ty if ty.ends_with("[]") || ty.starts_with("Array<") => "Array",
                _ => "String",
            };
            let since = param.since.as_ref().map_or(api.since(), |since| since.parse().unwrap());
            assert!(
                ours.contains(&(&param.name, ty, param.required, since)),
                "{name}: {} {ty} {}, have {ours:?}",
                param.name,
                param.required
            );
        }
        assert_eq!(ours.len(), entry.params.len(), "{name} has other parameters than the page: {ours:?}");
    }
}

#[test]
fn err_code_is_documented_where_the_pages_have_it() {
    for (name, entry) in pages() {
        if let Some(facts) = Api::from_name(&name).unwrap().facts() {
            assert_eq!(facts.err_code, entry.err_code, "{name}");
        }
    }
}

#[test]
fn codes_of_card_emulation_are_those_of_the_page() {
    let ours: Vec<i32> = HceCode::ALL.iter().map(|code| code.code()).collect();
    let mut page = pages()["startHCE"].codes.clone();
    page.retain(|code| *code != 0);
    assert_eq!(ours, page);
}

#[test]
fn codes_of_soter_leave_out_90006() {
    let ours: Vec<i32> = SoterCode::ALL.iter().map(|code| code.code()).collect();
    assert_eq!(ours, [90001, 90002, 90003, 90004, 90005, 90007, 90008, 90009, 90010, 90011]);
}

#[test]
fn events_are_taken_off_by_the_names_of_the_pages() {
    for (name, entry) in pages() {
        let api = Api::from_name(&name).unwrap();
        assert_eq!(api.event_facts().map(|facts| facts.off.to_owned()), entry.off, "{name}");
        assert_eq!(api.event_facts().is_some(), api.facts().is_none(), "{name} is either an API or an event");
    }
}

#[test]
fn scopes_cover_what_the_facts_say() {
    let covered: Vec<(&str, Scope)> = Api::ALL
        .iter()
        .filter_map(|api| api.facts())
        .filter_map(|Facts { name, scope, .. }| Some((*name, (*scope)?)))
        .collect();
    assert_eq!(covered, [("getUserInfo", Scope::UserInfo)]);
    for scope in Scope::ALL {
        let json = serde_json::to_string(scope).unwrap();
        assert_eq!(json, format!("\"{}\"", scope.name()), "the name in JSON and the name in code must not drift apart");
        assert_eq!(scope.name().parse(), Ok(*scope));
    }
}

#[test]
fn only_login_brings_its_own_timeout() {
    let login = Call::deserialize(Api::Login, serde_json::json!({ "timeout": 250 })).unwrap();
    assert_eq!(login.timeout(), Some(std::time::Duration::from_millis(250)));
    let check = Call::deserialize(Api::CheckSession, serde_json::json!({ "timeout": 250 })).unwrap();
    assert_eq!(check.timeout(), None);
}

#[test]
fn closed_lists_of_texts_are_told_and_open_ones_let_through() {
    let ty = |api: Api, name: &str| api.params().iter().find(|param| param.name == name).unwrap().ty;
    assert_eq!(ty(Api::GetUserInfo, "lang"), JsType::OneOf(&["en", "zh_CN", "zh_TW"]));
    assert_eq!(ty(Api::StartSoterAuthentication, "requestAuthModes"), JsType::Array(&JsType::String));
}
