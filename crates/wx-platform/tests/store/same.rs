//! Whatever is asked in whatever order, every store gives the same answers and shows the same things.

use std::fmt::Debug;

use proptest::prelude::*;
use wx_crypto::SessionKey;
use wx_platform::store::{App, Session, Store, StoreError, Token, TokenKind, User};

use crate::{place::Place, samples::*};

// There are few of each, so that much that is asked concerns the same.
const APPS: [&str; 2] = ["wx1", "wx1\u{0}"];
const KINDS: [TokenKind; 2] = [TokenKind::Plain, TokenKind::Stable];
const USERS: u8 = 2;
const HASHES: u8 = 3;
const TEXTS: u8 = 4;

/// One thing to ask.
#[derive(Clone, Debug)]
enum Ask {
    Restart,
    Identity(u8),
    HostKey {
        hash: u8,
        name: u8,
    },
    RemoveHostKeys(u8),
    PutApp {
        app: usize,
        frozen: bool,
    },
    RemoveApp(usize),
    PutUser {
        user: u8,
        blocked: bool,
    },
    Begin {
        app: usize,
        user: u8,
        code: u8,
        at: u64,
    },
    Consume {
        app: usize,
        code: u8,
        at: u64,
    },
    /// Replaces the session as it is, or as it was before this was asked the last time.
    Replace {
        app: usize,
        user: u8,
        key: u8,
        stale: bool,
    },
    Token {
        app: usize,
        kind: TokenKind,
        text: u8,
        was: Option<u8>,
        expires: u64,
        was_until: u64,
    },
    Revoke(usize),
    SoterKey {
        app: usize,
        user: u8,
        key: u8,
        counter: Option<u64>,
    },
    Counter {
        app: usize,
        user: u8,
        key: u8,
        to: u64,
    },
    Forget(u64),
}

fn ask() -> impl Strategy<Value = Ask> {
    let (app, user, code, key) = (|| 0..APPS.len(), || 0..USERS, || 0..4_u8, || 0..10_u8);
    let kind = || prop::sample::select(&KINDS[..]);
    let seconds = || 0..400_u64;
    prop_oneof![
        1 => Just(Ask::Restart),
        1 => any::<u8>().prop_map(Ask::Identity),
        1 => (0..HASHES, 0..2_u8).prop_map(|(hash, name)| Ask::HostKey { hash, name }),
        1 => (0..2_u8).prop_map(Ask::RemoveHostKeys),
        1 => (app(), any::<bool>()).prop_map(|(app, frozen)| Ask::PutApp { app, frozen }),
        1 => app().prop_map(Ask::RemoveApp),
        1 => (user(), any::<bool>()).prop_map(|(user, blocked)| Ask::PutUser { user, blocked }),
        6 => (app(), user(), code(), seconds()).prop_map(|(app, user, code, at)| Ask::Begin { app, user, code, at }),
        8 => (app(), code(), seconds()).prop_map(|(app, code, at)| Ask::Consume { app, code, at }),
        4 => (app(), user(), any::<u8>(), any::<bool>())
            .prop_map(|(app, user, key, stale)| Ask::Replace { app, user, key, stale }),
        8 => (app(), kind(), 0..TEXTS, prop::option::of(0..TEXTS), seconds(), seconds()).prop_map(
            |(app, kind, text, was, expires, was_until)| Ask::Token { app, kind, text, was, expires, was_until }
        ),
        1 => app().prop_map(Ask::Revoke),
        6 => (app(), user(), key(), prop::option::of(0..9_u64))
            .prop_map(|(app, user, key, counter)| Ask::SoterKey { app, user, key, counter }),
        4 => (app(), user(), key(), 0..9_u64).prop_map(|(app, user, key, to)| Ask::Counter { app, user, key, to }),
        2 => (0..800_u64).prop_map(Ask::Forget),
    ]
}

/// A store, and the sessions that were read from it before.
struct Asked {
    place: Place,
    before: Vec<Session>,
}

impl Asked {
    fn new(place: Place) -> Self {
        Self { place, before: Vec::new() }
    }

    /// Asks, and answers what the store said and all it shows afterwards.
    async fn ask(&mut self, ask: &Ask) -> String {
        if let Ask::Restart = ask {
            self.place.restart();
        }
        let store = self.place.store();
        let answer = self.answer(&*store, ask).await;
        format!("{answer}\n{}", shown(&*store).await)
    }

