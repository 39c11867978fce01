//! What a backend supplies to be judged.

use async_trait::async_trait;
use wx_api::{Cx, Host, Profile};
use wx_host::Wx;

use crate::{Bench, World};

/// A backend as the suite meets it.
///
/// The suite opens a bench for every case, several at once from several threads unless the test binary is told
/// `--test-threads=1`. Benches must not share users, apps, decisions or time.
#[async_trait]
pub trait Harness: Send + Sync {
    /// The backend's name in reports.
    fn name(&self) -> &str;

    /// A fresh bench: a world nobody has used, and an app under test that runs under this profile for the first time.
    ///
    /// Put the whole stack of a product under it, as a runtime would: [`Bench::wx`] is what is judged.
    ///
    /// # Errors
    ///
    /// Why there is none, for the person who reads the report. Every case that needs it fails with this text.
    async fn open(&self, profile: Profile) -> Result<Bench, String>;

    /// The cases this backend is known to fail. Empty for one that is finished.
    fn known_failures(&self) -> &[KnownFailure] {
        &[]
    }
}

/// A case that is known to fail, and why.
///
/// It must fail, and for this reason: a known failure that passes is a failure of its own, so that the list never outlives the
/// bug. A case that is not judged, because it is unsupported or ignored, stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFailure {
    /// The case, such as `login::codes_differ`.
    pub case: &'static str,
    /// The profile under which it fails, by its [`label`](crate::label); under every profile when left out.
    pub profile: Option<&'static str>,
    /// A part of the text it fails with. Never empty: that would forgive every failure.
    pub reason: &'static str,
}

impl KnownFailure {
    /// Whether it speaks of this case under this profile.
    pub(crate) fn covers(&self, case: &str, profile: &str) -> bool {
        self.case == case && self.profile.is_none_or(|only| only == profile)
    }
}

/// The harness of a backend without handles on its outside: a host made anew for each case.
///
/// Cases that drive the outside are ignored, with the handle they miss. It is where a backend starts.
#[derive(Clone, Copy, Debug)]
pub struct Plain {
    name: &'static str,
    host: fn() -> Host,
}

impl Plain {
    /// The backend of this name that `host` makes.
    pub const fn new(name: &'static str, host: fn() -> Host) -> Self {
        Self { name, host }
    }
}

#[async_trait]
impl Harness for Plain {
    fn name(&self) -> &str {
        self.name
    }

    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        let cx = Cx::new("wx00000000000000a1").with_profile(profile);
        Ok(Bench { wx: Wx::builder((self.host)()).build(), cx, world: World::default() })
    }
}
