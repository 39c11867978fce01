//! What only the comparison of `cargo xtask bench link` needs is in `benches`.
