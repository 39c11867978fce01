//! Callbacks: which run, in which order, how often.

use std::{
    panic::resume_unwind,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::FutureExt;
use serde_json::Value;
use wx_host::Callbacks;

use crate::{Bench, Failure, Outcome, cases::field, check_eq};

pub(super) async fn success_then_complete(bench: Bench) -> Outcome {
    let heard = Heard::default();
    bench.wx.call_back(&bench.cx, "login", "{}", heard.all()).await;
    heard.is(&["success login:ok", "complete login:ok"])
}

pub(super) async fn fail_then_complete(bench: Bench) -> Outcome {
    let heard = Heard::default();
    bench.wx.call_back(&bench.cx, "login", r#"{"timeout":"soon"}"#, heard.all()).await;
    check_eq("the callbacks that ran", heard.names(), vec!["fail".to_owned(), "complete".to_owned()])
}

pub(super) async fn complete_runs_alone_too(bench: Bench) -> Outcome {
    let heard = Heard::default();
    bench.wx.call_back(&bench.cx, "login", "{}", Callbacks::new().complete(heard.listener("complete"))).await;
    heard.is(&["complete login:ok"])
}

pub(super) async fn one_terminal_answer_when_broken_off(bench: Bench) -> Outcome {
    bench.network()?.stall();
    let heard = Heard::default();
    {
        let mut call = pin!(bench.wx.call_back(&bench.cx, "login", "{}", heard.all()));
        if call.as_mut().now_or_never().is_some() {
            return Err(Failure("login answered although the server is silent".to_owned()));
        }
    }
    heard.is(&["fail login:fail abort", "complete login:fail abort"])
}

pub(super) async fn throwing_callback_harms_no_other(bench: Bench) -> Outcome {
    let heard = Heard::default();
    let callbacks = Callbacks::new()
        // Not `panic!`, whose hook would print a backtrace among the results of a good run.
        .success(|_| resume_unwind(Box::new("thrown by a callback")))
        .complete(heard.listener("complete"));
    bench.wx.call_back(&bench.cx, "login", "{}", callbacks).await;
    heard.is(&["complete login:ok"])?;
    let next = Heard::default();
    bench.wx.call_back(&bench.cx, "login", "{}", next.all()).await;
    next.is(&["success login:ok", "complete login:ok"])
}

/// What callbacks were run with, in order.
#[derive(Clone, Debug, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn all(&self) -> Callbacks {
        let [success, fail, complete] = ["success", "fail", "complete"].map(|name| self.listener(name));
        Callbacks::new().success(success).fail(fail).complete(complete)
    }

    fn listener(&self, name: &'static str) -> impl FnOnce(&str) + Send + 'static + use<> {
        let heard = self.0.clone();
        move |json| {
            let said = match field(json, "errMsg") {
                Ok(Some(Value::String(text))) => text,
                _ => "something without errMsg".to_owned(),
            };
            heard.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{name} {said}"));
        }
    }

    fn names(&self) -> Vec<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    }

    fn is(&self, expected: &[&str]) -> Outcome {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        check_eq("what the callbacks heard", heard.as_slice(), expected)
    }
}
