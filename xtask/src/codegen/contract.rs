//! The contract as codegen reads it: the domain files of `wx-api`, parsed and checked.

use std::{collections::BTreeMap, fs, path::Path};

use syn::{FnArg, ImplItem, Item, ItemEnum, ItemImpl, ItemStruct, ItemTrait, TraitItem, Type};

use super::syntax::{
    camel_case, docs, facts, find_impl, generic, has_method, lower_camel_case, one_of, option, params_since, scopes,
    serde_words, snake_case, type_name,
};
use crate::Result;

/// Everything the domain files declare.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) domains: Vec<Domain>,
    /// Domains that scripts cannot reach: those of the server side.
    pub(crate) server_domains: Vec<Domain>,
    /// The names of the scopes and what they cover.
    pub(crate) scopes: Vec<(String, String)>,
    structs: BTreeMap<String, ItemStruct>,
    enums: BTreeMap<String, ItemEnum>,
}

/// One domain: a file and its trait.
#[derive(Debug)]
pub(crate) struct Domain {
    /// The name of the file, and of the field in `Host`.
    pub(crate) name: String,
    /// The name of the trait.
    pub(crate) trait_name: String,
    /// The first line of the file's documentation.
    pub(crate) summary: String,
    /// The documentation of the trait.
    pub(crate) docs: String,
    pub(crate) apis: Vec<ApiDef>,
    pub(crate) events: Vec<EventDef>,
}

/// One API.
#[derive(Debug)]
pub(crate) struct ApiDef {
    /// `GetHceState`: the request without `Request`.
    pub(crate) variant: String,
    /// `get_hce_state`.
    pub(crate) method: String,
    pub(crate) request: String,
    pub(crate) result: String,
    /// `getHCEState`.
    pub(crate) name: String,
    pub(crate) since: Triple,
    /// The variant of `Scope`.
    pub(crate) scope: Option<String>,
    pub(crate) effect: String,
    pub(crate) err_code: bool,
    pub(crate) docs: String,
    pub(crate) params: Vec<Field>,
    pub(crate) fields: Vec<Field>,
}

/// One event.
#[derive(Debug)]
pub(crate) struct EventDef {
    /// `HceMessage`.
    pub(crate) payload: String,
    /// `on_hce_message`.
    pub(crate) method: String,
    pub(crate) on: String,
    pub(crate) off: String,
    pub(crate) since: Triple,
    pub(crate) docs: String,
    pub(crate) fields: Vec<Field>,
}

/// A version, by its numbers.
pub(crate) type Triple = (u16, u16, u16);

/// A field of a request, result or event, as a script sees it.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) ty: FieldType,
    pub(crate) required: bool,
    /// The first base library that has it, if that is not its API's.
    pub(crate) since: Option<Triple>,
    pub(crate) docs: String,
}

