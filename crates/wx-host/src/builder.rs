use std::{fmt, sync::Arc};

use wx_api::{Invoke, Layer};

use crate::{Fault, Gate, Record, Timeout, Trace, Wx};

/// Puts the layers around a backend. Made by [`Wx::builder`].
///
/// The order of the layers is fixed, whatever the order of the calls; see the crate's invariants.
///
/// ```
/// # use std::{sync::Arc, time::Duration};
/// # use wx_api::{Api, Cx, ErrorKind, Host, login::LoginRequest};
/// use wx_host::{Fault, Timeout, TokioClock, Trouble, Wx};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let clock = Arc::new(TokioClock);
/// let wx = Wx::builder(Host::default())
///     .trace()
///     .timeout(Timeout::new(clock.clone()).default_after(Duration::from_millis(1)))
///     .fault(Fault::new(clock, 7).rule(Api::Login, 1.0, Trouble::Silence))
///     .build();
/// let error = wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Timeout); // the fault kept silent, and the timeout is outside it
/// # });
/// ```
#[must_use = "a builder does nothing until it is built"]
pub struct Builder {
    inner: Arc<dyn Invoke>,
    own: Vec<Box<dyn Layer>>,
    trace: bool,
    record: Option<Record>,
    timeout: Option<Timeout>,
    fault: Option<Fault>,
}

impl Builder {
    pub(crate) fn new(inner: Arc<dyn Invoke>) -> Self {
        Self { inner, own: Vec::new(), trace: false, record: None, timeout: None, fault: None }
    }

    /// A span for every call: see [`Trace`].
    pub fn trace(mut self) -> Self {
        self.trace = true;
        self
    }

    /// Writes down every call, answer and event: see [`Record`].
    pub fn record(mut self, record: Record) -> Self {
        self.record = Some(record);
        self
    }

    /// Ends calls that take too long: see [`Timeout`]. Without it a call waits as long as the backend takes.
    pub fn timeout(mut self, timeout: Timeout) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Breaks calls on purpose: see [`Fault`].
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// A layer of the host's own, outside all others. The first one added is the outermost.
    ///
    /// ```
    /// # use async_trait::async_trait;
    /// # use wx_api::{Host, login::LoginRequest};
    /// use std::sync::{
    ///     Arc,
    ///     atomic::{AtomicU64, Ordering},
    /// };
    ///
    /// use wx_api::{ApiSet, Call, Cx, EventSender, Invoke, Layer, Reply, Result};
    /// use wx_host::Wx;
    ///
    /// /// Counts the calls that come by.
    /// #[derive(Clone, Default)]
    /// struct CountCalls(Arc<AtomicU64>);
    ///
    /// impl Layer for CountCalls {
    ///     fn wrap(&self, inner: Arc<dyn Invoke>) -> Arc<dyn Invoke> {
    ///         Arc::new(Counted { inner, calls: self.0.clone() })
    ///     }
    /// }
    ///
    /// struct Counted {
    ///     inner: Arc<dyn Invoke>,
    ///     calls: Arc<AtomicU64>,
    /// }
    ///
    /// #[async_trait]
    /// impl Invoke for Counted {
    ///     async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
    ///         self.calls.fetch_add(1, Ordering::Relaxed);
    ///         self.inner.invoke(cx, call).await
    ///     }
    ///     fn supported(&self) -> ApiSet {
    ///         self.inner.supported()
    ///     }
    ///     fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {
    ///         self.inner.subscribe(cx, out)
    ///     }
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let count = CountCalls::default();
    /// let wx = Wx::builder(Host::default()).layer(count.clone()).build();
    /// let _ = wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await;
    /// assert_eq!(count.0.load(Ordering::Relaxed), 1);
    /// # });
    /// ```
    pub fn layer(mut self, layer: impl Layer + 'static) -> Self {
        self.own.push(Box::new(layer));
        self
    }

    /// The finished stack.
    pub fn build(self) -> Wx {
        let mut stack = self.inner;
        if let Some(fault) = self.fault {
            stack = fault.wrap(stack);
        }
        stack = Gate.wrap(stack);
        if let Some(timeout) = self.timeout {
            stack = timeout.wrap(stack);
        }
        if let Some(record) = self.record {
            stack = record.wrap(stack);
        }
        if self.trace {
            stack = Trace.wrap(stack);
        }
        Wx::over(self.own.iter().rev().fold(stack, |stack, layer| layer.wrap(stack)))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("own", &self.own.len())
            .field("trace", &self.trace)
            .field("record", &self.record.is_some())
            .field("timeout", &self.timeout.is_some())
            .field("fault", &self.fault.is_some())
            .finish_non_exhaustive()
    }
}
