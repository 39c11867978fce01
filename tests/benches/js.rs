//! What the way through JavaScript costs.
fn main() {}
