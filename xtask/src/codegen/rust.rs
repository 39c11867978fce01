//! The derived Rust: names and tables, `Call`, `Reply`, `Event`, the router.

use std::fmt::Write;

use super::{
    contract::{ApiDef, Contract, Domain, EventDef, Field, FieldType, Triple},
    syntax::camel_case,
};

const HEADER: &str = "// Derived by `cargo xtask codegen` from the domain files. Do not edit.\n\n";

/// Path and text of every derived Rust file.
pub(crate) fn files(contract: &Contract) -> Vec<(&'static str, String)> {
    vec![
        ("crates/wx-api/src/generated/mod.rs", module()),
        ("crates/wx-api/src/generated/api.rs", api(contract)),
        ("crates/wx-api/src/generated/call.rs", call(contract)),
        ("crates/wx-api/src/generated/reply.rs", reply(contract)),
        ("crates/wx-api/src/generated/event.rs", event(contract)),
        ("crates/wx-api/src/generated/host.rs", host(contract)),
    ]
}

fn module() -> String {
    format!(
        "{HEADER}//! What is derived from the domain files.

         mod api; mod call; mod event; mod host; mod reply;

         pub use self::{{api::Api, call::Call, event::Event, host::Host, reply::Reply}};"
    )
}

fn api(contract: &Contract) -> String {
    let (mut variants, mut all, mut names, mut since, mut facts, mut params, mut fields, mut domains) = Default::default();
    for domain in &contract.domains {
        for api in &domain.apis {
            let (v, d, r) = (&api.variant, &domain.name, &api.request);
            put(
                &mut variants,
                format!(
                    "/// `wx.{}`: [`{}::{}`](crate::{d}::{}::{}).\n{v},",
                    api.name, domain.trait_name, api.method, domain.trait_name, api.method
                ),
            );
            put(&mut all, format!("Self::{v},"));
            put(&mut names, format!("Self::{v} => {:?},", api.name));
            put(&mut since, format!("Self::{v} => {d}::{r}::FACTS.since,"));
            put(&mut facts, format!("Self::{v} => Some(&{d}::{r}::FACTS),"));
            put(
                &mut params,
                format!("Self::{v} => &[{}],", api.params.iter().map(|field| param(field, api.since)).collect::<String>()),
            );
            put(&mut fields, format!("Self::{v} => &{:?},", field_names(&api.fields)));
            put(&mut domains, format!("Self::{v} => {d:?},"));
        }
        for event in &domain.events {
            let (v, d, p) = (event_variant(event), &domain.name, &event.payload);
            put(
                &mut variants,
                format!(
                    "/// `wx.{}`: [`{}::{}`](crate::{d}::{}::{}).\n{v},",
                    event.on, domain.trait_name, event.method, domain.trait_name, event.method
                ),
            );
            put(&mut all, format!("Self::{v},"));
            put(&mut names, format!("Self::{v} => {:?},", event.on));
            put(&mut since, format!("Self::{v} => {d}::{p}::FACTS.since,"));
            put(&mut facts, format!("Self::{v} => None,"));
            put(&mut params, format!("Self::{v} => &[],"));
            put(&mut fields, format!("Self::{v} => &{:?},", field_names(&event.fields)));
            put(&mut domains, format!("Self::{v} => {d:?},"));
        }
    }
    let bad_parameter: String = all_apis(contract)
        .filter(|(_, api)| !api.params.is_empty())
        .map(|(domain, api)| {
            format!("Self::{} => {}::{}::bad_parameter(parameter, error),", api.variant, domain.name, api.request)
        })
        .collect();
    let by_name: String = all_apis(contract)
        .map(|(_, api)| format!("{:?} => Self::{},", api.name, api.variant))
        .chain(all_events(contract).map(|(_, event)| format!("{:?} => Self::{},", event.on, event_variant(event))))
        .collect();
    let event_facts: String = all_events(contract)
        .map(|(domain, event)| format!("Self::{} => Some(&{}::{}::FACTS),", event_variant(event), domain.name, event.payload))
        .collect();
    format!(
        "{HEADER}use crate::{{Error, EventFacts, EventType, Facts, JsType, Param, Request, Version, {}}};

        /// Every API and event of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Api {{ {variants} }}

        impl Api {{
            /// Every API and event, in the order of the contract.
            pub const ALL: &'static [Self] = &[{all}];

            /// The name scripts use.
            pub const fn name(self) -> &'static str {{ match self {{ {names} }} }}

            /// The API or event that scripts call by this name.
            pub fn from_name(name: &str) -> Option<Self> {{
                Some(match name {{ {by_name} _ => return None }})
            }}

            /// The domain it belongs to: the name of its file and of its field in [`Host`](crate::Host).
            pub const fn domain(self) -> &'static str {{ match self {{ {domains} }} }}

            /// The first base library that has it.
            pub const fn since(self) -> Version {{ match self {{ {since} }} }}

            /// The facts of an API; `None` for an event.
            pub const fn facts(self) -> Option<&'static Facts> {{ match self {{ {facts} }} }}

            /// The facts of an event; `None` for an API.
            pub const fn event_facts(self) -> Option<&'static EventFacts> {{ match self {{ {event_facts} _ => None }} }}

            /// The parameters of an API as scripts see them.
            pub const fn params(self) -> &'static [Param] {{ match self {{ {params} }} }}

            /// The names of the fields that a successful answer has, or of those of an event. A field inside another is named
            /// after it, as in `userInfo.nickName`.
            pub const fn fields(self) -> &'static [&'static str] {{ match self {{ {fields} }} }}

            /// Adds to a parameter error what the page of this API documents for it: see
            /// [`Request::bad_parameter`](crate::Request::bad_parameter).
            pub fn bad_parameter(self, parameter: &str, error: Error) -> Error {{
                match self {{ {bad_parameter} _ => error }}
            }}
        }}",
        domain_names(contract)
    )
}

