#![allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]

use std::{collections::BTreeMap, pin::pin, task::Poll};

use tokio::sync::oneshot;
use wx_api::{ErrorKind, Profile, authorization::INVALID_SCOPE};

use super::*;
use crate::{
    MemoryStore,
    testing::{cx, now, poll_once},
};

/// A user interface that a test answers for.
#[derive(Default)]
struct Screen(Mutex<Vec<(Scope, oneshot::Sender<Answer>)>>, Mutex<Vec<oneshot::Sender<BTreeMap<Scope, bool>>>>);

#[async_trait]
impl Prompt for Screen {
    async fn ask(&self, _: &Cx, scope: Scope) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((scope, answer));
        answered.await.unwrap_or(Answer::Dismiss)
    }

    async fn settings(&self, _: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
        let (leave, left) = oneshot::channel();
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(leave);
        left.await.unwrap_or(switches)
    }
}

impl Screen {
    /// How many prompts were shown and not answered.
    fn shown(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn answer(&self, scope: Scope, answer: Answer) {
        let mut prompts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = prompts.iter().position(|(asked, _)| *asked == scope).unwrap();
        prompts.remove(at).1.send(answer).unwrap();
    }

    /// Whether somebody still waits for the first prompt.
    fn is_withdrawn(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[0].1.is_closed()
    }

    fn leave_settings(&self, left: &[(Scope, bool)]) {
        let page = self.1.lock().unwrap_or_else(PoisonError::into_inner).remove(0);
        page.send(left.iter().copied().collect()).unwrap();
    }
}

fn consent_on_screen() -> (Arc<Screen>, Arc<MemoryStore>, Consent) {
    let (screen, store) = (Arc::new(Screen::default()), Arc::new(MemoryStore::new()));
    (screen.clone(), store.clone(), Consent::new(screen, store))
}

fn asked(scope: Scope) -> AuthorizeRequest {
    AuthorizeRequest::new(scope)
}

fn setting(consent: &Consent, cx: &Cx) -> Vec<(Scope, bool)> {
    now(consent.get_setting(cx, GetSettingRequest {})).unwrap().auth_setting.into_iter().collect()
}

fn code(result: Poll<Result<AuthorizeResult>>) -> Option<i32> {
    match result {
        Poll::Ready(Err(error)) => error.code(),
        other => panic!("{other:?} is no failure"),
    }
}

/// One question with its answer, from the prompt on.
fn decide(screen: &Screen, consent: &Consent, cx: &Cx, scope: Scope, answer: Answer) -> Poll<Result<AuthorizeResult>> {
    let mut call = pin!(consent.authorize(cx, asked(scope)));
    assert!(poll_once(call.as_mut()).is_pending());
    screen.answer(scope, answer);
    poll_once(call)
}

#[test]
fn consent_is_asked_once_and_kept() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    assert!(matches!(decide(&screen, &consent, &cx, Scope::Record, Answer::Allow), Poll::Ready(Ok(_))));
    assert!(now(consent.authorize(&cx.relaunch(), asked(Scope::Record))).is_ok());
    assert_eq!((screen.shown(), setting(&consent, &cx)), (0, vec![(Scope::Record, true)]));
}

#[test]
fn a_refusal_has_one_code_now_and_another_later() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx().with_profile(Profile::default().with_denial_separator(':'));
    assert_eq!(code(decide(&screen, &consent, &cx, Scope::Record, Answer::Deny)), Some(REFUSED_NOW));
    let error = now(consent.authorize(&cx, asked(Scope::Record))).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Some(REFUSED_EARLIER), "authorize:fail:auth deny"));
    assert_eq!(screen.shown(), 0);
}

#[test]
fn a_dismissed_prompt_decides_nothing_and_the_next_call_asks_again() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    let Poll::Ready(Err(error)) = decide(&screen, &consent, &cx, Scope::Record, Answer::Dismiss) else { panic!("dismissed") };
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(setting(&consent, &cx), []);
    assert!(matches!(decide(&screen, &consent, &cx, Scope::Record, Answer::Allow), Poll::Ready(Ok(_))));
}

