//! What the platform keeps: apps, codes, sessions and their keys.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use wx_api::{AppId, Clock as _, Cx, Timestamp, UserId};
use wx_crypto::SessionKey;
use wx_rules::login::{Code, CodeError, Session};

use crate::{clock::VirtualClock, seed::Seed};

/// The platform behind every app of a world.
pub(crate) struct Platform {
    seed: Seed,
    clock: Arc<VirtualClock>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    apps: BTreeMap<AppId, App>,
    codes: BTreeMap<String, Issued>,
    /// The codes in the order they were given out, so that old ones are found and forgotten.
    issued: VecDeque<String>,
    /// How many numbers were drawn: every code, key and iv is drawn with one of its own.
    drawn: u64,
}

#[derive(Default)]
struct App {
    bound: bool,
    /// By `openid`.
    sessions: BTreeMap<String, Held>,
}

struct Held {
    user: UserId,
    key: SessionKey,
    session: Session,
    /// The life cycle the session was last found alive from. A developer's server sees it from there.
    launch: u64,
}

struct Issued {
    app: AppId,
    openid: String,
    code: Code,
}

/// Who a user is to an app, and the key of their session.
pub(crate) struct Identity {
    pub(crate) openid: String,
    pub(crate) unionid: Option<String>,
    pub(crate) key: SessionKey,
}

impl Platform {
    pub(crate) fn new(seed: Seed, clock: Arc<VirtualClock>) -> Self {
        Self { seed, clock, kept: Mutex::default() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Begins a session with a new key, and gives out a code for it.
    pub(crate) fn sign_in(&self, cx: &Cx) -> String {
        let (now, openid) = (self.clock.now(), self.openid(cx.app(), cx.user()));
        let mut kept = self.kept();
        kept.forget_codes(now);
        let number = kept.draw();
        let code = self.seed.stream("code", &[&number]).text("0", CODE_LENGTH);
        let key = SessionKey::from_bytes(self.seed.stream("session key", &[&number]).bytes());

        let session = Held { user: cx.user().clone(), key, session: Session::begin(now), launch: cx.launch() };
        kept.apps.entry(cx.app().clone()).or_default().sessions.insert(openid.clone(), session);
        kept.issued.push_back(code.clone());
        kept.codes.insert(code.clone(), Issued { app: cx.app().clone(), openid, code: Code::new(now) });
        code
    }

    /// Whether the user's session lives; if so, it does for the rest of this life cycle.
    pub(crate) fn check(&self, cx: &Cx) -> bool {
        self.ask_session(cx, |session, now| session.check(now, cx.launch()))
    }

    /// Uses the user's session, if it lives.
    pub(crate) fn spend(&self, cx: &Cx) -> Option<Identity> {
        if !self.ask_session(cx, |session, now| session.touch(now, cx.launch())) {
            return None;
        }
        let openid = self.openid(cx.app(), cx.user());
        self.identity(&self.kept(), cx.app(), openid)
    }

    /// Exchanges a code for the session as it is now, which a later login may have begun.
    pub(crate) fn exchange(&self, app: &AppId, code: &str) -> Result<Identity, CodeError> {
        let now = self.clock.now();
        let mut kept = self.kept();
        let issued = kept.codes.get_mut(code).filter(|issued| issued.app == *app).ok_or(CodeError::Unknown)?;
        issued.code.redeem(now)?;
        let openid = issued.openid.clone();
        // A session outlives every code that leads to it: a day is longer than five minutes, and a removed app loses both.
        // The exchange is the server's; only what the user does prolongs a session.
        self.identity(&kept, app, openid).ok_or(CodeError::Unknown)
    }

    /// The key of this user's session, if it lives.
    pub(crate) fn key(&self, app: &AppId, openid: &str) -> Option<SessionKey> {
        let now = self.clock.now();
        let mut kept = self.kept();
        let session = kept.session(app, openid)?;
        session.session.alive(now, session.launch).then(|| session.key.clone())
    }

    /// Binds the app to an open-platform account, or takes it out.
    pub(crate) fn bind(&self, app: &AppId, bound: bool) {
        self.kept().apps.entry(app.clone()).or_default().bound = bound;
    }

    /// Ends every session of the app, and every code that leads to one.
    pub(crate) fn remove_app(&self, app: &AppId) {
        let mut kept = self.kept();
        let Kept { apps, codes, issued, .. } = &mut *kept;
        if let Some(app) = apps.get_mut(app) {
            app.sessions.clear();
        }
        codes.retain(|_, code| code.app != *app);
        issued.retain(|code| codes.contains_key(code));
    }

    /// A new initial vector.
    pub(crate) fn iv(&self) -> [u8; 16] {
        let number = self.kept().draw();
        self.seed.stream("iv", &[&number]).bytes()
    }

    /// Asks the session of a user whether it is alive; `false` for a user who has none.
    fn ask_session(&self, cx: &Cx, ask: impl FnOnce(&mut Session, Timestamp) -> bool) -> bool {
        let (now, openid) = (self.clock.now(), self.openid(cx.app(), cx.user()));
        let mut kept = self.kept();
        let Some(held) = kept.session(cx.app(), &openid) else { return false };
        let alive = ask(&mut held.session, now);
        if alive {
            held.launch = cx.launch();
        }
        alive
    }

    fn identity(&self, kept: &Kept, app: &AppId, openid: String) -> Option<Identity> {
        let app = kept.apps.get(app)?;
        let session = app.sessions.get(&openid)?;
        let unionid = app.bound.then(|| self.unionid(&session.user));
        Some(Identity { key: session.key.clone(), openid, unionid })
    }

    fn openid(&self, app: &AppId, user: &UserId) -> String {
        self.seed.stream("openid", &[app.as_str().as_bytes(), user.as_str().as_bytes()]).text("o", ID_LENGTH)
    }

    fn unionid(&self, user: &UserId) -> String {
        self.seed.stream("unionid", &[user.as_str().as_bytes()]).text("o", ID_LENGTH)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner) // nothing panics under the lock
    }
}

impl Kept {
    fn session(&mut self, app: &AppId, openid: &str) -> Option<&mut Held> {
        self.apps.get_mut(app)?.sessions.get_mut(openid)
    }