/// The names of fields, and of those inside them as `userInfo.nickName`.
fn field_names(fields: &[Field]) -> Vec<String> {
    let mut names = Vec::new();
    for field in fields {
        names.push(field.name.clone());
        if let FieldType::Object(inner) = &field.ty {
            names.extend(inner.iter().map(|(name, ..)| format!("{}.{name}", field.name)));
        }
    }
    names
}

fn param(field: &Field, api_since: Triple) -> String {
    let (name, ty, required) = (&field.name, js_type(&field.ty), field.required);
    let (major, minor, patch) = field.since.unwrap_or(api_since);
    format!("Param {{ name: {name:?}, ty: {ty}, required: {required}, since: Version({major}, {minor}, {patch}) }},")
}

fn js_type(ty: &FieldType) -> String {
    match ty {
        FieldType::String | FieldType::OneOf { open: true, .. } => "JsType::String".to_owned(),
        FieldType::OneOf { texts, open: false } => format!("JsType::OneOf(&{texts:?})"),
        FieldType::Number => "JsType::Number".to_owned(),
        FieldType::Boolean => "JsType::Boolean".to_owned(),
        FieldType::Buffer => "JsType::ArrayBuffer".to_owned(),
        FieldType::Array(element) => format!("JsType::Array(&{})", js_type(element)),
        FieldType::Map(..) | FieldType::Object(..) => "JsType::Object".to_owned(),
    }
}

