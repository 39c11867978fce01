//! What holds for any input: the parsers and the router.

#![allow(clippy::unwrap_used)] // a test that cannot set itself up has failed

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, sample::select as one_of};
use wx_rules::{
    aid::{Aid, AidPattern, parse_aid_list},
    apdu::{check_response, selected_aid},
    hce::{NOT_FOUND, NOTHING_SELECTED, Respond, RespondError, Router, Step},
};

fn aid() -> impl Strategy<Value = Aid> {
    vec(any::<u8>(), 5..=16).prop_map(|bytes| Aid::try_from(bytes).unwrap())
}

/// Few AIDs, so that they often meet.
fn close_aid() -> impl Strategy<Value = Aid> {
    vec(0..2_u8, 1..4).prop_map(|end| Aid::try_from([vec![0xF0; 4], end].concat()).unwrap())
}

fn pattern(aid: impl Strategy<Value = Aid>) -> impl Strategy<Value = AidPattern> {
    (aid, one_of(vec![AidPattern::Exact, AidPattern::Prefix, AidPattern::Subset])).prop_map(|(aid, kind)| kind(aid))
}

fn select(name: &[u8]) -> Vec<u8> {
    [&[0x00, 0xA4, 0x04, 0x00, u8::try_from(name.len()).unwrap()], name].concat()
}

/// What can happen to a router that serves up to three services.
#[derive(Clone, Debug)]
enum Op {
    Register(u8, Vec<AidPattern>),
    Unregister(u8),
    Command(Vec<u8>),
    Respond(u8, Vec<u8>),
    FieldLost,
}

fn op() -> impl Strategy<Value = Op> {
    let command = prop_oneof![
        3 => close_aid().prop_map(|aid| select(aid.as_bytes())),
        1 => vec(any::<u8>(), 0..12),
    ];
    let response = prop_oneof![3 => Just(vec![0x90, 0x00]), 1 => vec(any::<u8>(), 0..4)];
    prop_oneof![
        3 => (0..3_u8, vec(pattern(close_aid()), 1..3)).prop_map(|(service, aids)| Op::Register(service, aids)),
        1 => (0..3_u8).prop_map(Op::Unregister),
        5 => command.prop_map(Op::Command),
        4 => (0..3_u8, response).prop_map(|(service, response)| Op::Respond(service, response)),
        1 => Just(Op::FieldLost),
    ]
}

/// What the rules say in plain words, without a router.
#[derive(Default)]
struct Model {
    held: BTreeMap<u8, Vec<AidPattern>>,
    selected: Option<u8>,
    outstanding: bool,
}

impl Model {
    fn meant(&self, aid: &[u8]) -> Vec<u8> {
        let means = |held: &Vec<AidPattern>| held.iter().any(|pattern| pattern.matches(aid));
        self.held.iter().filter(|(_, held)| means(held)).map(|(&service, _)| service).collect()
    }

    fn apply(&mut self, op: Op, router: &mut Router<u8>) {
        match op {
            Op::Register(service, aids) => {
                if router.register(service, aids.clone()).is_ok() {
                    self.held.insert(service, aids);
                }
            }
            Op::Unregister(service) => {
                let waits = self.outstanding && self.selected == Some(service);
                assert_eq!(router.unregister(&service).is_some(), waits);
                self.held.remove(&service);
                if self.selected == Some(service) {
                    (self.selected, self.outstanding) = (None, false);
                }
            }
            Op::Command(command) => self.command(&command, router),
            Op::Respond(service, response) => match router.respond(&service, &response) {
                Err(RespondError::NotStarted) => assert!(!self.held.contains_key(&service)),
                Err(RespondError::Illegal(error)) => assert_eq!(check_response(&response), Err(error)),
                Ok(Respond::Dropped(_)) => assert!(!self.outstanding || self.selected != Some(service)),
                Ok(Respond::Send) => {
                    assert!(self.outstanding && self.selected == Some(service));
                    self.outstanding = false;
                }
            },
            Op::FieldLost => {
                assert_eq!(router.field_lost(), self.selected);
                (self.selected, self.outstanding) = (None, false);
            }
        }
        assert_eq!((router.selected().copied(), router.is_outstanding()), (self.selected, self.outstanding));
        assert!(self.selected.is_none_or(|service| router.is_registered(&service)), "only the registered are selected");
        assert!(!self.outstanding || self.selected.is_some(), "somebody owes the answer");
    }