#[test]
fn an_unknown_scope_is_refused_without_a_prompt() {
    let (screen, _, consent) = consent_on_screen();
    for scope in ["scope.unknown", "record", "scope.Record", ""] {
        let error = now(consent.authorize(&cx(), AuthorizeRequest { scope: scope.into() })).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Parameter, Some(INVALID_SCOPE)));
    }
    assert_eq!(screen.shown(), 0);
}

#[test]
fn a_scope_the_profile_does_not_ask_for_is_granted_without_a_prompt() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    assert!(now(consent.authorize(&cx, asked(Scope::Address))).is_ok());
    assert_eq!((screen.shown(), setting(&consent, &cx)), (0, vec![]));
}

#[test]
fn calls_at_once_share_one_prompt() {
    let (screen, _, consent) = consent_on_screen();
    let (cx, separator) = (cx(), Profile::default().with_denial_separator(':'));
    let other = cx.clone().with_profile(separator);
    let (mut first, mut second) =
        (pin!(consent.authorize(&cx, asked(Scope::Record))), pin!(consent.authorize(&other, asked(Scope::Record))));
    assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    assert_eq!(screen.shown(), 1);
    screen.answer(Scope::Record, Answer::Deny);
    let (Poll::Ready(Err(first)), Poll::Ready(Err(second))) = (poll_once(first), poll_once(second)) else { panic!("answered") };
    assert_eq!((first.code(), second.code()), (Some(REFUSED_NOW), Some(REFUSED_NOW)));
    assert_eq!(
        (first.to_string().as_str(), second.to_string().as_str()),
        ("authorize:fail auth deny", "authorize:fail:auth deny")
    );
}

#[test]
fn another_app_and_another_user_are_asked_themselves() {
    let (screen, _, consent) = consent_on_screen();
    let callers = [cx(), cx().with_user("li"), Cx::new("wx00000000000000b2")];
    let mut calls: Vec<_> = callers.iter().map(|cx| consent.authorize(cx, asked(Scope::Record))).collect();
    assert!(calls.iter_mut().all(|call| poll_once(call.as_mut()).is_pending()));
    assert_eq!(screen.shown(), 3);
}

#[test]
fn a_shared_prompt_outlives_the_caller_who_opened_it() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    let mut second = pin!(consent.authorize(&cx, asked(Scope::Record)));
    {
        let mut first = pin!(consent.authorize(&cx, asked(Scope::Record)));
        assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    }
    assert!(!screen.is_withdrawn());
    screen.answer(Scope::Record, Answer::Allow);
    assert!(matches!(poll_once(second), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn the_second_caller_is_woken_when_the_first_has_gone() {
    let (screen, _, consent) = consent_on_screen();
    let (cx, consent) = (cx(), Arc::new(consent));
    let call = |consent: Arc<Consent>, cx: Cx| async move { consent.authorize(&cx, asked(Scope::Record)).await };
    let first = tokio::spawn(call(consent.clone(), cx.clone()));
    let second = tokio::spawn(call(consent.clone(), cx.clone()));
    while screen.shown() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    screen.answer(Scope::Record, Answer::Allow);
    assert!(second.await.unwrap().is_ok());
}

#[test]
fn a_prompt_nobody_waits_for_is_withdrawn_and_a_new_call_opens_another() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    {
        let mut call = pin!(consent.authorize(&cx, asked(Scope::Record)));
        assert!(poll_once(call.as_mut()).is_pending());
    }
    assert!(screen.is_withdrawn());
    assert_eq!(format!("{consent:?}"), "Consent { open_prompts: 0, .. }");
    let mut call = pin!(consent.authorize(&cx, asked(Scope::Record)));
    assert!(poll_once(call.as_mut()).is_pending());
    assert_eq!(screen.shown(), 2);
}

#[test]
fn two_scopes_at_once_keep_both_decisions() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    let (mut record, mut camera) =
        (pin!(consent.authorize(&cx, asked(Scope::Record))), pin!(consent.authorize(&cx, asked(Scope::Camera))));
    assert!(poll_once(record.as_mut()).is_pending() && poll_once(camera.as_mut()).is_pending());
    screen.answer(Scope::Camera, Answer::Deny);
    screen.answer(Scope::Record, Answer::Allow);
    assert!(matches!(poll_once(record), Poll::Ready(Ok(_))));
    assert_eq!(code(poll_once(camera)), Some(REFUSED_NOW));
    assert_eq!(setting(&consent, &cx), [(Scope::Record, true), (Scope::Camera, false)]);
}

