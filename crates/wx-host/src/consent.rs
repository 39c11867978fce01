use std::{
    collections::HashMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use wx_api::{
    Answer, Api, ApiSet, AppId, Cx, Error, Prompt, Result, Scope, UserId,
    authorization::{
        Authorization, AuthorizeRequest, AuthorizeResult, GetSettingRequest, GetSettingResult, OpenSettingRequest,
        OpenSettingResult, REFUSED_EARLIER, REFUSED_NOW, invalid_scope,
    },
};
use wx_rules::authorization::{Decision, Ledger};

use crate::{ConsentStore, StoreError};

/// Consent for every backend: the domain [`Authorization`] over the host's prompt and a store of decisions.
///
/// A decision is kept before its answer leaves. Calls at once for one scope of one app and user share one prompt, which stays as
/// long as one of them waits. What cannot be read or kept is an internal error, never an ok.
///
/// ```
/// # use std::{collections::BTreeMap, sync::Arc};
/// # use wx_api::{Answer, Cx, Host, Prompt, Scope, authorization::AuthorizeRequest};
/// use wx_host::{Consent, MemoryStore, Wx};
///
/// # struct Yes;
/// # #[async_trait::async_trait]
/// # impl Prompt for Yes {
/// #     async fn ask(&self, _: &Cx, _: Scope) -> Answer { Answer::Allow }
/// #     async fn settings(&self, _: &Cx, switches: BTreeMap<Scope, bool>) -> BTreeMap<Scope, bool> { switches }
/// # }
/// # let (prompt, backend) = (Yes, Host::default());
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let consent = Arc::new(Consent::new(Arc::new(prompt), Arc::new(MemoryStore::new())));
/// let wx = Wx::builder(Host { authorization: Some(consent.clone()), ..backend }).build();
///
/// let cx = Cx::new("wx4f4bc4dec97d474b");
/// wx.call(&cx, AuthorizeRequest::new(Scope::Record)).await?;
/// consent.forget_app(cx.app()).await.expect("memory forgets"); // the app was removed
/// # Ok::<(), wx_api::Error>(())
/// # }).unwrap();
/// ```
pub struct Consent(Arc<SharedConsent>);

/// What a [`Consent`] and the prompts it opened share: a prompt may outlive the call that opened it.
struct SharedConsent {
    prompt: Arc<dyn Prompt>,
    store: Arc<dyn ConsentStore>,
    /// The apps that calls are about right now.
    apps: Mutex<HashMap<AppId, Arc<App>>>,
    prompts: Mutex<Prompts>,
}

/// What the calls about one app share.
#[derive(Default)]
struct App {
    /// Held around every change of the app's decisions, and never around a prompt.
    change: tokio::sync::Mutex<()>,
    /// How often the app was removed: a prompt that was open then decides nothing.
    removals: AtomicU64,
}

impl App {
    fn removals(&self) -> u64 {
        self.removals.load(Ordering::SeqCst)
    }
}

/// The prompts that somebody waits for.
#[derive(Default)]
struct Prompts {
    last_id: u64,
    open: HashMap<Question, (u64, WeakShared<Asking>)>,
}

/// Whose decision about what, and after how many removals of the app: who asks after one does not join a prompt from before it.
type Question = (AppId, UserId, Scope, u64);
type Asking = BoxFuture<'static, Outcome>;

/// What came of a question. Each caller puts it into its own words.
#[derive(Clone)]
enum Outcome {
    Granted,
    RefusedNow,
    RefusedEarlier,
    Dismissed,
    Failed(Error),
}

impl Consent {
    /// Consent that asks through `prompt` and keeps decisions in `store`.
    pub fn new(prompt: Arc<dyn Prompt>, store: Arc<dyn ConsentStore>) -> Self {
        Self(Arc::new(SharedConsent { prompt, store, apps: Mutex::default(), prompts: Mutex::default() }))
    }

    /// Forgets every user's decisions about an app: it was removed. Prompts that are still open for it decide nothing.
    ///
    /// # Errors
    ///
    /// When the store cannot forget.
    pub async fn forget_app(&self, app: &AppId) -> Result<(), StoreError> {
        let shared = self.0.app(app);
        let _change = shared.change.lock().await;
        shared.removals.fetch_add(1, Ordering::SeqCst);
        self.0.store.forget(app).await
    }
}

#[async_trait]
impl Authorization for Consent {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::Authorize, Api::GetSetting, Api::OpenSetting])
    }

    async fn authorize(&self, cx: &Cx, req: AuthorizeRequest) -> Result<AuthorizeResult> {
        const API: Api = Api::Authorize;
        let scope: Scope = req.scope.parse().map_err(|_| invalid_scope(API))?;
        let decided = self.0.decided(cx, scope).await;
        let outcome = match decided {
            Some(outcome) => outcome,
            None => self.0.question(cx, scope).await,
        };
        match outcome {
            Outcome::Granted => Ok(AuthorizeResult {}),
            Outcome::RefusedNow => Err(Error::denied(API, cx.profile()).with_code(REFUSED_NOW)),
            Outcome::RefusedEarlier => Err(Error::denied(API, cx.profile()).with_code(REFUSED_EARLIER)),
            Outcome::Dismissed => Err(Error::cancelled(API)),
            Outcome::Failed(error) => Err(error),
        }
    }

    async fn get_setting(&self, cx: &Cx, _: GetSettingRequest) -> Result<GetSettingResult> {
        let ledger = self.0.ledger(cx).await.map_err(unreadable(Api::GetSetting))?;
        Ok(GetSettingResult { auth_setting: ledger.switches().clone() })
    }

    async fn open_setting(&self, cx: &Cx, _: OpenSettingRequest) -> Result<OpenSettingResult> {
        const API: Api = Api::OpenSetting;
        let app = self.0.app(cx.app());
        let removals_before = app.removals();
        let shown = self.0.ledger(cx).await.map_err(unreadable(API))?.switches().clone();
        let mut left = self.0.prompt.settings(cx, shown.clone()).await;
        // Only what the user turned: a decision made elsewhere while the page was open stands.
        left.retain(|scope, granted| shown.get(scope).is_some_and(|before| before != granted));

        let _change = app.change.lock().await;
        let mut ledger = self.0.ledger(cx).await.map_err(unreadable(API))?;
        if app.removals() == removals_before && !left.is_empty() {
            ledger.close_settings(left);
            self.0.store.save(cx.app(), cx.user(), ledger.switches()).await.map_err(unkept(API))?;
        }
        Ok(OpenSettingResult { auth_setting: ledger.switches().clone() })
    }
}

