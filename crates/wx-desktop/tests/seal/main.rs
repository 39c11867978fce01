//! Key files that are encrypted under a key of a real secret service, whose user types passwords or does not.
#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed
#![allow(dead_code)] // of what tests share, no one uses all

#[path = "../soter/bench.rs"]
mod bench;
mod files;
mod outside;
mod service;

use std::process::ExitCode;

use wx_rig::SECRETS;

fn main() -> ExitCode {
    wx_rig::main(
        &[&SECRETS],
        wx_rig::tests! {
            files {
                a_key_is_encrypted_on_the_disk_and_signs,
                what_was_kept_as_it_is_gets_encrypted_with_all_that_vouches_for_it,
                without_the_service_an_encrypted_key_is_told_and_left_alone,
                a_key_that_the_service_lost_is_told_and_no_other_takes_its_place,
                no_new_key_is_made_beside_one_that_cannot_be_opened,
                an_encrypted_key_that_others_can_read_is_refused_all_the_same,
            }
            service {
                all_seals_of_a_user_have_one_key,
                eight_that_begin_at_once_have_one_key,
                an_item_that_is_no_key_is_in_nobodys_way,
                a_locked_service_asks_its_user_and_a_closed_dialog_is_told,
                a_service_that_ends_while_it_asks_is_not_waited_for,
                a_dialog_that_nobody_answers_is_closed,
                nothing_printed_holds_a_key,
                a_user_without_a_keyring_may_refuse_to_make_one,
                where_there_is_none_that_is_told,
                nobody_who_listens_to_the_bus_hears_the_key,
            }
        },
    )
}
