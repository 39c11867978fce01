//! A stateful fake of everything outside a mini-program host, for tests and development.
//!
//! A [`World`] has a person who answers prompts, the developers' servers, a network that can stall, a finger on its reader, an
//! NFC part and a card reader next to it. Its [`host`](World::host) is a backend that lives in it: what a script does to the
//! world is what a mini-program finds.
//!
//! ```
//! use std::sync::Arc;
//!
//! use wx_api::{Cx, Host, Scope, user::GetUserInfoRequest};
//! use wx_host::{Consent, MemoryStore, Wx};
//! use wx_mock::{Choice, World};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let world = World::new(7);
//! let consent = Consent::new(world.user().clone(), Arc::new(MemoryStore::default()));
//! let wx = Wx::builder(Host { authorization: Some(Arc::new(consent)), ..world.host() }).build();
//!
//! // The person is asked, allows it, and the mini-program gets the profile.
//! let cx = Cx::new("wx4f4bc4dec97d474b");
//! let answer = wx.call(&cx, GetUserInfoRequest::default()).await?;
//! assert_eq!(answer.user_info.nick_name, "Band");
//! assert_eq!(world.user().prompts()[0].scope, Scope::UserInfo);
//!
//! // In another app the person refuses.
//! world.user().answer(Scope::UserInfo, Choice::Deny);
//! let refused = wx.call(&Cx::new("wx00000000000000b2"), GetUserInfoRequest::default()).await.unwrap_err();
//! assert_eq!(refused.to_string(), "getUserInfo:fail auth deny");
//! # Ok::<(), wx_api::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Invariants
//!
//! - One seed decides every identifier, key, iv and salt; the [`VirtualClock`] decides the time. The same script gives the same
//!   answers, byte for byte. Nothing reads a real clock or real randomness.
//! - Nothing is decided here that `wx-rules` decides: codes, sessions, card routing and fingers follow its state machines.
//! - Nothing waits but for the script: a call that is pending is woken by the world's change, never by time passing outside.
//! - A world may live long: histories, codes and listeners are bounded, and an app that is removed leaves nothing behind but
//!   who its users are.
//! - No state is global. All devices share one published signing key, which is a constant; see `keys/README.md`.
//! - A fake, never a product: its secrets are predictable, and its SOTER results say `wx-mock`.

mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
mod field;
mod finger;
mod hce;
mod history;
mod login;
mod monitor;
mod network;
mod person;
mod platform;
mod radio;
mod reader;
mod seed;
mod server;
mod signature;
mod soter;
mod user;
mod world;

pub use wx_rules::hce::Nfc;

pub use self::{
    clock::VirtualClock,
    finger::{Finger, Touch},
    network::Network,
    person::{Choice, Person, Shown},
    radio::Radio,
    reader::Reader,
    server::{Exchange, Server},
    world::World,
};

/// The README's example runs as a test of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
