//! Temporary.
mod near_field;
pub use self::near_field::{Handles, NearField};
use crate::hce::DesktopHce;
use async_trait::async_trait;
use std::{io, sync::Arc};
use wx_api::{Cx, Host, Profile};
use wx_conformance::{Bench, Harness, World};
use wx_host::{TokioClock, Wx};
/// Opens.
#[derive(Clone, Copy, Debug)]
pub struct DesktopHarness {
    /// Outside.
    pub near_field: fn() -> io::Result<NearField>,
}
#[async_trait]
impl Harness for DesktopHarness {
    fn name(&self) -> &'static str {
        "desktop"
    }
    async fn open(&self, profile: Profile) -> Result<Bench, String> {
        let near = (self.near_field)().map_err(|e| e.to_string())?;
        let hce = Arc::new(DesktopHce::new(near.transport, Arc::new(TokioClock)));
        let (radio, reader) = (near.handles)(hce.clone());
        let wx = Wx::builder(Host { hce: Some(hce), ..Host::default() }).build();
        Ok(Bench {
            wx,
            cx: Cx::new("wx4f4bc4dec97d474b").with_profile(profile),
            world: World { radio: Some(radio), reader: Some(reader), ..World::default() },
        })
    }
}
