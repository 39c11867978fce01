//! Commands as readers send them, and responses as mini-programs write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wx_rules::{
    aid::parse_aid_list,
    apdu::{MAX_RESPONSE, check_response, selected_aid},
    hce::Router,
};

fuzz_target!(|bytes: &[u8]| {
    if let Some(aid) = selected_aid(bytes) {
        assert!(bytes.len() >= 5 + aid.len(), "the AID lies within the command");
        assert_eq!(&bytes[5..5 + aid.len()], aid);
    }
    match check_response(bytes) {
        Ok(()) => assert!((2..=MAX_RESPONSE).contains(&bytes.len())),
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal says why"),
    }

    // The same bytes as a conversation: every chunk a command, the next one its response.
    let mut router = Router::default();
    let list = parse_aid_list(&["F222222222*".to_owned()]).expect("a well-formed list");
    router.register("wallet", list).expect("the first registration");
    for (index, chunk) in bytes.split(|byte| *byte == 0xFF).enumerate() {
        if index % 2 == 0 {
            let _ = router.command(chunk);
        } else {
            let _ = router.respond(&"wallet", chunk); // refusing is fine, panicking is not
        }
    }
    let _ = router.field_lost();
});