fn call(contract: &Contract) -> String {
    let (mut variants, mut apis, mut read, mut timeouts, mut from) = Default::default();
    for (domain, api) in all_apis(contract) {
        let (v, path) = (&api.variant, format!("{}::{}", domain.name, api.request));
        put(&mut variants, format!("/// `wx.{}`.\n{v}({path}),", api.name));
        put(&mut apis, format!("Self::{v}(_) => Api::{v},"));
        put(&mut read, format!("Api::{v} => {path}::deserialize(args).map(Self::{v}),"));
        if api.params.iter().any(|param| param.name == "timeout") {
            put(&mut timeouts, format!("Self::{v}(req) => req.timeout.map(|ms| Duration::from_millis(ms.into())),"));
        }
        put(&mut from, format!("impl From<{path}> for Call {{ fn from(req: {path}) -> Self {{ Self::{v}(req) }} }}"));
    }
    format!(
        "{HEADER}use std::time::Duration;

        use serde::{{Deserialize, Deserializer, Serialize, de::Error as _}};

        use crate::{{Api, {}}};

        /// A call of any API: what layers, links and bindings carry. Serialises as its parameters alone.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Call {{ {variants} }}

        impl Call {{
            /// The API it calls.
            pub fn api(&self) -> Api {{ match self {{ {apis} }} }}

            /// Reads the parameters of `api`.
            ///
            /// # Errors
            ///
            /// Parameters of another shape, or an event, which cannot be called.
            pub fn deserialize<'de, D: Deserializer<'de>>(api: Api, args: D) -> Result<Self, D::Error> {{
                match api {{ {read} _ => Err(D::Error::custom(format_args!(\"{{}} is an event\", api.name()))) }}
            }}

            /// How long the caller itself said it would wait.
            pub fn timeout(&self) -> Option<Duration> {{ match self {{ {timeouts} _ => None }} }}
        }}

        {from}",
        domain_names(contract)
    )
}

fn reply(contract: &Contract) -> String {
    let (mut variants, mut apis, mut read, mut from) = Default::default();
    for (domain, api) in all_apis(contract) {
        let (v, path) = (&api.variant, format!("{}::{}", domain.name, api.result));
        let (ty, wrap, unwrap) = match size(&api.fields) {
            ..=LARGE => (path.clone(), "result", "result"),
            _ => (format!("Box<{path}>"), "Box::new(result)", "*result"),
        };
        put(&mut variants, format!("/// `wx.{}`.\n{v}({ty}),", api.name));
        put(&mut apis, format!("Self::{v}(_) => Api::{v},"));
        put(&mut read, format!("Api::{v} => <{ty}>::deserialize(result).map(Self::{v}),"));
        put(
            &mut from,
            format!(
                "impl From<{path}> for Reply {{ fn from(result: {path}) -> Self {{ Self::{v}({wrap}) }} }}

                impl TryFrom<Reply> for {path} {{
                    type Error = Error;
                    fn try_from(reply: Reply) -> Result<Self, Error> {{
                        match reply {{ Reply::{v}(result) => Ok({unwrap}), other => Err(other.instead_of(Api::{v})) }}
                    }}
                }}"
            ),
        );
    }
    format!(
        "{HEADER}use serde::{{Deserialize, Deserializer, Serialize, de::Error as _}};

        use crate::{{Api, Error, {}}};

        /// The result of any API. Serialises as its fields alone. Large results are boxed, so that every layer moves little.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Reply {{ {variants} }}

        impl Reply {{
            /// The API it answers.
            pub fn api(&self) -> Api {{ match self {{ {apis} }} }}

            /// Reads a result of `api`.
            ///
            /// # Errors
            ///
            /// A result of another shape, or an event, which has none.
            pub fn deserialize<'de, D: Deserializer<'de>>(api: Api, result: D) -> Result<Self, D::Error> {{
                match api {{ {read} _ => Err(D::Error::custom(format_args!(\"{{}} is an event\", api.name()))) }}
            }}

            fn instead_of(&self, api: Api) -> Error {{
                Error::internal(api, format_args!(\"the backend answered with a result of {{}}\", self.api().name()))
            }}
        }}

        {from}",
        domain_names(contract)
    )
}

/// Results of more than this many bytes are boxed in `Reply`: every layer moves one, and most are small.
const LARGE: usize = 48;

/// About how many bytes the fields take.
fn size(fields: &[Field]) -> usize {
    fn of(ty: &FieldType) -> usize {
        match ty {
            FieldType::Boolean | FieldType::OneOf { .. } => 1,
            FieldType::Number => 8,
            FieldType::String | FieldType::Array(_) | FieldType::Map(..) => 24,
            FieldType::Buffer => 32,
            FieldType::Object(fields) => fields.iter().map(|(_, ty, _)| of(ty)).sum(),
        }
    }
    fields.iter().map(|field| of(&field.ty)).sum()
}

fn event(contract: &Contract) -> String {
    let (mut variants, mut apis, mut policies, mut read, mut from) = Default::default();
    for (domain, event) in all_events(contract) {
        let (p, path) = (&event.payload, format!("{}::{}", domain.name, event.payload));
        put(&mut variants, format!("/// `wx.{}`.\n{p}({path}),", event.on));
        put(&mut apis, format!("Self::{p}(_) => Api::{},", event_variant(event)));
        put(&mut policies, format!("Self::{p}(_) => {path}::FACTS.policy,"));
        put(&mut read, format!("Api::{} => {path}::deserialize(payload).map(Self::{p}),", event_variant(event)));
        put(&mut from, format!("impl From<{path}> for Event {{ fn from(payload: {path}) -> Self {{ Self::{p}(payload) }} }}"));
    }
    let domains: Vec<&str> =
        contract.domains.iter().filter(|domain| !domain.events.is_empty()).map(|domain| domain.name.as_str()).collect();
    format!(
        "{HEADER}use serde::{{Deserialize, Deserializer, Serialize, de::Error as _}};

        use crate::{{Api, EventType, Policy, {}}};

        /// An event of any domain. Serialises as its payload alone.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum Event {{ {variants} }}

        impl Event {{
            /// The `on..` it is heard through.
            pub fn api(&self) -> Api {{ match self {{ {apis} }} }}

            /// What happens when a subscriber does not keep up.
            pub fn policy(&self) -> Policy {{ match self {{ {policies} }} }}

            /// Reads a payload of the event `api`.
            ///
            /// # Errors
            ///
            /// A payload of another shape, or an API that is no event.
            pub fn deserialize<'de, D: Deserializer<'de>>(api: Api, payload: D) -> Result<Self, D::Error> {{
                match api {{ {read} _ => Err(D::Error::custom(format_args!(\"{{}} is no event\", api.name()))) }}
            }}
        }}

        {from}",
        domains.join(", ")
    )
}

fn host(contract: &Contract) -> String {
    let (mut fields, mut supported, mut invoke, mut subscribe, mut debug) = Default::default();
    for domain in &contract.domains {
        let (name, path) = (&domain.name, format!("{}::{}", domain.name, domain.trait_name));
        put(&mut fields, format!("/// {}\npub {name}: Option<Arc<dyn {path}>>,", domain.summary));
        let apis: String = domain
            .apis
            .iter()
            .map(|api| api.variant.clone())
            .chain(domain.events.iter().map(event_variant))
            .map(|variant| format!("Api::{variant},"))
            .collect();
        put(
            &mut supported,
            format!("if let Some(domain) = &self.{name} {{ set = set | (domain.supported() & ApiSet::of(&[{apis}])); }}"),
        );
        put(&mut debug, format!(".field({name:?}, &self.{name}.is_some())"));
        for ApiDef { variant, method, .. } in &domain.apis {
            put(
                &mut invoke,
                format!(
                    "Call::{variant}(req) => match &self.{name} {{
                        Some(domain) => as_reply(domain.{method}(cx, req)),
                        None => unsupported(Api::{variant}),
                    }}"
                ),
            );
        }
        for event in &domain.events {
            let (variant, method) = (event_variant(event), &event.method);
            put(
                &mut subscribe,
                format!(
                    "if out.wants(Api::{variant}) {{
                        match &self.{name} {{
                            Some(domain) => domain.{method}(cx, out.clone())?,
                            None => return Err(Error::unsupported(Api::{variant})),
                        }}
                    }}"
                ),
            );
        }
    }
    format!(
        "{HEADER}use std::{{fmt, future::{{Future, ready}}, pin::Pin, sync::Arc}};

        use crate::{{Answering, Api, ApiSet, Call, Cx, Error, EventSender, Invoke, Reply, Result, {}}};

        /// A backend: one implementation per domain. A domain that is left out answers `<api>:fail not supported`.
        ///
        /// Take one backend and replace a part of it with another's: `Host {{ hce: Some(reader), ..backend }}`.
        #[derive(Clone, Default)]
        pub struct Host {{ {fields} }}

        impl Invoke for Host {{
            // Written out, so that a call costs one small allocation besides the domain's own.
            fn invoke<'s, 'c, 'a>(&'s self, cx: &'c Cx, call: Call) -> Answering<'a>
            where
                's: 'a,
                'c: 'a,
                Self: 'a,
            {{ match call {{ {invoke} }} }}

            fn supported(&self) -> ApiSet {{
                let mut set = ApiSet::NONE;
                {supported}
                set
            }}

            fn subscribe(&self, cx: &Cx, out: EventSender) -> Result<()> {{ {subscribe} Ok(()) }}
        }}

        fn as_reply<'a, T: Into<Reply> + 'a>(answering: Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>) -> Answering<'a> {{
            Box::pin(async move {{ answering.await.map(Into::into) }})
        }}

        fn unsupported<'a>(api: Api) -> Answering<'a> {{
            Box::pin(ready(Err(Error::unsupported(api))))
        }}

        impl fmt::Debug for Host {{
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {{
                f.debug_struct(\"Host\"){debug}.finish()
            }}
        }}",
        domain_names(contract)
    )
}

fn all_apis(contract: &Contract) -> impl Iterator<Item = (&Domain, &ApiDef)> {
    contract.domains.iter().flat_map(|domain| domain.apis.iter().map(move |api| (domain, api)))
}

fn all_events(contract: &Contract) -> impl Iterator<Item = (&Domain, &EventDef)> {
    contract.domains.iter().flat_map(|domain| domain.events.iter().map(move |event| (domain, event)))
}

fn domain_names(contract: &Contract) -> String {
    contract.domains.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// `on_hce_message` → `OnHceMessage`.
fn event_variant(event: &EventDef) -> String {
    camel_case(&event.method)
}

fn put(text: &mut String, line: impl AsRef<str>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", line.as_ref());
}
