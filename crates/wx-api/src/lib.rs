//! The contract: the runtime API of mini-programs (`wx.*`) as Rust traits.
//!
//! One trait per domain, one async method per API, one request and one result type per API, all documented. The documentation
//! *is* the specification: each line under `# Behavior` names the conformance case that proves it. A backend implements the
//! traits of the domains it can do and puts them into a [`Host`]; what it leaves out answers `<api>:fail not supported`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use wx_api::{Api, ApiSet, Cx, Host, Invoke, Reply, Result, login::*};
//!
//! struct Kiosk;
//!
//! #[async_trait]
//! impl Login for Kiosk {
//!     fn supported(&self) -> ApiSet {
//!         Api::Login.into()
//!     }
//!     async fn login(&self, _: &Cx, _: LoginRequest) -> Result<LoginResult> {
//!         Ok(LoginResult { code: "033aB".into() })
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let host = Host { login: Some(Arc::new(Kiosk)), ..Host::default() };
//! let cx = Cx::new("wx4f4bc4dec97d474b");
//! let reply = host.invoke(&cx, LoginRequest::default().into()).await?;
//! assert!(matches!(reply, Reply::Login(_)));
//! let error = host.invoke(&cx, CheckSessionRequest {}.into()).await.unwrap_err();
//! assert_eq!(error.to_string(), "checkSession:fail not supported");
//! # Ok::<(), wx_api::Error>(())
//! # }).unwrap();
//! ```
//!
//! # Invariants
//!
//! - No I/O, no runtime, no crypto, no clock of its own: whoever implements the traits brings those.
//! - The only default answer is `not supported`. Nothing here ever answers ok.
//! - Every source file beside this one is a domain; `core`, `supply` and `generated` are what domains share.
//! - `generated` is derived by `cargo xtask codegen` from the domain files and never edited.

mod core;
mod generated;
mod supply;

// The domains, one file each.
pub mod authorization;
pub mod hce;
pub mod login;
pub mod signature;
pub mod soter;
pub mod user;

pub use self::{authorization::Scope, core::*, generated::*, supply::*};