impl Field {
    /// Its documentation on one line, with its first base library where that is not its API's.
    pub(crate) fn about(&self) -> String {
        let docs = self.docs.replace('\n', " ");
        self.since.map_or_else(|| docs.clone(), |(major, minor, patch)| format!("{docs} Since {major}.{minor}.{patch}."))
    }
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldType {
    String,
    Number,
    Boolean,
    Buffer,
    /// An enum of texts: its texts, and whether others are let through.
    OneOf {
        texts: Vec<String>,
        open: bool,
    },
    Array(Box<FieldType>),
    /// A map from an enum of texts.
    Map(Box<FieldType>, Box<FieldType>),
    /// A struct of the contract.
    Object(Vec<(String, Box<FieldType>, bool)>),
}

impl Contract {
    /// Reads every domain file below `src`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or parsed, or a declaration that does not follow the conventions: the message names file and
    /// item.
    pub(crate) fn read(src: &Path) -> Result<Self> {
        let lib =
            fs::read_to_string(src.join("lib.rs")).map_err(|error| format!("{}: {error}", src.join("lib.rs").display()))?;
        let lib = syn::parse_file(&lib).map_err(|error| format!("lib.rs: {error}"))?;
        let names: Vec<String> = lib
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Mod(module) if module.content.is_none() && src.join(format!("{}.rs", module.ident)).is_file() => {
                    Some(module.ident.to_string())
                }
                _ => None,
            })
            .collect();
        let mut contract = Self {
            domains: Vec::new(),
            server_domains: Vec::new(),
            scopes: Vec::new(),
            structs: BTreeMap::new(),
            enums: BTreeMap::new(),
        };
        let mut files = Vec::new();
        for name in names {
            let path = src.join(format!("{name}.rs"));
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let file =
                syn::parse_file(&text).map_err(|error| format!("{}:{}: {error}", path.display(), error.span().start().line))?;
            for item in &file.items {
                match item {
                    Item::Struct(item) => drop(contract.structs.insert(item.ident.to_string(), item.clone())),
                    Item::Enum(item) => drop(contract.enums.insert(item.ident.to_string(), item.clone())),
                    _ => {}
                }
            }
            files.push((name, file));
        }
        for (name, file) in files {
            let Some(item) = file.items.iter().find_map(|item| match item {
                Item::Trait(item) => Some(item),
                _ => None,
            }) else {
                return Err(format!("{name}.rs: a domain file declares one trait").into());
            };
            let domain = contract.domain(&name, item, &file).map_err(|error| format!("{name}.rs: {error}"))?;
            // A trait that says what it supports is one that scripts can reach.
            if has_method(item, "supported") { &mut contract.domains } else { &mut contract.server_domains }.push(domain);
        }
        contract.scopes = contract.enums.get("Scope").map(scopes).unwrap_or_default();
        Ok(contract)
    }

    fn domain(&self, name: &str, item: &ItemTrait, file: &syn::File) -> Result<Domain> {
        let mut domain = Domain {
            name: name.to_owned(),
            trait_name: item.ident.to_string(),
            summary: docs(&file.attrs).lines().next().unwrap_or_default().to_owned(),
            docs: docs(&item.attrs),
            apis: Vec::new(),
            events: Vec::new(),
        };
        if !has_method(item, "supported") {
            return Ok(domain);
        }
        for method in &item.items {
            let TraitItem::Fn(method) = method else { continue };
            let ident = method.sig.ident.to_string();
            let last = match method.sig.inputs.iter().last() {
                Some(FnArg::Typed(arg)) => type_name(&arg.ty),
                _ => None,
            };
            match last.as_deref() {
                Some("EventSender") => domain.events.push(self.event(&ident, docs(&method.attrs), file)?),
                Some(request) if request.ends_with("Request") => {
                    domain.apis.push(self.api(&ident, request, docs(&method.attrs), file)?);
                }
                _ if ident == "supported" => {}
                _ => return Err(format!("{ident}: a method takes a `..Request` or an `EventSender` last").into()),
            }
            if method.default.is_none() && ident != "supported" {
                return Err(format!("{ident}: give it the default body that answers `not supported`").into());
            }
        }
        Ok(domain)
    }

    fn api(&self, method: &str, request: &str, docs: String, file: &syn::File) -> Result<ApiDef> {
        let item =
            find_impl(file, "Request", request).ok_or_else(|| format!("{request}: `impl Request for {request}` is missing"))?;
        let result = item
            .items
            .iter()
            .find_map(|item| match item {
                ImplItem::Type(item) if item.ident == "Reply" => type_name(&item.ty),
                _ => None,
            })
            .ok_or_else(|| format!("{request}: `type Reply` is missing"))?;
        let facts = facts(item).ok_or_else(|| format!("{request}: `const FACTS: Facts = Facts {{ .. }}` is missing"))?;
        let variant = request.trim_end_matches("Request").to_owned();
        if snake_case(&variant) != method {
            return Err(format!("{method}: its request must be called {}Request", camel_case(method)).into());
        }
        Ok(ApiDef {
            method: method.to_owned(),
            name: facts.text("name").ok_or_else(|| format!("{request}: FACTS.name must be a string"))?,
            since: facts.version("since").ok_or_else(|| format!("{request}: FACTS.since must be Version(a, b, c)"))?,
            scope: facts.scope(),
            effect: facts.last_segment("effect").ok_or_else(|| format!("{request}: FACTS.effect must be an Effect"))?,
            err_code: facts.boolean("err_code").ok_or_else(|| format!("{request}: FACTS.err_code must be true or false"))?,
            docs,
            params: self.params(request, item)?,
            fields: self.fields(&result)?,
            request: request.to_owned(),
            result,
            variant,
        })
    }

    fn params(&self, request: &str, item: &ItemImpl) -> Result<Vec<Field>> {
        let mut params = self.fields(request)?;
        let since = params_since(item)
            .ok_or_else(|| format!("{request}: PARAMS_SINCE must be a list of pairs (\"name\", Version(a, b, c))"))?;
        for (name, version) in since {
            let param = params.iter_mut().find(|param| param.name == name);
            param.ok_or_else(|| format!("{request}: PARAMS_SINCE names `{name}`, which is no parameter"))?.since =
                Some(version);
        }
        Ok(params)
    }

    fn event(&self, method: &str, docs: String, file: &syn::File) -> Result<EventDef> {
        let payload = camel_case(method.trim_start_matches("on_"));
        let item = find_impl(file, "EventType", &payload)
            .ok_or_else(|| format!("{method}: `impl EventType for {payload}` is missing"))?;
        let facts =
            facts(item).ok_or_else(|| format!("{payload}: `const FACTS: EventFacts = EventFacts {{ .. }}` is missing"))?;
        let text = |key: &str| facts.text(key).ok_or_else(|| format!("{payload}: FACTS.{key} must be a string"));
        Ok(EventDef {
            method: method.to_owned(),
            on: text("on")?,
            off: text("off")?,
            since: facts.version("since").ok_or_else(|| format!("{payload}: FACTS.since must be Version(a, b, c)"))?,
            docs,
            fields: self.fields(&payload)?,
            payload,
        })
    }

    fn fields(&self, name: &str) -> Result<Vec<Field>> {
        let item = self.structs.get(name).ok_or_else(|| format!("{name}: no such struct in the domain files"))?;
        let camel = serde_words(&item.attrs).iter().any(|word| word == "rename_all=camelCase");
        let all_default = serde_words(&item.attrs).iter().any(|word| word == "default");
        item.fields
            .iter()
            .map(|field| {
                let ident = field.ident.as_ref().ok_or_else(|| format!("{name}: fields need names"))?.to_string();
                let words = serde_words(&field.attrs);
                let renamed = words.iter().find_map(|word| word.strip_prefix("rename=").map(str::to_owned));
                let script_name = renamed.unwrap_or_else(|| if camel { lower_camel_case(&ident) } else { ident.clone() });
                let (ty, optional) = option(&field.ty);
                let ty = self.field_type(ty).ok_or_else(|| format!("{name}.{ident}: codegen does not know this type"))?;
                let required = !(optional || all_default || words.iter().any(|word| word == "default"));
                Ok(Field { name: script_name, ty, required, since: None, docs: docs(&field.attrs) })
            })
            .collect()
    }

    fn field_type(&self, ty: &Type) -> Option<FieldType> {
        let name = type_name(ty)?;
        Some(match name.as_str() {
            "String" => FieldType::String,
            "bool" => FieldType::Boolean,
            "Bytes" => FieldType::Buffer,
            "u8" | "u16" | "u32" | "u64" | "i32" | "i64" | "f64" => FieldType::Number,
            "Vec" => FieldType::Array(Box::new(self.field_type(generic(ty, 0)?)?)),
            "BTreeMap" => {
                FieldType::Map(Box::new(self.field_type(generic(ty, 0)?)?), Box::new(self.field_type(generic(ty, 1)?)?))
            }
            _ => match (self.enums.get(&name), self.structs.contains_key(&name)) {
                (Some(item), _) => one_of(item),
                (None, true) => FieldType::Object(
                    self.fields(&name).ok()?.into_iter().map(|f| (f.name, Box::new(f.ty), f.required)).collect(),
                ),
                (None, false) => return None,
            },
        })
    }
}
