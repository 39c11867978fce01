use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use wx_api::{Answering, ApiSet, Call, Clock, Cx, Error, ErrorKind, EventSender, Invoke, Layer, Result};

/// Breaks calls on purpose, so that an app and a host can be tried against a bad day. Repeatable: the same seed and the same
/// calls in the same order have the same faults.
///
/// It stands right before the backend: consent, timeouts and traces see its faults as the backend's. So does the gate, whose
/// questions are calls of `authorize`.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use wx_api::{Api, ApiSet, ErrorKind};
/// use wx_host::{Fault, TokioClock, Trouble};
///
/// let fault = Fault::new(Arc::new(TokioClock), 42)
///     .rule(ApiSet::ALL, 0.3, Trouble::Delay(Duration::from_millis(800)))
///     .rule(Api::Login, 0.1, Trouble::Fail { kind: ErrorKind::Unavailable, code: None, reason: "no network".into() });
/// ```
pub struct Fault {
    clock: Arc<dyn Clock>,
    seed: u64,
    rules: Vec<Rule>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// The call reaches the backend so much later.
    Delay(Duration),
    /// The call fails, and the backend does not hear of it.
    Fail {
        /// What sort of failure.
        kind: ErrorKind,
        /// Its code, if any.
        code: Option<i32>,
        /// What follows `<api>:fail `.
        reason: String,
    },
    /// The call is lost: no answer ever comes, and the backend does not hear of it.
    Silence,
}

#[derive(Clone, Debug)]
struct Rule {
    apis: ApiSet,
    probability: f64,
    trouble: Trouble,
}

impl Fault {
    /// No faults yet. Delays are by this clock, chances by this seed.
    pub fn new(clock: Arc<dyn Clock>, seed: u64) -> Self {
        Self { clock, seed, rules: Vec::new() }
    }

    /// Adds trouble for these APIs with this probability: never at 0, always at 1.
    ///
    /// Rules apply in the order they were added. Delays add up; the first failure or silence ends the call.
    #[must_use]
    pub fn rule(mut self, apis: impl Into<ApiSet>, probability: f64, trouble: Trouble) -> Self {
        self.rules.push(Rule { apis: apis.into(), probability, trouble });
        self
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault").field("seed", &self.seed).field("rules", &self.rules).finish_non_exhaustive()
    }
}

impl Layer for Fault {
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
        let (clock, rules) = (self.clock.clone(), self.rules.clone());
        Arc::new(Faulty { inner, clock, rules, dice: Dice(AtomicU64::new(self.seed)) })
    }
}

struct Faulty {
    inner: Arc<dyn Invoke>,
    clock: Arc<dyn Clock>,
    rules: Vec<Rule>,
    dice: Dice,
}

/// Splitmix64: one number per step of a counter, so calls at once need no lock.
struct Dice(AtomicU64);

impl Dice {
    /// Whether something of this probability happens now.
    fn says(&self, probability: f64) -> bool {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        #[allow(clippy::cast_precision_loss, reason = "53 bits are exactly what a float holds")]
        let chance = (z >> 11) as f64 / (1_u64 << 53) as f64;
        chance < probability
    }
}

impl Invoke for Faulty {
    fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
    where
        's: 'a,
        'c: 'a,
        Self: 'a,
    {
        let api = call.api();
        if !self.rules.iter().any(|rule| rule.apis.contains(api)) {
            return self.inner.invoke(cx, call);
        }
        Box::pin(async move {
            for rule in self.rules.iter().filter(|rule| rule.apis.contains(api)) {
                if !self.dice.says(rule.probability) {
                    continue;
                }
                match &rule.trouble {
                    Trouble::Delay(by) => self.clock.sleep_until(self.clock.now() + *by).await,
                    Trouble::Fail { kind, code, reason } => {
                        let error = Error::new(api, *kind, reason.clone());
                        return Err(match code {
                            Some(code) => error.with_code(*code),
                            None => error,
                        });
                    }
                    Trouble::Silence => std::future::pending().await,
                }
            }
            self.inner.invoke(cx, call).await
        })
    }

