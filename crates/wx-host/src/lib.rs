//! What a host links to run the mini-program API (`wx.*`) over a backend.
//!
//! A backend is a [`wx_api::Host`]. [`Wx`] puts the layers around it that every host needs and gives a runtime its calls: typed,
//! as JSON by name, and with the three callbacks of a script.
//!
//! ```
//! use std::{collections::BTreeMap, sync::Arc};
//!
//! use async_trait::async_trait;
//! use wx_api::{Answer, ApiSet, Cx, Host, Prompt, Result, Scope, login::*};
//! use wx_host::{Consent, MemoryStore, Timeout, TokioClock, Wx};
//!
//! struct Kiosk;
//!
//! #[async_trait]
//! impl Login for Kiosk {
//!     fn supported(&self) -> ApiSet {
//!         wx_api::Api::Login.into()
//!     }
//!     async fn login(&self, _: &Cx, _: LoginRequest) -> Result<LoginResult> {
//!         Ok(LoginResult { code: "033aB".into() })
//!     }
//! }
//!
//! struct NobodyThere;
//!
//! #[async_trait]
//! impl Prompt for NobodyThere {
//!     async fn ask(&self, _: &Cx, _: Scope) -> Answer {
//!         Answer::Dismiss
//!     }
//!     async fn settings(&self, _: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> {
//!         switches
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let consent = Consent::new(Arc::new(NobodyThere), Arc::new(MemoryStore::default()));
//! let host = Host { login: Some(Arc::new(Kiosk)), authorization: Some(Arc::new(consent)), ..Host::default() };
//! let wx = Wx::builder(host).trace().timeout(Timeout::new(Arc::new(TokioClock))).build();
//!
//! let cx = Cx::new("wx4f4bc4dec97d474b");
//! assert_eq!(wx.call(&cx, LoginRequest::default()).await?.code, "033aB");
//!
//! let answer = wx.call_json(&cx, "authorize", r#"{"scope": "scope.record"}"#).await;
//! assert_eq!(answer.json(), r#"{"errMsg":"authorize:fail cancel"}"#);
//! # Ok::<(), wx_api::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Invariants
//!
//! - The [`Gate`] stands before every backend: an API that needs a scope runs only after `authorize` of that scope said ok.
//! - The typed way and the JSON way are one way: the same layers, the same errors.
//! - What a script sends reaches the layers only if it is of the documented types.
//! - No layer, log or `Debug` text shows arguments or results. A [`Record`] is the exception, being made of them, and so is a
//!   [`Replay`], whose failures tell one call from another.
//! - Order of the layers, outermost first, whatever the order of the builder's calls: a host's own, [`Trace`], [`Record`],
//!   [`Timeout`], [`Gate`], [`Fault`], backend.

mod answer;
mod builder;
mod callbacks;
mod clock;
mod consent;
pub mod edge;
mod layers;
mod store;
#[cfg(test)]
mod testing;
mod wx;

pub use self::{
    answer::Answer,
    builder::Builder,
    callbacks::Callbacks,
    clock::TokioClock,
    consent::Consent,
    layers::{Fault, Gate, Record, Replay, ReplayError, Timeout, Trace, Trouble},
    store::{ConsentStore, Decided, FileStore, MemoryStore, StoreError},
    wx::Wx,
};
