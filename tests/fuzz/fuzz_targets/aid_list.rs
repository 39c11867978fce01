//! AID lists as mini-programs write them: one entry per line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wx_rules::aid::{Aid, MAX_AID, MIN_AID, parse_aid_list};

fuzz_target!(|text: &str| {
    let list: Vec<String> = text.lines().map(str::to_owned).collect();
    let parsed = parse_aid_list(&list);
    let Ok(patterns) = parsed else {
        assert!(!parsed.unwrap_err().to_string().is_empty(), "a refusal says why");
        return;
    };
    assert_eq!(patterns.len(), list.len());
    for (entry, pattern) in list.iter().zip(&patterns) {
        assert!(pattern.overlaps(pattern), "{entry:?} does not overlap itself");
        let digits = entry.trim_end_matches(['*', '#']);
        let aid: Aid = digits.parse().expect("the digits of a well-formed entry are an AID");
        assert!((MIN_AID..=MAX_AID).contains(&aid.as_bytes().len()), "{entry:?}");
        assert!(pattern.matches(aid.as_bytes()), "{entry:?} does not match its own AID");
    }
});
