use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Profile, Timestamp};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: AsRef<str>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.as_ref().into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The appid of a mini-program, such as `wx4f4bc4dec97d474b`.
    AppId
}
text_id! {
    /// Whose decisions count: one person at this host, by whatever name the host knows them.
    UserId
}

/// Who calls, under which profile, in which life cycle, and until when an answer is of use.
///
/// Cheap to clone. A new launch of a mini-program is a new `Cx`.
///
/// ```
/// use wx_api::{Cx, Profile};
///
/// let cx = Cx::new("wx4f4bc4dec97d474b").with_user("li").with_profile(Profile::seed());
/// assert_eq!(cx.app().as_str(), "wx4f4bc4dec97d474b");
/// assert_ne!(cx.launch(), cx.relaunch().launch());
/// ```
#[derive(Clone, Debug)]
pub struct Cx {
    caller: Arc<Caller>,
    deadline: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Caller {
    app: AppId,
    user: UserId,
    profile: Profile,
    launch: u64,
}

impl Cx {
    /// A first launch of this app by the user `default` under the default profile.
    pub fn new(app: impl Into<AppId>) -> Self {
        let caller = Caller { app: app.into(), user: "default".into(), profile: Profile::default(), launch: next_launch() };
        Self { caller: Arc::new(caller), deadline: None }
    }

    /// The same with another user.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<UserId>) -> Self {
        Arc::make_mut(&mut self.caller).user = user.into();
        self
    }

    /// The same with another profile.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        Arc::make_mut(&mut self.caller).profile = profile;
        self
    }

    /// The same with a deadline on the host's clock; an earlier one stays.
    #[must_use]
    pub fn with_deadline(mut self, at: Timestamp) -> Self {
        self.deadline = Some(self.deadline.map_or(at, |earlier| earlier.min(at)));
        self
    }

    /// The next life cycle of the same app for the same user.
    #[must_use]
    pub fn relaunch(&self) -> Self {
        let mut next = self.clone();
        Arc::make_mut(&mut next.caller).launch = next_launch();
        next
    }

    /// The app that calls.
    pub fn app(&self) -> &AppId {
        &self.caller.app
    }

    /// The user at this host.
    pub fn user(&self) -> &UserId {
        &self.caller.user
    }

    /// What this platform and base library are like.
    pub fn profile(&self) -> &Profile {
        &self.caller.profile
    }

    /// Which life cycle this is: no two launches in one process share a number.
    pub fn launch(&self) -> u64 {
        self.caller.launch
    }

    /// When an answer is of no more use.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }
}

fn next_launch() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
