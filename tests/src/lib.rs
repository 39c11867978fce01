//! What concerns several crates at once: `tests/` and `benches/` here, and the README's example, which runs as a test.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