    fn supported(&self) -> ApiSet {
        self.inner.supported()
    }

    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.inner.subscribe(cx, out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use std::{pin::pin, task::Poll};

    use wx_api::{
        Api,
        login::{CheckSessionRequest, CheckSessionResult, LoginRequest},
    };

    use super::*;
    use crate::testing::{Script, Still, cx, now, poll_once};

    fn fault(seed: u64) -> Fault {
        Fault::new(Arc::new(Still::default()), seed)
    }

    fn broken() -> Trouble {
        Trouble::Fail { kind: ErrorKind::Unavailable, code: Some(7), reason: "no network".into() }
    }

    fn check_session() -> Call {
        CheckSessionRequest {}.into()
    }

    /// Which of some calls fail.
    fn failures(fault: &Fault, calls: usize) -> Vec<bool> {
        let script = Script::default();
        let wx = fault.wrap(Arc::new(script.clone()));
        let fails = |_| {
            script.answer(Ok(CheckSessionResult {}.into()));
            now(wx.invoke(&cx(), check_session())).is_err()
        };
        (0..calls).map(fails).collect()
    }

    #[test]
    fn a_failure_is_the_one_that_was_asked_for_and_reaches_no_backend() {
        let script = Script::default();
        let wx = fault(1).rule(Api::Login, 1.0, broken()).wrap(Arc::new(script.clone()));
        let error = now(wx.invoke(&cx(), LoginRequest::default().into())).unwrap_err();
        assert_eq!(error.to_string(), "login:fail no network");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, Some(7)));
        assert_eq!(script.calls(), []);
    }

    #[test]
    fn other_apis_are_left_alone() {
        assert_eq!(failures(&fault(1).rule(Api::Login, 1.0, broken()), 10), [false; 10]);
    }

    #[test]
    fn the_same_seed_has_the_same_faults_and_another_seed_others() {
        let of = |seed| failures(&fault(seed).rule(ApiSet::ALL, 0.5, broken()), 64);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn faults_are_as_frequent_as_asked() {
        for (probability, few, many) in [(0.0, 0, 0), (0.25, 200, 300), (1.0, 1000, 1000)] {
            let failed =
                failures(&fault(9).rule(ApiSet::ALL, probability, broken()), 1000).into_iter().filter(|failed| *failed);
            assert!((few..=many).contains(&failed.count()), "{probability}");
        }
    }

    #[test]
    fn delays_add_up_and_then_the_call_runs() {
        let (clock, script) = (Still::default(), Script::default());
        let delay = Trouble::Delay(Duration::from_secs(1));
        let fault = Fault::new(Arc::new(clock.clone()), 1).rule(ApiSet::ALL, 1.0, delay.clone()).rule(ApiSet::ALL, 1.0, delay);
        let (wx, cx) = (fault.wrap(Arc::new(script.clone())), cx());
        script.answer(Ok(CheckSessionResult {}.into()));
        let mut call = pin!(wx.invoke(&cx, check_session()));
        for _ in 0..2 {
            assert!(poll_once(call.as_mut()).is_pending());
            assert_eq!(script.calls(), []);
            clock.advance(Duration::from_secs(1));
        }
        assert!(matches!(poll_once(call), Poll::Ready(Ok(_))));
    }

    #[test]
    fn silence_never_answers() {
        let script = Script::default();
        script.answer(Ok(CheckSessionResult {}.into()));
        let (wx, cx) = (fault(1).rule(ApiSet::ALL, 1.0, Trouble::Silence).wrap(Arc::new(script.clone())), cx());
        let mut call = pin!(wx.invoke(&cx, check_session()));
        assert!(poll_once(call.as_mut()).is_pending() && poll_once(call).is_pending());
        assert_eq!(script.calls(), []);
    }
}
