//! Consent: what the user lets an app do, asked once, kept, and changed on the settings page.

use std::{collections::BTreeMap, fmt, str::FromStr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{Api, ApiSet, Cx, Effect, Error, ErrorKind, Facts, Request, Result, Version};

/// Consent. One implementation serves every backend: `wx-host`'s `Consent`, over the host's prompt and a store of decisions. Its
/// `Gate` asks this domain before any API that needs a scope, so no backend asks on its own and no binding can go round it.
///
/// # Behavior
///
/// - a decision belongs to one app (`authorization::decisions_are_per_app`) and one user
///   (`authorization::decisions_are_per_user`)
/// - it outlives the life cycle in which it was made (`authorization::decision_survives_relaunch`)
/// - it goes when the app is removed (`authorization::removing_the_app_forgets`)
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Authorization: Send + Sync {
    /// The APIs of this domain that really work.
    fn supported(&self) -> ApiSet;

    /// `wx.authorize`: asks for a scope ahead of its use.
    ///
    /// The same rule holds for the first call of an API that needs a scope, which then fails in its own name.
    ///
    /// # Behavior
    ///
    /// - a scope never asked for before shows a prompt at once (`authorization::first_authorize_prompts`), which names the app and
    ///   the scope (`authorization::prompt_names_app_and_scope`)
    /// - consent answers `authorize:ok` (`authorization::consent_answers_ok`)
    /// - a scope already granted answers ok without a prompt (`authorization::granted_scope_is_not_asked_again`)
    /// - refusal answers `authorize:fail auth deny`, -12007 (`authorization::refusal_answers_auth_deny`)
    /// - a scope already refused fails without a prompt, -12006 (`authorization::refused_scope_is_not_asked_again`)
    /// - the text of a refusal is the profile's (`authorization::denial_text_follows_the_profile`)
    /// - it asks and does no more: the API behind the scope is not run (`authorization::authorize_does_not_run_the_api`)
    /// - every scope of the contract can be asked for (`authorization::every_scope_can_be_authorized`)
    /// - an unknown scope is refused without a prompt, -12001 (`authorization::unknown_scope_is_refused`), and so is one without
    ///   its prefix (`authorization::scope_needs_its_prefix`) or in other letters (`authorization::scope_case_matters`)
    /// - later base libraries grant address and invoice title unasked, base library 1.9.94 asks
    ///   (`authorization::address_is_asked_as_the_profile_says`)
    /// - calls at once for one scope share one prompt and its answer (`authorization::calls_at_once_share_one_prompt`), whether
    ///   they ask or just use it (`authorization::call_and_authorize_at_once_share_one_prompt`)
    /// - calls at once for two scopes show both, each with its own answer (`authorization::two_scopes_at_once_prompt_each`)
    /// - while a prompt is open other calls go on (`authorization::open_prompt_blocks_no_other_call`)
    /// - a prompt the user ignores decides nothing (`authorization::ignored_prompt_decides_nothing`)
    /// - a prompt the user closes decides nothing: `authorize:fail cancel` (`authorization::dismissed_prompt_decides_nothing`)
    /// - a call broken off takes its prompt away (`authorization::broken_off_call_withdraws_its_prompt`), unless another call
    ///   still waits for it (`authorization::shared_prompt_survives_one_caller`)
    /// - a first call of an API with a scope prompts by itself (`authorization::scoped_call_prompts_by_itself`)
    /// - consent given ahead lets such a call through without a prompt (`authorization::consent_covers_later_calls`)
    /// - refused, such a call fails in its own name (`authorization::refused_call_fails_in_its_own_name`) and later ones without a
    ///   prompt (`authorization::refused_call_is_not_asked_again`)
    /// - an API without a scope never prompts (`authorization::unscoped_calls_never_prompt`)
    ///
    /// # Errors
    ///
    /// [`Denied`](ErrorKind::Denied) with -12007 or -12006; [`Parameter`](ErrorKind::Parameter) with -12001;
    /// [`Cancelled`](ErrorKind::Cancelled).
    async fn authorize(&self, cx: &Cx, req: AuthorizeRequest) -> Result<AuthorizeResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::Authorize))
    }

    /// `wx.getSetting`: the scopes that were ever asked for, and the decisions.
    ///
    /// # Behavior
    ///
    /// - nothing asked, nothing listed (`authorization::settings_start_empty`)
    /// - asked scopes are listed with their decisions, others not (`authorization::settings_list_what_was_asked`), nor those whose
    ///   prompt decided nothing (`authorization::undecided_scopes_are_not_listed`)
    /// - it never prompts (`authorization::get_setting_never_prompts`)
    ///
    /// # Errors
    ///
    /// [`Internal`](ErrorKind::Internal) when the decisions cannot be read.
    async fn get_setting(&self, cx: &Cx, req: GetSettingRequest) -> Result<GetSettingResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::GetSetting))
    }

    /// `wx.openSetting`: the settings page, and the decisions as the user left them.
    ///
    /// # Behavior
    ///
    /// - left as it is, it answers what `getSetting` answers (`authorization::settings_page_left_alone_changes_nothing`)
    /// - it shows exactly the scopes that were asked for (`authorization::settings_page_shows_what_was_asked`)
    /// - a refusal turned round lets calls through without a prompt (`authorization::settings_page_grants`)
    /// - a grant turned round fails calls without a prompt (`authorization::settings_page_revokes`)
    /// - it cannot grant what was never asked for (`authorization::settings_page_cannot_grant_the_unasked`), nor answer it
    ///   (`authorization::settings_page_answers_nothing_unasked`)
    /// - it answers what the user left (`authorization::settings_page_answers_what_was_left`)
    ///
    /// # Errors
    ///
    /// [`Internal`](ErrorKind::Internal) when the decisions cannot be read or kept.
    async fn open_setting(&self, cx: &Cx, req: OpenSettingRequest) -> Result<OpenSettingResult> {
        let _ = (cx, req);
        Err(Error::unsupported(Api::OpenSetting))
    }
}

