use std::{future::Future, pin::Pin, sync::Arc};

use async_trait::async_trait;

use crate::{ApiSet, Call, Cx, EventSender, Reply, Result};

/// A call under way: what [`Invoke::invoke`] returns. Implementations on hot paths write it out instead of using
/// `#[async_trait]`, and may then hand on the future of whatever they wrap.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply>> + Send + 'a>>;

/// The one thing that layers, links and bindings wrap: it answers any call and takes any subscription.
///
/// [`Host`](crate::Host) implements it over the domains; everything else forwards to another `Invoke`.
///
/// ```
/// use wx_api::{Api, Cx, Host, Invoke, login::LoginRequest};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let apis: &dyn Invoke = &Host::default();
/// assert!(!apis.supported().contains(Api::Login));
/// let error = apis.invoke(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default().into()).await.unwrap_err();
/// assert_eq!(error.to_string(), "login:fail not supported");
/// # });
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Invoke: Send + Sync {
    /// Answers one call. Dropping the future cancels it.
    ///
    /// # Errors
    ///
    /// What the API's own documentation says; [`Unsupported`](crate::ErrorKind::Unsupported) where it is not there.
    async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply>;

    /// The APIs and events that are really there.
    fn supported(&self) -> ApiSet;

    /// Sends the events that `out` wants to it until its stream is dropped.
    ///
    /// # Errors
    ///
    /// The failure of the first event that cannot be listened to.
    fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()>;
}

/// Wraps an [`Invoke`] in behaviour of its own. Its state lives in what `wrap` returns.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use wx_api::{Api, ApiSet, Call, Cx, Error, EventSender, Host, Invoke, Layer, Reply, Result, login::LoginRequest};
///
/// /// Takes one API away.
/// struct Without(Api);
/// struct Hidden {
///     api: Api,
///     inner: Arc<dyn Invoke>,
/// }
///
/// impl Layer for Without {
///     fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
///         Arc::new(Hidden { api: self.0, inner })
///     }
/// }
///
/// #[async_trait]
/// impl Invoke for Hidden {
///     async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
///         if call.api() == self.api { Err(Error::unsupported(self.api)) } else { self.inner.invoke(cx, call).await }
///     }
///     fn supported(&self) -> ApiSet {
///         self.inner.supported() - self.api.into()
///     }
///     fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
///         self.inner.subscribe(cx, out)
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let apis = Without(Api::Login).wrap(Arc::new(Host::default()));
/// assert!(apis.invoke(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default().into()).await.is_err());
/// # });
/// ```
pub trait Layer: Send + Sync {
    /// The same APIs with this layer's behaviour around them.
    fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke>;
}