    fn command(&mut self, command: &[u8], router: &mut Router<u8>) {
        let meant = selected_aid(command).map(|aid| self.meant(aid));
        match router.command(command) {
            Step::Wait => assert!(self.outstanding),
            Step::Answer(NOT_FOUND) => assert_eq!(meant, Some(vec![])),
            Step::Answer(NOTHING_SELECTED) => assert!(meant.is_none() && self.selected.is_none()),
            Step::Answer(other) => panic!("nobody pinged: {other:?}"),
            Step::Deliver { to, deselected } => {
                assert!(!self.outstanding, "one command at a time");
                assert_eq!(vec![to], meant.unwrap_or_else(|| self.selected.into_iter().collect()), "one service is meant");
                assert_eq!(deselected, self.selected.filter(|&before| before != to));
                (self.selected, self.outstanding) = (Some(to), true);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), list in vec("[0-9a-fA-F]{8,34}[*#]?", 0..4)) {
        let _ = text.parse::<AidPattern>();
        prop_assert_eq!(parse_aid_list(&list).is_ok(), !list.is_empty() && list.iter().all(|aid| aid.parse::<AidPattern>().is_ok()));
    }

    #[test]
    fn a_pattern_is_read_as_it_is_written(pattern in pattern(aid())) {
        let text = pattern.to_string();
        prop_assert_eq!(text.parse::<AidPattern>(), Ok(pattern.clone()));
        prop_assert_eq!(text.to_lowercase().parse::<AidPattern>(), Ok(pattern));
    }

    #[test]
    fn patterns_overlap_when_some_selection_means_both(one in pattern(close_aid()), two in pattern(close_aid())) {
        // Whatever means both is, or starts, one of their AIDs.
        let aid = |pattern: &AidPattern| match pattern {
            AidPattern::Exact(aid) | AidPattern::Prefix(aid) | AidPattern::Subset(aid) => aid.clone(),
        };
        let means_both = |aid: &Aid| (5..=aid.as_bytes().len()).any(|end| {
            one.matches(&aid.as_bytes()[..end]) && two.matches(&aid.as_bytes()[..end])
        });
        prop_assert_eq!(one.overlaps(&two), means_both(&aid(&one)) || means_both(&aid(&two)));
        prop_assert_eq!(one.overlaps(&two), two.overlaps(&one));
        prop_assert!(one.overlaps(&one));
    }

    #[test]
    fn any_command_is_looked_into(command in vec(any::<u8>(), 0..300)) {
        if let Some(aid) = selected_aid(&command) {
            prop_assert!(command.len() >= 10 && aid.len() == usize::from(command[4]) && command[5..].starts_with(aid));
        }
    }

    #[test]
    fn a_select_names_what_was_put_into_it(aid in aid(), p2 in any::<u8>(), le in proptest::option::of(any::<u8>())) {
        let mut command = select(aid.as_bytes());
        command[3] = p2;
        command.extend(le);
        prop_assert_eq!(selected_aid(&command), Some(aid.as_bytes()));
    }

    #[test]
    fn any_response_is_judged_by_its_length_and_first_status_byte(response in vec(any::<u8>(), 0..20)) {
        let sw1 = response.iter().rev().nth(1).copied();
        let legal = sw1.is_some_and(|sw1| matches!(sw1 >> 4, 6 | 9) && sw1 != 0x60);
        prop_assert_eq!(check_response(&response).is_ok(), legal);
    }

    #[test]
    fn a_router_follows_the_rules_whatever_happens(ops in vec(op(), 0..60)) {
        let (mut model, mut router) = (Model::default(), Router::default());
        for op in ops {
            model.apply(op, &mut router);
        }
    }
}
