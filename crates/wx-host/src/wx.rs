use std::{fmt, future::Future, sync::Arc};

use wx_api::{Api, ApiSet, Call, Cx, Error, EventStream, Invoke, Reply, Request, Result, event_channel};

use crate::{Answer, Builder, Callbacks, callbacks::Owed, edge};

/// The mini-program API of one host, as a runtime calls it. Cheap to clone.
#[derive(Clone)]
pub struct Wx {
    stack: Arc<dyn Invoke>,
}

impl Wx {
    /// Puts layers around a backend, usually a [`wx_api::Host`].
    pub fn builder(inner: impl Invoke + 'static) -> Builder {
        Builder::new(Arc::new(inner))
    }

    pub(crate) fn over(stack: Arc<dyn Invoke>) -> Self {
        Self { stack }
    }

    /// Calls an API with its own request and result types. Dropping the future breaks the call off.
    ///
    /// ```
    /// # use wx_api::{Cx, ErrorKind, Host, login::LoginRequest};
    /// # use wx_host::Wx;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let wx = Wx::builder(Host::default()).build();
    /// let error = wx.call(&Cx::new("wx4f4bc4dec97d474b"), LoginRequest::default()).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// # });
    /// ```
    ///
    /// # Errors
    ///
    /// What the API documents; [`Unsupported`](wx_api::ErrorKind::Unsupported) when the profile or the backend does not have it.
    pub async fn call<R: Request>(&self, cx: &Cx, req: R) -> Result<R::Reply> {
        let call = req.into();
        admit(cx, call.api())?;
        self.stack.invoke(cx, call).await?.try_into()
    }

