//! How the suite judges: small backends that lie, hang, panic and fail as they said they would.
#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, Error, EventSender, Host, Profile, Result,
    hce::Hce,
    login::{CheckSessionRequest, CheckSessionResult, Login, LoginRequest, LoginResult, session_expired},
};
use wx_conformance::{Bench, Case, CaseReport, Failure, Harness, KnownFailure, Need, Verdict, World, cases, judge};
use wx_host::Wx;

/// A backend whose every part a test can choose.
#[derive(Default)]
struct Fake {
    host: Host,
    known: Vec<KnownFailure>,
    profile: Option<Profile>,
    broken: bool,
}

#[async_trait]
impl Harness for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }
    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        if self.broken {
            return Err("no reader is plugged in".to_owned());
        }
        let cx = Cx::new("wx00000000000000a1").with_profile(self.profile.clone().unwrap_or(profile));
        Ok(Bench { wx: Wx::builder(self.host.clone()).build(), cx, world: World::default() })
    }
    fn known_failures(&self) -> &[KnownFailure] {
        &self.known
    }
}

/// Claims to support what it was told to, and answers `login` with a code that is always the same.
struct SameCode(ApiSet);

#[async_trait]
impl Login for SameCode {
    fn supported(&self) -> ApiSet {
        self.0
    }
    async fn login(&self, _: &Cx, _: LoginRequest) -> Result<LoginResult> {
        Ok(LoginResult { code: "always the same".to_owned() })
    }
    async fn check_session(&self, _: &Cx, _: CheckSessionRequest) -> Result<CheckSessionResult> {
        Err(session_expired(Api::CheckSession))
    }
}

/// Claims nothing, yet lets everybody listen.
struct SecretEars;

#[async_trait]
impl Hce for SecretEars {
    fn supported(&self) -> ApiSet {
        ApiSet::NONE
    }
    fn on_hce_message(&self, _: &Cx, _: EventSender) -> Result<()> {
        Ok(())
    }
}

fn same_code(supported: impl Into<ApiSet>) -> Fake {
    Fake { host: Host { login: Some(Arc::new(SameCode(supported.into()))), ..Host::default() }, ..Fake::default() }
}

fn case(name: &str) -> &'static Case {
    cases().find(|case| case.name == name).unwrap()
}

async fn judged(fake: &Fake, case: &Case) -> Verdict {
    judge(fake, case, Profile::default()).await.verdict
}

fn failed(reason: &str) -> Verdict {
    Verdict::Failed { reason: reason.to_owned() }
}

/// A case about nothing, which runs everywhere.
fn about_nothing(run: fn(Bench) -> wx_conformance::Running) -> Case {
    Case { name: "judging::about_nothing", apis: &[], needs: &[], run }
}

const PASSES: fn(Bench) -> wx_conformance::Running = |_| Box::pin(async { Ok(()) });
const FAILS: fn(Bench) -> wx_conformance::Running = |_| Box::pin(async { Err(Failure("the door is locked".to_owned())) });

fn knowing(case: &'static str, profile: Option<&'static str>, reason: &'static str) -> Fake {
    Fake { known: vec![KnownFailure { case, profile, reason }], ..Fake::default() }
}

#[tokio::test]
async fn a_backend_that_can_do_nothing_is_unsupported_under_every_case_about_an_api() {
    for case in cases().filter(|case| !case.apis.is_empty()) {
        let Verdict::Unsupported { apis } = judged(&Fake::default(), case).await else { panic!("{}", case.name) };
        assert_eq!(apis.len(), case.apis.len(), "{}", case.name);
    }
}

#[tokio::test]
async fn a_case_about_no_api_runs_even_then() {
    assert_eq!(judged(&Fake::default(), case("conventions::unknown_api_is_not_supported")).await, Verdict::Passed);
}

#[tokio::test]
async fn only_the_apis_that_are_missing_are_named() {
    let verdict = judged(&same_code(Api::Login), case("login::session_key_never_reaches_the_mini_program")).await;
    assert_eq!(
        verdict,
        failed(
            "checkSession is not supported, yet it answered `checkSession:fail session time out, need relogin` instead of \
             `checkSession:fail not supported`"
        )
    );
    let verdict = judged(&same_code(Api::Login), case("user::iv_is_16_bytes")).await;
    assert_eq!(verdict, Verdict::Unsupported { apis: vec!["getUserInfo".to_owned()] });
}

#[tokio::test]
async fn an_api_that_works_although_it_is_not_supported_fails() {
    let verdict = judged(&same_code(ApiSet::NONE), case("login::answers_a_code")).await;
    assert_eq!(verdict, failed("login is not supported, yet it answered `login:ok` instead of `login:fail not supported`"));
}

#[tokio::test]
async fn an_event_that_works_although_it_is_not_supported_fails() {
    let fake = Fake { host: Host { hce: Some(Arc::new(SecretEars)), ..Host::default() }, ..Fake::default() };
    let case = Case { apis: &[Api::OnHceMessage], ..about_nothing(PASSES) };
    assert_eq!(judged(&fake, &case).await, failed("onHCEMessage is not supported, yet listening to it works"));
}