/// What a user can consent to.
///
/// ```
/// use wx_api::Scope;
///
/// assert_eq!("scope.record".parse::<Scope>()?, Scope::Record);
/// assert_eq!(Scope::UserInfo.to_string(), "scope.userInfo");
/// # Ok::<(), wx_api::authorization::UnknownScope>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scope {
    /// The user profile: `getUserInfo`.
    #[serde(rename = "scope.userInfo")]
    UserInfo,
    /// The location: `getLocation`, `chooseLocation`.
    #[serde(rename = "scope.userLocation")]
    UserLocation,
    /// The postal address: `chooseAddress`.
    #[serde(rename = "scope.address")]
    Address,
    /// The invoice title: `chooseInvoiceTitle`.
    #[serde(rename = "scope.invoiceTitle")]
    InvoiceTitle,
    /// The step count: `getWeRunData`.
    #[serde(rename = "scope.werun")]
    Werun,
    /// The microphone: `startRecord`, the recorder manager.
    #[serde(rename = "scope.record")]
    Record,
    /// Saving to the album: `saveImageToPhotosAlbum`, `saveVideoToPhotosAlbum`.
    #[serde(rename = "scope.writePhotosAlbum")]
    WritePhotosAlbum,
    /// The camera: the camera component and its context.
    #[serde(rename = "scope.camera")]
    Camera,
}

/// A text that names no scope.
///
/// ```
/// use wx_api::Scope;
///
/// let error = "record".parse::<Scope>().unwrap_err();
/// assert!(error.to_string().starts_with("`record` is no scope: there are scope.userInfo, "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scope: there are {names}", names = Scope::ALL.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(", "))]
pub struct UnknownScope(String);

impl Scope {
    /// Every scope of the contract.
    pub const ALL: &'static [Self] = &[
        Self::UserInfo,
        Self::UserLocation,
        Self::Address,
        Self::InvoiceTitle,
        Self::Werun,
        Self::Record,
        Self::WritePhotosAlbum,
        Self::Camera,
    ];

    /// The name scripts use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserInfo => "scope.userInfo",
            Self::UserLocation => "scope.userLocation",
            Self::Address => "scope.address",
            Self::InvoiceTitle => "scope.invoiceTitle",
            Self::Werun => "scope.werun",
            Self::Record => "scope.record",
            Self::WritePhotosAlbum => "scope.writePhotosAlbum",
            Self::Camera => "scope.camera",
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    /// # Errors
    ///
    /// [`UnknownScope`] for any text that is not exactly the name of a scope.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name).ok_or_else(|| UnknownScope(name.to_owned()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Parameters of `wx.authorize`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizeRequest {
    /// The scope to ask for. A text, because a script may write what no library knows.
    pub scope: String,
}

impl AuthorizeRequest {
    /// Asks for this scope.
    pub fn new(scope: Scope) -> Self {
        Self { scope: scope.name().to_owned() }
    }
}

/// What `wx.authorize` answers: that it is ok.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuthorizeResult {}

impl Request for AuthorizeRequest {
    type Reply = AuthorizeResult;
    const FACTS: Facts =
        Facts { name: "authorize", since: Version(1, 2, 0), scope: None, effect: Effect::Set, err_code: false };
}

/// Parameters of `wx.getSetting`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GetSettingRequest {}

/// What `wx.getSetting` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GetSettingResult {
    /// Every scope that was ever asked for, and whether it is granted.
    pub auth_setting: BTreeMap<Scope, bool>,
}

impl Request for GetSettingRequest {
    type Reply = GetSettingResult;
    const FACTS: Facts =
        Facts { name: "getSetting", since: Version(1, 2, 0), scope: None, effect: Effect::Read, err_code: false };
}

/// Parameters of `wx.openSetting`: none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenSettingRequest {}

/// What `wx.openSetting` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenSettingResult {
    /// Every scope that was ever asked for, as the user left it.
    pub auth_setting: BTreeMap<Scope, bool>,
}

impl Request for OpenSettingRequest {
    type Reply = OpenSettingResult;
    const FACTS: Facts =
        Facts { name: "openSetting", since: Version(1, 1, 0), scope: None, effect: Effect::Once, err_code: false };
}

/// The code of a refusal at the prompt.
pub const REFUSED_NOW: i32 = -12007;
/// The code of a refusal that was kept.
pub const REFUSED_EARLIER: i32 = -12006;
/// The code of a scope nobody knows.
pub const INVALID_SCOPE: i32 = -12001;

/// The failure of a scope nobody knows: `authorize:fail invalid scope`, -12001.
pub fn invalid_scope(api: Api) -> Error {
    Error::new(api, ErrorKind::Parameter, "invalid scope").with_code(INVALID_SCOPE)
}
