//! Mini-program JavaScript over any host: the `wx` global in an engine, `QuickJS`, for each app.
//!
//! An [`Engine`] runs the script of one app. What the script calls goes to a [`Wx`](wx_host::Wx), which any backend may stand
//! behind; the conventions of callbacks, promises and errors are the documented ones.
//!
//! ```
//! # use std::{cell::RefCell, rc::Rc, sync::Arc};
//! use wx_api::Cx;
//! use wx_host::Wx;
//! use wx_js::Engine;
//! use wx_mock::World;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let world = World::new(7);
//! let wx = Wx::builder(world.host()).build();
//! let lines = Rc::new(RefCell::new(Vec::new()));
//! let sink = lines.clone();
//! let mut engine = Engine::builder(wx, Cx::new("wx4f4bc4dec97d474b"))
//!     .console(move |_, line| sink.borrow_mut().push(line.to_owned()))
//!     .build()?;
//!
//! let script = "wx.getHCEState({ success(res) { console.log(res.errMsg) } })";
//! engine.run_source("app.js", script).await?;
//! assert_eq!(*lines.borrow(), ["getHCEState:ok"]);
//! # Ok::<(), wx_js::Fault>(())
//! # }).unwrap();
//! ```
//!
//! # Invariants
//!
//! - No API has code of its own here: `wx` is built from the tables of the contract, and a new API is there by itself.
//! - A script reaches nothing but its [`Wx`](wx_host::Wx), the files of its folder, its console, its clock, and what the host
//!   gives it by [`function`](Builder::function).
//! - One call has one answer: `success` or `fail`, then `complete`, or one settled promise. It never comes before the call
//!   returned.
//! - What a callback throws is reported, and keeps no other callback from running.
//! - A turn is one callback of the host and the microtasks it leaves. No turn takes longer than its budget: a script that does
//!   not end is stopped, and runs no further.
//! - Futures of the backend are polled on the thread of the script; values pass between the two without a detour through text.

mod arguments;
mod builder;
mod call;
mod can_i_use;
mod console;
mod engine;
mod environment;
mod fault;
mod folder;
mod functions;
mod inspect;
mod listeners;
mod modules;
mod names;
mod ordered;
mod originals;
mod package;
mod results;
mod shared;
mod timers;

pub use self::{
    builder::Builder,
    console::Level,
    engine::Engine,
    fault::{Fault, Location, Uncaught},
};
