//! Card emulation: the device, the list of AIDs, and what passes between a reader and the mini-program.

mod aids;
mod device;
mod listeners;
mod messages;
mod program;
mod response;
mod stop;

use wx_api::{Api, Cx, Platform, Profile, hce::HceCode};

#[allow(clippy::wildcard_imports)] // the table below names every one of them
use self::{aids::*, device::*, listeners::*, messages::*, response::*, stop::*};
use crate::{
    case::{Bench, Case, Outcome, case, check_eq},
    cases::{err_msg, field},
};

pub(crate) const SAMPLES: &[(Api, &str)] = &[
    (Api::GetHceState, "{}"),
    (Api::StartHce, r#"{"aid_list":["F222222222"]}"#),
    (Api::StopHce, "{}"),
    (Api::SendHceMessage, r#"{"data":{"base64":"kAA="}}"#),
    (Api::OnHceMessage, "{}"),
];

pub(crate) const CASES: &[Case] = &[
    case!(hce::ready_device_answers_ok, [GetHceState], []),
    case!(hce::state_without_nfc_is_13000, [GetHceState], [Radio]),
    case!(hce::state_with_nfc_off_is_13001, [GetHceState], [Radio]),
    case!(hce::state_without_hce_is_13002, [GetHceState], [Radio]),
    case!(hce::state_without_default_app_is_13004, [GetHceState], [Radio]),
    case!(hce::state_follows_the_switch, [GetHceState], [Radio]),
    case!(hce::platform_without_hce_is_13002, [GetHceState], []),
    case!(hce::start_accepts_the_example, [StartHce], []),
    case!(hce::short_aid_is_13003, [StartHce], []),
    case!(hce::long_aid_is_13003, [StartHce], []),
    case!(hce::odd_aid_is_13003, [StartHce], []),
    case!(hce::aid_that_is_not_hex_is_13003, [StartHce], []),
    case!(hce::aid_case_does_not_matter, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::bad_aid_is_told, [StartHce], []),
    case!(hce::parameter_error_of_start_is_13003, [StartHce], []),
    case!(hce::empty_aid_list_is_13003, [StartHce], []),
    case!(hce::too_many_aids_are_13003, [StartHce], []),
    case!(hce::one_bad_aid_registers_nothing, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::start_without_nfc_is_13000, [StartHce], [Radio]),
    case!(hce::start_with_nfc_off_is_13001, [StartHce], [Radio]),
    case!(hce::start_without_hce_is_13002, [StartHce], [Radio]),
    case!(hce::start_without_default_app_is_13004, [StartHce], [Radio]),
    case!(hce::start_on_a_platform_without_hce_is_13002, [StartHce], []),
    case!(hce::aid_of_another_app_is_13006, [StartHce], []),
    case!(hce::refused_registration_is_13006, [StartHce], [Radio]),
    case!(hce::start_again_replaces_the_list, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::stop_answers_ok, [StartHce, StopHce], []),
    case!(hce::stop_without_start_is_ok, [StopHce], []),
    case!(hce::stop_without_nfc_is_13000, [StopHce], [Radio]),
    case!(hce::stop_without_hce_is_13002, [StopHce], [Radio]),
    case!(hce::stop_on_a_platform_without_hce_is_13002, [StopHce], []),
    case!(hce::stop_with_nfc_off_is_ok, [StartHce, StopHce], [Radio]),
    case!(hce::stopped_app_is_not_found, [StartHce, StopHce, OnHceMessage], [Reader]),
    case!(hce::start_works_after_stop, [StartHce, StopHce], []),
    case!(hce::stop_ends_the_wait_of_a_reader, [StartHce, StopHce, OnHceMessage], [Reader]),
    case!(hce::select_reaches_the_program, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::commands_follow_the_selection, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::commands_arrive_byte_for_byte, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::long_commands_are_left_to_the_program, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::command_has_type_1_and_data, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::leaving_has_type_2_and_reason, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::lost_field_is_reason_0, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::selection_of_another_app_is_reason_1, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::leaving_without_selection_says_nothing, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::unknown_aid_answers_6a82, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::unknown_aid_keeps_the_selection, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::command_before_selection_answers_6f00, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::another_own_aid_is_no_departure, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::select_of_another_class_is_data, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::prefix_matches_longer_aids, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::subset_matches_shorter_aids, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::shortened_aid_does_not_match, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::ping_is_answered_by_the_system, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::every_listener_hears, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::messages_come_in_order, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::off_ends_a_subscription, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::off_of_one_leaves_the_others, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::slow_listener_is_told_and_delays_nobody, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::listener_may_come_before_start, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::answer_reaches_the_reader, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::one_byte_response_is_13005, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::empty_response_is_13005, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::response_without_status_is_13005, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::reader_still_waits_after_illegal_response, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::late_answer_is_dropped, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::second_answer_is_dropped, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::answer_of_a_deselected_app_is_dropped, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::one_command_at_a_time, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
    case!(hce::parameter_error_of_send_is_13005, [SendHceMessage], []),
    case!(hce::send_before_start_is_13006, [SendHceMessage], []),
    case!(hce::send_on_a_platform_without_hce_is_13002, [SendHceMessage], []),
    case!(hce::longest_response_passes_whole, [StartHce, OnHceMessage, SendHceMessage], [Reader]),
];

/// The same app on a phone with iOS, which emulates no cards.
fn on_ios(bench: &Bench) -> Cx {
    bench.cx.clone().with_profile(Profile::new(Platform::Ios).with_sdk(bench.cx.profile().sdk()))
}

/// Fails unless a script gets this code with each of these arguments, none of which can be read.
async fn are_parameter_errors(bench: &Bench, api: &str, all: &[&str], code: HceCode) -> Outcome {
    for args in all {
        let answer = bench.wx.call_json(&bench.cx, api, args).await;
        check_eq(&format!("the errCode of {api} with {args}"), field(answer.json(), "errCode")?, Some(code.code().into()))?;
    }
    Ok(())
}

/// Fails unless the answer a script gets says `<api>:ok` with `errCode` 0.
async fn answers_ok(bench: &Bench, api: &str, args: &str) -> Outcome {
    let answer = bench.wx.call_json(&bench.cx, api, args).await;
    check_eq("errMsg", err_msg(&answer)?, format!("{api}:ok"))?;
    check_eq("errCode", field(answer.json(), "errCode")?, Some(0.into()))
}
