//! The small questions codegen asks of parsed Rust: facts, documentation, serde's words, names.

use syn::{Attribute, Expr, ImplItem, Item, ItemEnum, ItemImpl, ItemTrait, Lit, Meta, PathArguments, TraitItem, Type};

use super::contract::{FieldType, Triple};

/// The struct literal of a `FACTS` constant.
pub(super) struct FactsLiteral<'a>(&'a syn::ExprStruct);

impl FactsLiteral<'_> {
    fn value(&self, key: &str) -> Option<&Expr> {
        self.0.fields.iter().find_map(|field| match &field.member {
            syn::Member::Named(ident) if ident == key => Some(&field.expr),
            _ => None,
        })
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        text(self.value(key)?)
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        match self.value(key)? {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Bool(value) => Some(value.value),
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn version(&self, key: &str) -> Option<Triple> {
        version(self.value(key)?)
    }

    pub(super) fn last_segment(&self, key: &str) -> Option<String> {
        let Expr::Path(path) = self.value(key)? else { return None };
        Some(path.path.segments.last()?.ident.to_string())
    }

    pub(super) fn scope(&self) -> Option<String> {
        let Expr::Call(some) = self.value("scope")? else { return None };
        let Expr::Path(path) = some.args.first()? else { return None };
        Some(path.path.segments.last()?.ident.to_string())
    }
}

pub(super) fn facts(item: &ItemImpl) -> Option<FactsLiteral<'_>> {
    item.items.iter().find_map(|item| match item {
        ImplItem::Const(item) if item.ident == "FACTS" => match &item.expr {
            Expr::Struct(literal) => Some(FactsLiteral(literal)),
            _ => None,
        },
        _ => None,
    })
}

/// The names and versions of a `PARAMS_SINCE` constant; none without one, nothing for one in another form.
pub(super) fn params_since(item: &ItemImpl) -> Option<Vec<(String, Triple)>> {
    let Some(expr) = item.items.iter().find_map(|item| match item {
        ImplItem::Const(item) if item.ident == "PARAMS_SINCE" => Some(&item.expr),
        _ => None,
    }) else {
        return Some(Vec::new());
    };
    let Expr::Reference(reference) = expr else { return None };
    let Expr::Array(list) = &*reference.expr else { return None };
    let pair = |element: &Expr| {
        let Expr::Tuple(pair) = element else { return None };
        Some((text(pair.elems.get(0)?)?, version(pair.elems.get(1)?)?))
    };
    list.elems.iter().map(pair).collect()
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// `Version(a, b, c)`.
fn version(expr: &Expr) -> Option<Triple> {
    let Expr::Call(call) = expr else { return None };
    let number = |arg: &Expr| match arg {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    };
    let numbers: Option<Vec<u16>> = call.args.iter().map(number).collect();
    match numbers?.as_slice() {
        &[major, minor, patch] => Some((major, minor, patch)),
        _ => None,
    }
}

pub(super) fn find_impl<'a>(file: &'a syn::File, trait_name: &str, type_ident: &str) -> Option<&'a ItemImpl> {
    file.items.iter().find_map(|item| match item {
        Item::Impl(item)
            if item.trait_.as_ref().is_some_and(|(path, _)| path.is_ident(trait_name))
                && type_name(&item.self_ty).as_deref() == Some(type_ident) =>
        {
            Some(item)
        }
        _ => None,
    })
}

pub(super) fn has_method(item: &ItemTrait, name: &str) -> bool {
    item.items.iter().any(|item| matches!(item, TraitItem::Fn(method) if method.sig.ident == name))
}

/// The name scripts use for each scope, and its documentation.
pub(super) fn scopes(item: &ItemEnum) -> Vec<(String, String)> {
    item.variants
        .iter()
        .filter_map(|variant| {
            let words = serde_words(&variant.attrs);
            Some((words.iter().find_map(|word| word.strip_prefix("rename="))?.to_owned(), docs(&variant.attrs)))
        })
        .collect()
}

pub(super) fn one_of(item: &ItemEnum) -> FieldType {
    let camel = serde_words(&item.attrs).iter().any(|word| word == "rename_all=camelCase");
    let (mut texts, mut open) = (Vec::new(), false);
    for variant in &item.variants {
        let words = serde_words(&variant.attrs);
        if words.iter().any(|word| word == "other") {
            open = true;
            continue;
        }
        let ident = variant.ident.to_string();
        let renamed = words.iter().find_map(|word| word.strip_prefix("rename=").map(str::to_owned));
        texts.push(renamed.unwrap_or_else(|| if camel { lower_camel_case(&snake_case(&ident)) } else { ident }));
    }
    FieldType::OneOf { texts, open }
}

pub(super) fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        _ => None,
    }
}

pub(super) fn generic(ty: &Type, index: usize) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(args) = &path.path.segments.last()?.arguments else { return None };
    match args.args.iter().nth(index)? {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

pub(super) fn option(ty: &Type) -> (&Type, bool) {
    match (type_name(ty).as_deref(), generic(ty, 0)) {
        (Some("Option"), Some(inner)) => (inner, true),
        _ => (ty, false),
    }
}

/// The words of `#[serde(..)]`: `default`, `other`, `rename=x`, `rename_all=camelCase`.
pub(super) fn serde_words(attrs: &[Attribute]) -> Vec<String> {
    let mut words = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // What this cannot read (such as a path in `with`) is of no interest here.
        let _ = attr.parse_nested_meta(|meta| {
            let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if meta.input.peek(syn::Token![=]) {
                let text: syn::LitStr = meta.value()?.parse()?;
                words.push(format!("{key}={}", text.value()));
            } else {
                words.push(key);
            }
            Ok(())
        });
    }
    words
}

/// The documentation of an item as Markdown.
pub(super) fn docs(attrs: &[Attribute]) -> String {
    let lines: Vec<String> = attrs
        .iter()
        .filter_map(|attr| match &attr.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(literal) => match &literal.lit {
                    Lit::Str(text) => {
                        let text = text.value();
                        Some(text.strip_prefix(' ').unwrap_or(&text).to_owned())
                    }
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        })
        .collect();
    lines.join("\n")
}

/// `on_hce_message` → `OnHceMessage`.
pub(super) fn camel_case(snake: &str) -> String {
    snake.split('_').map(capitalize).collect()
}

/// `nick_name` → `nickName`.
pub(super) fn lower_camel_case(snake: &str) -> String {
    let mut words = snake.split('_');
    words.next().unwrap_or_default().to_owned() + &words.map(capitalize).collect::<String>()
}

fn capitalize(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `GetHceState` → `get_hce_state`.
pub(super) fn snake_case(camel: &str) -> String {
    let mut snake = String::new();
    for letter in camel.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
