//! What a case is, and what it says when something is wrong.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use wx_api::{Api, Cx};
use wx_host::Wx;

use crate::world::{AppServer, ClockHandle, FingerHandle, NetworkHandle, RadioHandle, ReaderHandle, UserHandle, World};

/// What a case works with: a fresh `Wx`, the first launch of an app, and the outside.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The APIs under test, behind every layer a host would have.
    pub wx: Wx,
    /// A first launch of the app under test.
    pub cx: Cx,
    /// The outside.
    pub world: World,
}

/// One behaviour and how to see it.
#[derive(Clone, Copy)]
pub struct Case {
    /// `domain::sentence`, as the contract's documentation names it.
    pub name: &'static str,
    /// The APIs without which it makes no sense.
    pub apis: &'static [Api],
    /// The handles it drives.
    pub needs: &'static [Need],
    /// The case itself.
    pub run: fn(Bench) -> Running,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("apis", &self.apis)
            .field("needs", &self.needs)
            .finish_non_exhaustive()
    }
}

/// A case under way.
pub type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// How a case ended.
pub type Outcome = Result<(), Failure>;

/// What was wrong, for the person who reads the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<wx_api::Error> for Failure {
    fn from(error: wx_api::Error) -> Self {
        Self(match error.code() {
            Some(code) => format!("unexpected failure: {error} ({code})"),
            None => format!("unexpected failure: {error}"),
        })
    }
}

/// A handle that a case drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// [`World::clock`].
    Clock,
    /// [`World::user`].
    User,
    /// [`World::server`].
    Server,
    /// [`World::network`].
    Network,
    /// [`World::finger`].
    Finger,
    /// [`World::radio`].
    Radio,
    /// [`World::reader`].
    Reader,
}

impl Need {
    /// Whether this world has it.
    pub fn is_met(self, world: &World) -> bool {
        match self {
            Self::Clock => world.clock.is_some(),
            Self::User => world.user.is_some(),
            Self::Server => world.server.is_some(),
            Self::Network => world.network.is_some(),
            Self::Finger => world.finger.is_some(),
            Self::Radio => world.radio.is_some(),
            Self::Reader => world.reader.is_some(),
        }
    }
}

macro_rules! handles {
    ($($name:ident: $handle:ident,)*) => {
        impl Bench {
            $(
                #[doc = concat!("The ", stringify!($name), " of this bench.\n\n# Errors\n\nA failure that says it is missing: name it in the case's needs.")]
                pub fn $name(&self) -> Result<Arc<dyn $handle>, Failure> {
                    self.world.$name.clone().ok_or_else(|| Failure(concat!("this world has no ", stringify!($name)).to_owned()))
                }
            )*
        }
    };
}

handles! {
    clock: ClockHandle,
    user: UserHandle,
    network: NetworkHandle,
    finger: FingerHandle,
    radio: RadioHandle,
    reader: ReaderHandle,
}

impl Bench {
    /// The developer's server of the app under test.
    ///
    /// # Errors
    ///
    /// A failure that says it is missing: name it in the case's needs.
    pub fn server(&self) -> Result<Arc<dyn AppServer>, Failure> {
        self.server_of(&self.cx)
    }

    /// The developer's server of another app.
    ///
    /// # Errors
    ///
    /// As [`server`](Self::server).
    pub fn server_of(&self, cx: &Cx) -> Result<Arc<dyn AppServer>, Failure> {
        let servers = self.world.server.as_ref().ok_or_else(|| Failure("this world has no server".to_owned()))?;
        Ok(servers.of(cx.app()))
    }

    /// Another app of the same user, under the same profile.
    pub fn other_app(&self) -> Cx {
        Cx::new("wx00000000000000b2").with_user(self.cx.user().as_str()).with_profile(self.cx.profile().clone())
    }
}

/// A line of a domain's table: `case!(login::codes_differ, [Login], [Server])` for `async fn codes_differ(bench: Bench)`.
macro_rules! case {
    ($domain:ident :: $name:ident, [$($api:ident),*], [$($need:ident),*]) => {
        $crate::Case {
            name: concat!(stringify!($domain), "::", stringify!($name)),
            apis: &[$(wx_api::Api::$api),*],
            needs: &[$($crate::Need::$need),*],
            run: |bench| Box::pin($name(bench)),
        }
    };
}
pub(crate) use case;

/// Fails with this text unless the condition holds.
///
/// # Errors
///
/// The text.
pub fn check(condition: bool, otherwise: impl fmt::Display) -> Outcome {
    if condition { Ok(()) } else { Err(Failure(otherwise.to_string())) }
}

/// Fails unless both are equal, and shows both.
///
/// # Errors
///
/// What was expected and what came.
#[allow(clippy::needless_pass_by_value)] // a reference would only put a `&` into every case
pub fn check_eq<A: fmt::Debug + PartialEq<B>, B: fmt::Debug>(what: &str, got: A, expected: B) -> Outcome {
    if got == expected { Ok(()) } else { Err(Failure(format!("{what} is {got:?}, expected {expected:?}"))) }
}

/// The error of a call that must fail.
///
/// # Errors
///
/// That it did not.
pub fn failed<T>(what: &str, result: wx_api::Result<T>) -> Result<wx_api::Error, Failure> {
    result.err().ok_or_else(|| Failure(format!("{what} answered ok, expected a failure")))
}

/// Fails unless the call failed with this code.
///
/// # Errors
///
/// What came instead.
pub fn failed_with<T>(what: &str, result: wx_api::Result<T>, code: i32) -> Result<wx_api::Error, Failure> {
    let error = failed(what, result)?;
    match error.code() {
        Some(got) if got == code => Ok(error),
        got => Err(Failure(format!("{what} failed with {got:?} ({error}), expected code {code}"))),
    }
}
