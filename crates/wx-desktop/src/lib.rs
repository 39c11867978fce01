//! A backend of real parts for desktops.
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod hce;
