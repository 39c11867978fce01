//! Mutants of the domain `user`.

use wx_api::{
    Call, Reply,
    user::{GetUserInfoResult, Lang},
};

use crate::{
    list::Mutant,
    spoil::{Memory, Spoil},
};

pub(crate) const MUTANTS: &[Mutant] = &[
    Mutant {
        what: "the initial vector repeats",
        case: "user::iv_is_new_each_time",
        spoil: || {
            let first = Memory::<Option<GetUserInfoResult>>::default();
            Spoil::answers(move |_, _, answer| match answer {
                Ok(Reply::Login(_)) => {
                    first.with(|first| *first = None); // another key, another ciphertext
                    answer
                }
                Ok(Reply::GetUserInfo(result)) => first.with(|first| {
                    let first = first.get_or_insert_with(|| (*result).clone());
                    Ok(GetUserInfoResult { iv: first.iv.clone(), encrypted_data: first.encrypted_data.clone(), ..*result }
                        .into())
                }),
                answer => answer,
            })
        },
    },
    Mutant {
        what: "sealed data comes without being asked for",
        case: "user::without_credentials_nothing_is_sealed",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::GetUserInfo(mut req) => {
                    req.with_credentials = req.with_credentials.filter(|wanted| *wanted);
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "place names are Chinese unless asked otherwise",
        case: "user::default_language_is_english",
        spoil: || {
            Spoil::calls(|call| match call {
                Call::GetUserInfo(mut req) => {
                    req.lang = Some(req.lang.unwrap_or(Lang::ZhCn));
                    req.into()
                }
                call => call,
            })
        },
    },
    Mutant {
        what: "no signature without credentials in the answer",
        case: "user::credentials_need_a_session",
        spoil: || {
            let logged_in = Memory::<bool>::default();
            Spoil::calls(move |call| match call {
                Call::Login(req) => {
                    logged_in.with(|flag| *flag = true);
                    req.into()
                }
                Call::GetUserInfo(mut req) if !logged_in.with(|flag| *flag) => {
                    req.with_credentials = None;
                    req.into()
                }
                call => call,
            })
        },
    },
];