#[test]
fn the_settings_page_turns_what_was_asked_and_nothing_else() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    assert!(decide(&screen, &consent, &cx, Scope::Record, Answer::Deny).is_ready());
    let mut page = pin!(consent.open_setting(&cx, OpenSettingRequest {}));
    assert!(poll_once(page.as_mut()).is_pending());
    screen.leave_settings(&[(Scope::Record, true), (Scope::Camera, true)]);
    let Poll::Ready(Ok(left)) = poll_once(page) else { panic!("the page was left") };
    assert_eq!(left.auth_setting, BTreeMap::from([(Scope::Record, true)]));
    assert_eq!(setting(&consent, &cx), [(Scope::Record, true)]);
}

#[test]
fn what_is_decided_while_the_settings_page_is_open_stands() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    assert!(decide(&screen, &consent, &cx, Scope::Record, Answer::Deny).is_ready());
    let mut page = pin!(consent.open_setting(&cx, OpenSettingRequest {}));
    assert!(poll_once(page.as_mut()).is_pending());
    let mut other_page = pin!(consent.open_setting(&cx, OpenSettingRequest {}));
    assert!(poll_once(other_page.as_mut()).is_pending());
    assert!(decide(&screen, &consent, &cx, Scope::Camera, Answer::Allow).is_ready());
    screen.leave_settings(&[(Scope::Record, true), (Scope::Camera, false)]);
    assert!(poll_once(page).is_ready());
    screen.leave_settings(&[(Scope::Record, false)]);
    assert!(poll_once(other_page).is_ready());
    assert_eq!(setting(&consent, &cx), [(Scope::Record, true), (Scope::Camera, true)]);
}

#[test]
fn removing_an_app_forgets_it_and_open_prompts_decide_nothing() {
    let (screen, _, consent) = consent_on_screen();
    let (cx, other) = (cx(), Cx::new("wx00000000000000b2"));
    assert!(decide(&screen, &consent, &cx, Scope::Record, Answer::Allow).is_ready());
    assert!(decide(&screen, &consent, &other, Scope::Record, Answer::Allow).is_ready());
    let mut open = pin!(consent.authorize(&cx, asked(Scope::Camera)));
    let mut page = pin!(consent.open_setting(&cx, OpenSettingRequest {}));
    assert!(poll_once(open.as_mut()).is_pending() && poll_once(page.as_mut()).is_pending());

    now(consent.forget_app(cx.app())).unwrap();
    screen.answer(Scope::Camera, Answer::Allow);
    screen.leave_settings(&[(Scope::Record, false)]);
    assert!(matches!(poll_once(open), Poll::Ready(Err(error)) if error.kind() == ErrorKind::Cancelled));
    assert!(poll_once(page).is_ready());
    assert_eq!(setting(&consent, &cx), []);
    assert_eq!(setting(&consent, &other), [(Scope::Record, true)]);
}

#[test]
fn a_call_after_the_app_was_removed_has_a_prompt_of_its_own() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    let mut before = pin!(consent.authorize(&cx, asked(Scope::Camera)));
    assert!(poll_once(before.as_mut()).is_pending());
    now(consent.forget_app(cx.app())).unwrap();

    let mut after = pin!(consent.authorize(&cx, asked(Scope::Camera)));
    assert!(poll_once(after.as_mut()).is_pending());
    assert_eq!(screen.shown(), 2);
    screen.answer(Scope::Camera, Answer::Deny);
    screen.answer(Scope::Camera, Answer::Allow);
    assert!(matches!(poll_once(before), Poll::Ready(Err(error)) if error.kind() == ErrorKind::Cancelled));
    assert!(matches!(poll_once(after), Poll::Ready(Ok(_))));
    assert_eq!(setting(&consent, &cx), [(Scope::Camera, true)]);
}