    /// Calls whatever API a [`Call`] is of: what a link or another binding carries.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn invoke(&self, cx: &Cx, call: Call) -> Result<Reply> {
        admit(cx, call.api())?;
        self.stack.invoke(cx, call).await
    }

    /// Calls an API by the name and with the arguments of a script, and answers the object its callbacks get.
    ///
    /// It never fails: the answer says whether the call did. `args` is the JSON text of the one argument a script passes.
    ///
    /// ```
    /// # use wx_api::{Cx, Host};
    /// # use wx_host::Wx;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let wx = Wx::builder(Host::default()).build();
    /// let answer = wx.call_json(&Cx::new("wx4f4bc4dec97d474b"), "authorize", r#"{"scope": 5}"#).await;
    /// assert!(!answer.is_ok());
    /// assert_eq!(
    ///     answer.json(),
    ///     r#"{"errMsg":"authorize:fail parameter error: parameter.scope should be String instead of Number;"}"#
    /// );
    /// # });
    /// ```
    ///
    /// # Behavior
    ///
    /// - a success has `errMsg` `<api>:ok` beside the fields of the result (`conventions::success_says_api_ok`)
    /// - a failure has `errMsg` `<api>:fail <reason>` (`conventions::failure_says_api_fail_and_why`)
    /// - a success has `errCode` only where the API documents one (`conventions::err_code_only_where_documented`), and there it is
    ///   0 (`conventions::err_code_is_0_on_success`)
    /// - a failure has `errCode` where there is a code for its reason, a bad parameter included, and else none
    ///   (`conventions::err_code_comes_with_failures_that_have_one`)
    /// - every API answers in its own name (`conventions::every_api_answers_its_own_name`)
    /// - a name that is no API answers `<name>:fail not supported` (`conventions::unknown_api_is_not_supported`), and so does an
    ///   API newer than the profile (`conventions::api_newer_than_the_profile_is_not_supported`)
    /// - a required parameter that is missing is `Undefined` (`conventions::missing_parameter_is_undefined`)
    /// - a parameter of the wrong type is named with both types, be it `String`, `Number`, `Boolean`, `Array` or `ArrayBuffer`
    ///   that was wanted (`conventions::wrong_type_is_named`)
    /// - `null` for a required parameter is named as `Null` (`conventions::null_is_named`)
    /// - a wrong element of an array is named with its index (`conventions::wrong_element_type_is_named`)
    /// - of several wrong parameters the first in the order of the page is named (`conventions::first_wrong_parameter_is_named`)
    /// - a number out of range is told the range (`conventions::number_out_of_range_says_the_range`)
    /// - arguments that are no object are a parameter error (`conventions::arguments_must_be_an_object`), and so are arguments
    ///   that are no JSON (`conventions::malformed_json_is_a_parameter_error`)
    /// - arguments nested too deep are refused (`conventions::deep_nesting_is_refused`)
    /// - empty arguments, `null` and `undefined` are an empty object (`conventions::no_arguments_are_fine`)
    /// - fields that are no parameters are ignored (`conventions::unknown_fields_are_ignored`)
    /// - a parameter error never reaches the layers or the backend (`conventions::bad_parameter_never_reaches_the_backend`)
    /// - binary is `{"base64": ".."}` (`conventions::binary_is_base64_in_an_object`); a bare string is no `ArrayBuffer`
    ///   (`conventions::string_is_no_array_buffer`)
    /// - bad base64 is a parameter error that says so (`conventions::bad_base64_is_a_parameter_error`)
    /// - a scope the user refused answers `fail auth deny` as the profile writes it (`conventions::denied_scope_says_auth_deny`)
    /// - what the user cancels answers `fail cancel` (`conventions::cancel_says_fail_cancel`)
    /// - the typed way and this one answer the same (`conventions::typed_and_json_agree`)
    /// - calls do not wait for one another (`conventions::a_thousand_calls_at_once_all_answer`)
    pub async fn call_json(&self, cx: &Cx, name: &str, args: &str) -> Answer {
        let Some(api) = Api::from_name(name) else { return Answer::unknown(name) };
        let result = match admit(cx, api).and_then(|()| edge::read_json(api, args)) {
            Ok(call) => self.stack.invoke(cx, call).await,
            Err(error) => Err(error),
        };
        Answer::new(api, result)
    }

    /// Calls as [`call_json`](Self::call_json) does and runs the callbacks with the answer.
    ///
    /// The future borrows nothing, so a runtime can spawn it. Whatever becomes of it, the script has its answer: a runtime that
    /// is shut down before the task ran at all drops it, and that runs `fail` and `complete`.
    ///
    /// ```
    /// # use wx_api::{Cx, Host};
    /// # use wx_host::{Callbacks, Wx};
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (wx, cx) = (Wx::builder(Host::default()).build(), Cx::new("wx4f4bc4dec97d474b"));
    /// let (sender, receiver) = tokio::sync::oneshot::channel();
    /// let callbacks = Callbacks::new().success(|_| unreachable!("there is no backend")).complete(|result| {
    ///     sender.send(result.to_owned()).expect("the script still waits");
    /// });
    /// tokio::spawn(wx.call_back(&cx, "login", "{}", callbacks));
    /// assert_eq!(receiver.await.unwrap(), r#"{"errMsg":"login:fail not supported"}"#);
    /// # });
    /// ```
    ///
    /// # Behavior
    ///
    /// - a call broken off before its answer, even before it began, runs `fail`, then `complete`, with `<api>:fail abort`; there
    ///   is one terminal answer, always (`conventions::one_terminal_answer_when_broken_off`)
    /// - a callback that throws harms neither the next one nor another call (`conventions::throwing_callback_harms_no_other`)
    pub fn call_back(&self, cx: &Cx, name: &str, args: &str, callbacks: Callbacks) -> impl Future<Output = ()> + Send + use<> {
        // Made before the future is: one that is dropped unpolled owes its script an answer, too.
        let owed = Owed::new(name, callbacks);
        let (wx, cx, args) = (self.clone(), cx.clone(), args.to_owned());
        async move {
            let answer = wx.call_json(&cx, owed.name(), &args).await;
            owed.pay(&answer);
        }
    }

    /// Listens to events. Dropping the stream is `off`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use async_trait::async_trait;
    /// # use wx_api::{ApiSet, EventHub, EventSender, Host, Result, hce::Hce};
    /// use wx_api::{Api, Cx, Event, hce::HceMessage};
    /// # use wx_host::Wx;
    ///
    /// # #[derive(Default)]
    /// # struct Reader(EventHub);
    /// # #[async_trait]
    /// # impl Hce for Reader {
    /// #     fn supported(&self) -> ApiSet { Api::OnHceMessage.into() }
    /// #     fn on_hce_message(&self, _: &Cx, out: EventSender) -> Result<()> { self.0.add(out); Ok(()) }
    /// # }
    /// # let reader = Arc::new(Reader::default());
    /// # let wx = Wx::builder(Host { hce: Some(reader.clone()), ..Host::default() }).build();
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let mut events = wx.subscribe(&Cx::new("wx4f4bc4dec97d474b"), Api::OnHceMessage)?;
    /// # reader.0.send(&HceMessage::command(vec![0x00, 0xa4]).into());
    /// match events.next().await {
    ///     Some(Ok(Event::HceMessage(message))) => assert_eq!(message.message_type, 1),
    ///     Some(Ok(_)) => unreachable!("it did not ask for others"),
    ///     Some(Err(lagged)) => eprintln!("{lagged}"),
    ///     None => eprintln!("the backend has gone"),
    /// }
    /// # Ok::<(), wx_api::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](wx_api::ErrorKind::Unsupported) in the name of the first that is no event, or that the profile or the
    /// backend does not have.
    pub fn subscribe(&self, cx: &Cx, events: impl Into<ApiSet>) -> Result<EventStream> {
        let events = events.into();
        let apis = cx.profile().apis();
        if let Some(api) = events.iter().find(|&api| api.event_facts().is_none() || !apis.contains(api)) {
            return Err(Error::unsupported(api));
        }
        let (sender, stream) = event_channel(events);
        self.stack.subscribe(cx, sender)?;
        Ok(stream)
    }

    /// The APIs and events that are there: those the backend does and the profile has. What `canIUse` answers from.
    pub fn supported(&self, cx: &Cx) -> ApiSet {
        self.stack.supported() & cx.profile().apis()
    }
}

/// Lets calls of the profile's APIs pass. Events are not called.
fn admit(cx: &Cx, api: Api) -> Result<()> {
    if cx.profile().apis().contains(api) && api.facts().is_some() { Ok(()) } else { Err(Error::unsupported(api)) }
}

impl fmt::Debug for Wx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wx").field("supported", &self.stack.supported()).finish_non_exhaustive()
    }
}
