//! Cases of what holds for every API: the form of an answer, the check of parameters, and the callbacks. The bullets that name
//! them stand in `wx-host`, at `Wx::call_json`, `Wx::call_back` and `Callbacks`.

mod answers;
mod binary;
mod callbacks;
mod parameters;

use wx_api::Cx;

use self::{
    answers::{
        a_thousand_calls_at_once_all_answer, api_newer_than_the_profile_is_not_supported, cancel_says_fail_cancel,
        denied_scope_says_auth_deny, err_code_comes_with_failures_that_have_one, err_code_is_0_on_success,
        err_code_only_where_documented, every_api_answers_its_own_name, failure_says_api_fail_and_why, success_says_api_ok,
        typed_and_json_agree, unknown_api_is_not_supported,
    },
    binary::{bad_base64_is_a_parameter_error, binary_is_base64_in_an_object, string_is_no_array_buffer},
    callbacks::{
        complete_runs_alone_too, fail_then_complete, one_terminal_answer_when_broken_off, success_then_complete,
        throwing_callback_harms_no_other,
    },
    parameters::{
        arguments_must_be_an_object, bad_parameter_never_reaches_the_backend, deep_nesting_is_refused,
        first_wrong_parameter_is_named, malformed_json_is_a_parameter_error, missing_parameter_is_undefined,
        no_arguments_are_fine, null_is_named, number_out_of_range_says_the_range, unknown_fields_are_ignored,
        wrong_element_type_is_named, wrong_type_is_named,
    },
};
use super::err_msg;
use crate::{Bench, Case, Failure, Outcome, case, check, check_eq};

pub(crate) const CASES: &[Case] = &[
    case!(conventions::success_says_api_ok, [Login], []),
    case!(conventions::failure_says_api_fail_and_why, [Login], []),
    case!(conventions::err_code_only_where_documented, [Login], []),
    case!(conventions::err_code_is_0_on_success, [GetHceState], []),
    case!(conventions::err_code_comes_with_failures_that_have_one, [Authorize, CheckSession, StartHce], []),
    case!(conventions::unknown_api_is_not_supported, [], []),
    case!(conventions::api_newer_than_the_profile_is_not_supported, [GetSetting], []),
    case!(conventions::missing_parameter_is_undefined, [Authorize], []),
    case!(conventions::wrong_type_is_named, [Authorize, Login, GetUserInfo, StartHce, SendHceMessage], []),
    case!(conventions::null_is_named, [Authorize], []),
    case!(conventions::wrong_element_type_is_named, [StartHce], []),
    case!(conventions::first_wrong_parameter_is_named, [StartSoterAuthentication], []),
    case!(conventions::number_out_of_range_says_the_range, [Login], []),
    case!(conventions::arguments_must_be_an_object, [Login], []),
    case!(conventions::malformed_json_is_a_parameter_error, [Login], []),
    case!(conventions::deep_nesting_is_refused, [Login], []),
    case!(conventions::no_arguments_are_fine, [Login], []),
    case!(conventions::unknown_fields_are_ignored, [Login], []),
    case!(conventions::bad_parameter_never_reaches_the_backend, [Login], [Server]),
    case!(conventions::binary_is_base64_in_an_object, [StartHce, SendHceMessage], []),
    case!(conventions::string_is_no_array_buffer, [SendHceMessage], []),
    case!(conventions::bad_base64_is_a_parameter_error, [SendHceMessage], []),
    case!(conventions::success_then_complete, [Login], []),
    case!(conventions::fail_then_complete, [Login], []),
    case!(conventions::complete_runs_alone_too, [Login], []),
    case!(conventions::one_terminal_answer_when_broken_off, [Login], [Network]),
    case!(conventions::throwing_callback_harms_no_other, [Login], []),
    case!(conventions::typed_and_json_agree, [GetUserInfo, CheckSession], []),
    case!(conventions::denied_scope_says_auth_deny, [GetUserInfo], [User]),
    case!(conventions::cancel_says_fail_cancel, [Authorize], [User]),
    case!(conventions::a_thousand_calls_at_once_all_answer, [Login, CheckSession, GetSetting], [Network]),
    case!(conventions::every_api_answers_its_own_name, [], []),
];

/// The `errMsg` that a call answers.
async fn says(bench: &Bench, cx: &Cx, name: &str, args: &str) -> Result<String, Failure> {
    err_msg(&bench.wx.call_json(cx, name, args).await)
}

/// Fails unless the call answers exactly this `errMsg`.
async fn says_exactly(bench: &Bench, name: &str, args: &str, expected: &str) -> Outcome {
    check_eq(&format!("the errMsg of {name} with {args}"), says(bench, &bench.cx, name, args).await?.as_str(), expected)
}

/// Fails unless the call answers a parameter error that says `part`.
async fn is_a_parameter_error(bench: &Bench, name: &str, args: &str, part: &str) -> Outcome {
    let said = says(bench, &bench.cx, name, args).await?;
    let detail = said.strip_prefix(name).and_then(|said| said.strip_prefix(":fail parameter error: "));
    let args: String = args.chars().take(60).collect();
    check(
        detail.is_some_and(|detail| !detail.is_empty() && detail.contains(part)),
        format!("{name} with {args} answered `{said}`, expected a parameter error that says `{part}`"),
    )
}
