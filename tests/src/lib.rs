//! Nothing to link: see `tests/` and `benches/`.
