//! Cases of [`wx_api::user`].

mod profile;
mod sealed;
mod signed;

use wx_api::{
    Api,
    user::{GetUserInfoRequest, GetUserInfoResult},
};

use self::{
    profile::{
        answers_the_profile, default_language_is_english, lang_selects_the_language, raw_data_has_no_identifiers,
        raw_data_is_the_profile, unknown_lang_is_a_parameter_error,
    },
    sealed::{
        credentials_come_with_a_session, credentials_need_a_living_session, credentials_need_a_session, iv_is_16_bytes,
        iv_is_new_each_time, profile_needs_no_session, sealed_data_names_the_user, sealed_data_opens,
        sealed_data_repeats_the_profile, sealed_union_id_only_when_bound, watermark_names_the_app, watermark_tells_the_time,
        without_credentials_nothing_is_sealed,
    },
    signed::{
        changed_raw_data_does_not_verify, server_verifies_the_signature, signature_covers_exact_bytes,
        signature_is_sha1_of_raw_data_and_key,
    },
};
use crate::{Bench, Case, Failure, case};

pub(crate) const CASES: &[Case] = &[
    case!(user::answers_the_profile, [GetUserInfo], [User]),
    case!(user::raw_data_is_the_profile, [GetUserInfo], []),
    case!(user::raw_data_has_no_identifiers, [Login, GetUserInfo], [Server]),
    case!(user::signature_is_sha1_of_raw_data_and_key, [Login, GetUserInfo], [Server]),
    case!(user::signature_covers_exact_bytes, [Login, GetUserInfo], [Server, User]),
    case!(user::server_verifies_the_signature, [Login, GetUserInfo], [Server]),
    case!(user::changed_raw_data_does_not_verify, [Login, GetUserInfo], [Server]),
    case!(user::sealed_data_opens, [Login, GetUserInfo], [Server]),
    case!(user::sealed_data_repeats_the_profile, [Login, GetUserInfo], [Server]),
    case!(user::sealed_data_names_the_user, [Login, GetUserInfo], [Server]),
    case!(user::sealed_union_id_only_when_bound, [Login, GetUserInfo], [Server]),
    case!(user::watermark_names_the_app, [Login, GetUserInfo], [Server]),
    case!(user::watermark_tells_the_time, [Login, GetUserInfo], [Server, Clock]),
    case!(user::iv_is_16_bytes, [Login, GetUserInfo], []),
    case!(user::iv_is_new_each_time, [Login, GetUserInfo], []),
    case!(user::without_credentials_nothing_is_sealed, [Login, GetUserInfo], []),
    case!(user::credentials_need_a_session, [GetUserInfo], []),
    case!(user::credentials_need_a_living_session, [Login, GetUserInfo], [Clock]),
    case!(user::credentials_come_with_a_session, [Login, GetUserInfo], []),
    case!(user::profile_needs_no_session, [GetUserInfo], []),
    case!(user::lang_selects_the_language, [GetUserInfo], [User]),
    case!(user::default_language_is_english, [GetUserInfo], [User]),
    case!(user::unknown_lang_is_a_parameter_error, [GetUserInfo], []),
];

pub(crate) const SAMPLES: &[(Api, &str)] = &[(Api::GetUserInfo, r#"{"lang":"en"}"#)];

/// The user's profile with the parameters left out.
async fn user_info(bench: &Bench) -> Result<GetUserInfoResult, Failure> {
    Ok(bench.wx.call(&bench.cx, GetUserInfoRequest::default()).await?)
}

/// The user's profile with credentials.
async fn with_credentials(bench: &Bench) -> Result<GetUserInfoResult, Failure> {
    Ok(bench.wx.call(&bench.cx, GetUserInfoRequest { with_credentials: Some(true), lang: None }).await?)
}

/// What an answer with credentials must carry.
fn present(what: &str, field: Option<String>) -> Result<String, Failure> {
    field.ok_or_else(|| Failure(format!("the answer has no {what}")))
}
