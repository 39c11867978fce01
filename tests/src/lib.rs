//! What concerns several crates at once: `tests/` and `benches/` here, what the benchmarks share, and the README's example, which runs as a test.

pub mod bench;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
