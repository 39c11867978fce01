use std::fmt;

use crate::Api;

/// Words of 64 APIs each; room for every API of the official pages and more.
const WORDS: usize = 4;

/// A set of APIs: what a backend supports, what a profile has, what a subscriber listens to.
///
/// ```
/// use wx_api::{Api, ApiSet};
///
/// const SIGN_IN: ApiSet = ApiSet::of(&[Api::Login, Api::CheckSession]);
/// assert!(SIGN_IN.contains(Api::Login));
/// assert_eq!((ApiSet::ALL - SIGN_IN).contains(Api::Login), false);
/// assert_eq!(SIGN_IN.iter().count(), 2);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ApiSet([u64; WORDS]);

impl ApiSet {
    /// No API.
    pub const NONE: Self = Self([0; WORDS]);
    /// Every API of the contract.
    pub const ALL: Self = Self::of(Api::ALL);

    /// The set of exactly these APIs.
    pub const fn of(apis: &[Api]) -> Self {
        let mut words = [0; WORDS];
        let mut i = 0;
        while i < apis.len() {
            let n = apis[i] as usize;
            words[n / 64] |= 1 << (n % 64);
            i += 1;
        }
        Self(words)
    }

    /// Whether this API is in the set.
    pub const fn contains(self, api: Api) -> bool {
        let n = api as usize;
        self.0[n / 64] & (1 << (n % 64)) != 0
    }

    /// Whether the set has no API.
    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// The APIs of the set in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = Api> {
        Api::ALL.iter().copied().filter(move |&api| self.contains(api))
    }
}

impl FromIterator<Api> for ApiSet {
    fn from_iter<I: IntoIterator<Item = Api>>(apis: I) -> Self {
        apis.into_iter().fold(Self::NONE, |set, api| set | Self::of(&[api]))
    }
}

impl From<Api> for ApiSet {
    fn from(api: Api) -> Self {
        Self::of(&[api])
    }
}

impl std::ops::BitOr for ApiSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }
}

impl std::ops::BitAnd for ApiSet {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }
}

impl std::ops::Sub for ApiSet {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !other.0[i]))
    }
}

impl fmt::Debug for ApiSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
