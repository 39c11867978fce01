//! The plain profile and its language.

use wx_api::user::{GetUserInfoRequest, Lang, UserInfo};

use super::{user_info, with_credentials};
use crate::{
    Bench, Failure, Outcome,
    cases::{err_msg, field, login::sign_in},
    check, check_eq,
};

pub(super) async fn answers_the_profile(bench: Bench) -> Outcome {
    let answer = bench.wx.call(&bench.cx, GetUserInfoRequest { with_credentials: None, lang: Some(Lang::En) }).await?;
    check_eq("userInfo", answer.user_info, bench.user()?.profile(Lang::En))
}

pub(super) async fn raw_data_is_the_profile(bench: Bench) -> Outcome {
    let answer = user_info(&bench).await?;
    let raw: UserInfo = serde_json::from_str(&answer.raw_data)
        .map_err(|error| Failure(format!("rawData `{}` is no profile: {error}", answer.raw_data)))?;
    check_eq("rawData", raw, answer.user_info)
}

pub(super) async fn raw_data_has_no_identifiers(bench: Bench) -> Outcome {
    bench.server()?.bind(true).await?; // so that there is a unionId to leave out
    sign_in(&bench, &bench.cx).await?;
    let answer = with_credentials(&bench).await?;
    for identifier in ["openId", "unionId", "watermark"] {
        let found = field(&answer.raw_data, identifier)?;
        check(found.is_none(), format!("rawData carries {identifier}"))?;
    }
    Ok(())
}

pub(super) async fn lang_selects_the_language(bench: Bench) -> Outcome {
    for lang in [Lang::ZhCn, Lang::ZhTw, Lang::En] {
        let answer = bench.wx.call(&bench.cx, GetUserInfoRequest { with_credentials: None, lang: Some(lang) }).await?;
        let expected = places(&bench.user()?.profile(lang));
        check_eq(&format!("what {lang:?} answers"), places(&answer.user_info), expected)?;
    }
    Ok(())
}

pub(super) async fn default_language_is_english(bench: Bench) -> Outcome {
    let answer = user_info(&bench).await?;
    check_eq("what the call without lang answers", places(&answer.user_info), places(&bench.user()?.profile(Lang::En)))
}

pub(super) async fn unknown_lang_is_a_parameter_error(bench: Bench) -> Outcome {
    let said = err_msg(&bench.wx.call_json(&bench.cx, "getUserInfo", r#"{"lang":"fr"}"#).await)?;
    check(
        said.starts_with("getUserInfo:fail parameter error"),
        format!("lang fr answered `{said}`, expected a parameter error"),
    )
}

/// What of a profile is in its language.
fn places(info: &UserInfo) -> (Lang, String, String, String) {
    (info.language, info.city.clone(), info.province.clone(), info.country.clone())
}