    fn draw(&mut self) -> [u8; 8] {
        self.drawn += 1;
        self.drawn.to_le_bytes()
    }

    fn forget_codes(&mut self, now: Timestamp) {
        while let Some(oldest) = self.issued.front() {
            if self.codes.get(oldest).is_some_and(|issued| !issued.code.expired(now)) {
                break;
            }
            self.codes.remove(oldest);
            self.issued.pop_front();
        }
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform").field("apps", &self.kept().apps.len()).finish_non_exhaustive()
    }
}

/// Letters of a code, as the platform gives them out.
const CODE_LENGTH: usize = 32;
/// Letters of an `openid` and of a `unionid`.
const ID_LENGTH: usize = 28;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wx_rules::login::CODE_LIFE;

    use super::*;

    #[test]
    fn codes_are_forgotten_once_they_have_expired() {
        let clock = Arc::new(VirtualClock::default());
        let platform = Platform::new(Seed(1), clock.clone());
        let cx = Cx::new("wx1");
        for _ in 0..3 {
            platform.sign_in(&cx);
        }
        clock.advance(CODE_LIFE.saturating_sub(Duration::from_millis(1)));
        platform.sign_in(&cx);
        assert_eq!(platform.kept().codes.len(), 4);
        clock.advance(Duration::from_millis(1));
        platform.sign_in(&cx);
        let kept = platform.kept();
        assert_eq!((kept.codes.len(), kept.issued.len()), (2, 2));
    }

    #[test]
    fn a_removed_app_loses_its_codes_and_no_other_does() {
        let platform = Platform::new(Seed(1), Arc::default());
        let (gone, stays) = (Cx::new("wx1"), Cx::new("wx2"));
        let [old, other] = [&gone, &stays].map(|cx| platform.sign_in(cx));
        platform.remove_app(gone.app());
        platform.sign_in(&gone);
        assert!(matches!(platform.exchange(gone.app(), &old), Err(CodeError::Unknown)), "not even after a new login");
        assert!(platform.exchange(stays.app(), &other).is_ok());
        assert_eq!(platform.kept().issued.len(), 2);
    }

    #[test]
    fn a_launch_that_finds_the_session_ended_does_not_end_it_for_the_one_that_checked() {
        let clock = Arc::new(VirtualClock::default());
        let platform = Platform::new(Seed(1), clock.clone());
        let cx = Cx::new("wx1");
        platform.sign_in(&cx);
        assert!(platform.check(&cx));
        clock.advance(Duration::from_secs(40 * 86_400));
        assert!(!platform.check(&cx.relaunch()));
        assert!(platform.check(&cx));
        let openid = platform.openid(cx.app(), cx.user());
        assert!(platform.key(cx.app(), &openid).is_some(), "the server sees what the app was promised");
    }
}