    async fn answer(&mut self, store: &dyn Store, ask: &Ask) -> String {
        match *ask {
            Ask::Restart => String::new(),
            Ask::Identity(text) => store.identity(identity(&text.to_string())).await.unwrap().0.expose().to_owned(),
            Ask::HostKey { hash, name } => told(store.put_host_key([hash; 32], host_key(&name.to_string())).await),
            Ask::RemoveHostKeys(name) => told(store.remove_host_keys(&name.to_string()).await),
            Ask::PutApp { app: n, frozen } => told(store.put_app(App { frozen, ..app(APPS[n]) }).await),
            Ask::RemoveApp(n) => told(store.remove_app(&id(APPS[n])).await),
            Ask::PutUser { user: n, blocked } => told(store.put_user(User { blocked, ..user(&n.to_string()) }).await),
            Ask::Begin { app, user, code, at } => {
                let session = session(APPS[app], &openid(user), code);
                told(store.begin_session(&code.to_string(), later(at), session).await)
            }
            Ask::Consume { app, code, at } => {
                let got = store.consume_code(&id(APPS[app]), &code.to_string(), later(at)).await.unwrap();
                told(Ok(got.map(whole_session)))
            }
            Ask::Replace { app, user, key, stale } => {
                let now = store.session(&id(APPS[app]), &openid(user)).await.unwrap();
                let before = self.before.iter().rfind(|before| before.app == id(APPS[app]) && before.openid == openid(user));
                let Some(session) = (if stale { before.cloned() } else { now.clone() }) else { return String::new() };
                self.before.extend(now);
                told(store.replace_session(Session { key: SessionKey::from_bytes([key; 16]), ..session }).await)
            }
            Ask::Token { app, kind, text, was, expires, was_until } => {
                let (was, text) = (was.map(|was| token_text(app, kind, was)), token_text(app, kind, text));
                let token = token(APPS[app], kind, &text, later(expires));
                told(store.replace_token(was.as_deref(), token, later(was_until)).await.map(whole_token))
            }
            Ask::Revoke(n) => told(store.revoke_tokens(&id(APPS[n])).await),
            Ask::SoterKey { app, user, key, counter } => {
                told(store.add_soter_key(&id(APPS[app]), &openid(user), soter_key(&key.to_string(), counter)).await)
            }
            Ask::Counter { app, user, key, to } => {
                told(store.raise_counter(&id(APPS[app]), &openid(user), &key.to_string(), to).await)
            }
            Ask::Forget(at) => told(store.forget(later(at)).await),
        }
    }
}

fn openid(user: u8) -> String {
    format!("o{user}")
}

/// No two apps or kinds have a token of the same text.
fn token_text(app: usize, kind: TokenKind, n: u8) -> String {
    format!("{app} {kind:?} {n}")
}

fn told<T: Debug>(answer: Result<T, StoreError>) -> String {
    format!("{:?}", answer.unwrap())
}

// With what their `Debug` hides.
fn whole_session(session: Session) -> (String, Session) {
    (session.key.expose_base64().to_string(), session)
}

fn whole_token(token: Token) -> (String, Token) {
    (token.text.expose().to_owned(), token)
}

/// Everything that can be read.
async fn shown(store: &dyn Store) -> String {
    let mut all = vec![told(store.apps().await), told(store.users().await)];
    for user in store.users().await.unwrap() {
        assert!(store.user(&user.id).await.unwrap() == Some(user));
    }
    for hash in 0..HASHES {
        all.push(told(store.host_key(&[hash; 32]).await));
    }
    for (n, name) in APPS.into_iter().enumerate() {
        let app = id(name);
        all.push(told(store.app(&app).await));
        for user in 0..USERS {
            all.push(told(store.session(&app, &openid(user)).await.map(|session| session.map(whole_session))));
            all.push(told(store.soter_keys(&app, &openid(user)).await));
        }
        for kind in KINDS {
            all.push(told(store.current_token(&app, kind).await.map(|token| token.map(whole_token))));
            for text in 0..TEXTS {
                all.push(told(store.token(&token_text(n, kind, text)).await.map(|token| token.map(whole_token))));
            }
        }
    }
    all.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_store_gives_the_same_answers(asks in proptest::collection::vec(ask(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut memory, mut redb) = (Asked::new(Place::memory()), Asked::new(Place::redb()));
        for ask in &asks {
            let (memory, redb) = runtime.block_on(async { (memory.ask(ask).await, redb.ask(ask).await) });
            prop_assert_eq!(memory, redb, "after {:?}", ask);
        }
    }
}