#[tokio::test]
async fn a_backend_that_claims_what_it_cannot_do_fails() {
    struct Claims;
    #[async_trait]
    impl Login for Claims {
        fn supported(&self) -> ApiSet {
            Api::Login.into()
        }
    }
    let fake = Fake { host: Host { login: Some(Arc::new(Claims)), ..Host::default() }, ..Fake::default() };
    let verdict = judged(&fake, case("login::answers_a_code")).await;
    assert_eq!(verdict, failed("unexpected failure: login:fail not supported"));
}

#[tokio::test]
async fn a_backend_broken_in_one_behaviour_fails_its_case_and_passes_its_neighbour() {
    let fake = same_code(ApiSet::of(&[Api::Login, Api::CheckSession]));
    assert_eq!(judged(&fake, case("login::codes_differ")).await, failed("login 2 answered the code of an earlier one"));
    assert_eq!(judged(&fake, case("login::answers_a_code")).await, Verdict::Passed);
}

#[tokio::test]
async fn a_case_without_its_handles_is_ignored_and_says_which() {
    let verdict = judged(&same_code(Api::Login), case("login::code_expires_after_five_minutes")).await;
    assert_eq!(verdict, Verdict::Ignored { reason: "the world has no server and no clock".to_owned() });
    let case = Case { needs: &[Need::Reader], ..about_nothing(FAILS) };
    assert_eq!(judged(&Fake::default(), &case).await, Verdict::Ignored { reason: "the world has no reader".to_owned() });
}

#[tokio::test]
async fn a_bench_that_does_not_open_fails_with_its_reason() {
    let fake = Fake { broken: true, ..Fake::default() };
    assert_eq!(judged(&fake, &about_nothing(PASSES)).await, failed("the bench did not open: no reader is plugged in"));
}

#[tokio::test]
async fn a_bench_under_another_profile_fails() {
    let fake = Fake { profile: Some(Profile::seed()), ..Fake::default() };
    let verdict = judged(&fake, &about_nothing(PASSES)).await;
    assert_eq!(verdict, failed("the bench opened under another profile than it was asked for"));
}

#[tokio::test]
async fn a_case_that_panics_fails_with_the_text() {
    // As `panic!` does, without the hook that prints.
    let case = about_nothing(|_| Box::pin(async { std::panic::resume_unwind(Box::new("out of cards")) }));
    assert_eq!(judged(&Fake::default(), &case).await, failed("panicked: out of cards"));
}

#[tokio::test(start_paused = true)]
async fn a_case_without_end_fails_when_its_time_is_up() {
    let case = about_nothing(|_| Box::pin(std::future::pending()));
    assert_eq!(judged(&Fake::default(), &case).await, failed("no end after 30 s"));
}

#[tokio::test]
async fn a_known_failure_must_fail_for_its_reason() {
    let name = "judging::about_nothing";
    let verdict = judged(&knowing(name, None, "locked"), &about_nothing(FAILS)).await;
    assert_eq!(verdict, Verdict::KnownFailure { reason: "locked".to_owned() });
    let verdict = judged(&knowing(name, None, "on fire"), &about_nothing(FAILS)).await;
    assert_eq!(verdict, failed("the door is locked (the known failure is another one: on fire)"));
    let verdict = judged(&knowing(name, None, ""), &about_nothing(FAILS)).await;
    assert_eq!(verdict, failed("a known failure without a reason forgives nothing: write the reason down"));
}

#[tokio::test]
async fn a_known_failure_that_passes_fails() {
    let verdict = judged(&knowing("judging::about_nothing", None, "locked"), &about_nothing(PASSES)).await;
    assert_eq!(verdict, failed("passes now: remove it from the known failures"));
}

#[tokio::test]
async fn a_known_failure_under_one_profile_says_nothing_of_the_other() {
    let fake = knowing("judging::about_nothing", Some("android 1.9.94"), "locked");
    let case = about_nothing(FAILS);
    assert_eq!(judge(&fake, &case, Profile::default()).await.verdict, failed("the door is locked"));
    assert!(matches!(judge(&fake, &case, Profile::seed()).await.verdict, Verdict::KnownFailure { .. }));
}

#[tokio::test]
async fn a_case_that_is_not_judged_stays_so_whatever_is_known() {
    let case = Case { needs: &[Need::Clock], ..about_nothing(FAILS) };
    let verdict = judged(&knowing("judging::about_nothing", None, "locked"), &case).await;
    assert!(matches!(verdict, Verdict::Ignored { .. }), "{verdict:?}");
}

#[tokio::test]
async fn a_report_line_names_case_profile_and_apis_and_survives_json() {
    let report = judge(&same_code(Api::Login), case("login::code_works_once"), Profile::seed()).await;
    assert_eq!((report.case.as_str(), report.profile.as_str()), ("login::code_works_once", "android 1.9.94"));
    assert_eq!(report.apis, ["login"]);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<CaseReport>(&json).unwrap(), report);
}

#[test]
fn the_text_of_an_unexpected_failure_has_its_code() {
    let failure = Failure::from(Error::timeout(Api::Login).with_code(7));
    assert_eq!(failure.0, "unexpected failure: login:fail timeout (7)");
}