#[test]
fn apps_that_no_call_is_about_take_no_memory() {
    let (screen, _, consent) = consent_on_screen();
    let cx = cx();
    let mut open = pin!(consent.authorize(&cx, asked(Scope::Camera)));
    assert!(poll_once(open.as_mut()).is_pending());
    for n in 0..100 {
        now(consent.forget_app(&format!("wx{n}").into())).unwrap();
    }
    assert!(consent.0.apps.lock().unwrap().len() <= 2);
    now(consent.forget_app(cx.app())).unwrap();
    screen.answer(Scope::Camera, Answer::Allow);
    assert!(matches!(poll_once(open), Poll::Ready(Err(_))), "an app with an open prompt is remembered");
}

#[test]
fn a_prompt_that_panics_fails_those_who_wait_and_is_joined_by_nobody() {
    struct Torn(Mutex<Option<oneshot::Receiver<()>>>);
    #[async_trait]
    impl Prompt for Torn {
        async fn ask(&self, _: &Cx, _: Scope) -> Answer {
            let until = self.0.lock().unwrap().take().unwrap();
            until.await.unwrap();
            panic!("the screen is torn")
        }
        async fn settings(&self, _: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
            switches
        }
    }
    let (tear, torn) = oneshot::channel();
    let consent = Consent::new(Arc::new(Torn(Mutex::new(Some(torn)))), Arc::new(MemoryStore::new()));
    let cx = cx();
    let (mut first, mut second) =
        (pin!(consent.authorize(&cx, asked(Scope::Record))), pin!(consent.authorize(&cx, asked(Scope::Record))));
    assert!(poll_once(first.as_mut()).is_pending() && poll_once(second.as_mut()).is_pending());
    tear.send(()).unwrap();
    for call in [first.as_mut(), second.as_mut()] {
        let Poll::Ready(Err(error)) = poll_once(call) else { panic!("nobody can answer") };
        assert_eq!(error.kind(), ErrorKind::Internal);
    }
    assert_eq!(format!("{consent:?}"), "Consent { open_prompts: 0, .. }");
}

#[test]
fn what_cannot_be_read_or_kept_is_an_internal_error_with_its_source() {
    /// Reads nothing, or reads and keeps nothing.
    struct Broken {
        reads: bool,
    }
    #[async_trait]
    impl ConsentStore for Broken {
        async fn load(&self, _: &AppId, _: &UserId) -> Result<BTreeMap<Scope, bool>, StoreError> {
            if self.reads { Ok(BTreeMap::new()) } else { Err(StoreError::Other("torn".into())) }
        }
        async fn save(&self, _: &AppId, _: &UserId, _: &BTreeMap<Scope, bool>) -> Result<(), StoreError> {
            Err(StoreError::Other("full".into()))
        }
        async fn forget(&self, _: &AppId) -> Result<(), StoreError> {
            Err(StoreError::Other("stuck".into()))
        }
    }
    let screen = Arc::new(Screen::default());
    let unreadable = Consent::new(screen.clone(), Arc::new(Broken { reads: false }));
    let error = now(unreadable.authorize(&cx(), asked(Scope::Record))).unwrap_err();
    assert_eq!(error.to_string(), "authorize:fail internal error: the decisions cannot be read");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "torn");
    assert!(now(unreadable.get_setting(&cx(), GetSettingRequest {})).is_err());
    assert!(now(unreadable.forget_app(cx().app())).is_err());

    let unkept = Consent::new(screen.clone(), Arc::new(Broken { reads: true }));
    let Poll::Ready(Err(error)) = decide(&screen, &unkept, &cx(), Scope::Record, Answer::Allow) else { panic!("no fake ok") };
    assert_eq!(error.to_string(), "authorize:fail internal error: the decision cannot be kept");
}
