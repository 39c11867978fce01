//! Scopes as scripts write them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wx_api::Scope;

fuzz_target!(|text: &str| {
    match text.parse::<Scope>() {
        Ok(scope) => assert_eq!(scope.name(), text, "a scope has one spelling"),
        Err(error) => assert!(!Scope::ALL.iter().any(|scope| scope.name() == text), "{error}"),
    }
});
