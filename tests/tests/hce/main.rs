//! Card emulation on a real PC/SC stack: faults, programs of others, and the same answers as the mock's.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

mod differential;
mod faults;
mod programs;
mod tap;

use std::process::ExitCode;

fn main() -> ExitCode {
    wx_rig::main(
        &[&wx_rig::PCSC],
        wx_rig::tests! {
            differential {
                the_mock_and_the_desktop_give_the_same_answers,
            }
            faults {
                a_handler_that_never_answers_ends_the_conversation_and_not_the_reader,
                no_fault_of_a_handler_is_felt_by_the_next_command,
                a_card_switched_off_while_a_reader_waits_is_gone_for_it,
                a_mini_program_that_stops_while_others_play_on_leaves_no_reader_waiting,
                a_pcscd_that_is_killed_is_told_and_found_again,
                a_hundred_readers_come_and_go,
                cards_come_and_go,
                a_command_too_short_for_any_hangs_nobody,
                a_card_of_another_program_is_13004,
                two_mini_programs_that_start_at_once_share_the_card,
                a_reader_that_another_program_took_is_13004_until_it_is_free,
                dropping_it_takes_the_card_out,
                what_happened_reads_and_replays,
            }
            programs {
                opensc_tool_plays_androids_reader,
                scriptor_plays_androids_reader,
                pyscard_plays_androids_reader,
                the_probing_of_opensc_harms_nobody,
            }
        },
    )
}