impl SharedConsent {
    fn app(&self, app: &AppId) -> Arc<App> {
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner); // nothing under the lock panics
        if let Some(known) = apps.get(app) {
            return known.clone();
        }
        // Who compares removals holds the app meanwhile, so one that nobody holds may start from none again.
        apps.retain(|_, app| Arc::strong_count(app) > 1);
        apps.entry(app.clone()).or_default().clone()
    }

    async fn ledger(&self, cx: &Cx) -> Result<Ledger, StoreError> {
        self.store.load(cx.app(), cx.user()).await.map(Ledger::from)
    }

    /// What is decided without asking.
    async fn decided(&self, cx: &Cx, scope: Scope) -> Option<Outcome> {
        match self.ledger(cx).await {
            Ok(ledger) => match ledger.decide(scope, cx.profile()) {
                Decision::Granted => Some(Outcome::Granted),
                Decision::Refused => Some(Outcome::RefusedEarlier),
                Decision::Ask => None,
            },
            Err(error) => Some(Outcome::Failed(unreadable(Api::Authorize)(error))),
        }
    }

    fn prompts(&self) -> MutexGuard<'_, Prompts> {
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner) // nothing under the lock panics
    }

    /// The prompt that is open for this question, or a new one. It goes when all who wait for it have gone.
    fn question(self: &Arc<Self>, cx: &Cx, scope: Scope) -> Shared<Asking> {
        let app = self.app(cx.app());
        let removals = app.removals();
        let question = (cx.app().clone(), cx.user().clone(), scope, removals);
        let mut prompts = self.prompts();
        if let Some(asking) = prompts.open.get(&question).and_then(|(_, asking)| asking.upgrade()) {
            return asking;
        }
        prompts.last_id += 1;
        let id = prompts.last_id;
        let open = Open { consent: self.clone(), question: question.clone(), id };
        let cx = cx.clone();
        let asking = async move {
            // A panic would reach everybody who waits. The locks it may pass are whole at every moment.
            let asked = AssertUnwindSafe(open.consent.ask(&cx, scope, &app, removals)).catch_unwind().await;
            asked.unwrap_or_else(|_| Outcome::Failed(Error::internal(Api::Authorize, "the prompt panicked")))
        };
        let asking = asking.boxed().shared();
        if let Some(weak) = asking.downgrade() {
            prompts.open.insert(question, (id, weak));
        }
        asking
    }

    async fn ask(&self, cx: &Cx, scope: Scope, app: &App, removals_before: u64) -> Outcome {
        // Another prompt may have ended between the caller's look at the ledger and this one.
        if let Some(outcome) = self.decided(cx, scope).await {
            return outcome;
        }
        let granted = match self.prompt.ask(cx, scope).await {
            Answer::Allow => true,
            Answer::Deny => false,
            Answer::Dismiss => return Outcome::Dismissed,
        };
        match self.keep(cx, scope, granted, app, removals_before).await {
            Ok(true) if granted => Outcome::Granted,
            Ok(true) => Outcome::RefusedNow,
            Ok(false) => Outcome::Dismissed,
            Err(error) => Outcome::Failed(unkept(Api::Authorize)(error)),
        }
    }

    /// Keeps a decision; `false` when the app was removed meanwhile, and nothing is kept.
    async fn keep(&self, cx: &Cx, scope: Scope, granted: bool, app: &App, removals_before: u64) -> Result<bool, StoreError> {
        let _change = app.change.lock().await;
        if app.removals() != removals_before {
            return Ok(false);
        }
        let mut ledger = self.ledger(cx).await?;
        ledger.record(scope, granted);
        self.store.save(cx.app(), cx.user(), ledger.switches()).await?;
        Ok(true)
    }
}

/// An open prompt's place in the list. It goes with the prompt, answered or withdrawn.
struct Open {
    consent: Arc<SharedConsent>,
    question: Question,
    id: u64,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut prompts = self.consent.prompts();
        // Once nobody waited any more, a new caller may have opened another prompt in this place.
        if prompts.open.get(&self.question).is_some_and(|(id, _)| *id == self.id) {
            prompts.open.remove(&self.question);
        }
    }
}

fn unreadable(api: Api) -> impl FnOnce(StoreError) -> Error {
    move |error| Error::internal(api, "the decisions cannot be read").with_source(error)
}

fn unkept(api: Api) -> impl FnOnce(StoreError) -> Error {
    move |error| Error::internal(api, "the decision cannot be kept").with_source(error)
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent").field("open_prompts", &self.0.prompts().open.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
