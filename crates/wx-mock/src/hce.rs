//! Card emulation between the apps of the world and its reader.

use std::sync::Arc;

use async_trait::async_trait;
use wx_api::{
    Api, ApiSet, Cx, EventSender, Result,
    hce::{
        GetHceStateRequest, GetHceStateResult, Hce, SendHceMessageRequest, SendHceMessageResult, StartHceRequest,
        StartHceResult, StopHceRequest, StopHceResult,
    },
};
use wx_rules::hce::{present, ready, start};

use crate::{field::Field, monitor::Monitor};

/// Card emulation over the field that all apps of the world share.
#[derive(Debug)]
pub(crate) struct MockHce(pub(crate) Arc<Monitor<Field>>);

#[async_trait]
impl Hce for MockHce {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::GetHceState, Api::StartHce, Api::StopHce, Api::OnHceMessage, Api::SendHceMessage])
    }

    async fn get_hce_state(&self, cx: &Cx, _: GetHceStateRequest) -> Result<GetHceStateResult> {
        let radio = self.0.read(|field| field.radio);
        ready(radio, cx.profile()).map(|()| GetHceStateResult {}).map_err(|code| code.error(Api::GetHceState))
    }

    async fn start_hce(&self, cx: &Cx, req: StartHceRequest) -> Result<StartHceResult> {
        self.0.change(|field| {
            let aids = start(field.radio, cx.profile(), &req.aid_list)?;
            field.register(cx.app(), aids).map_err(|code| code.error(Api::StartHce))
        })?;
        Ok(StartHceResult {})
    }

    async fn stop_hce(&self, cx: &Cx, _: StopHceRequest) -> Result<StopHceResult> {
        self.0.change(|field| {
            present(field.radio, cx.profile()).map_err(|code| code.error(Api::StopHce))?;
            field.unregister(cx.app());
            Ok(StopHceResult {})
        })
    }

    fn on_hce_message(&self, cx: &Cx, out: EventSender) -> Result<()> {
        self.0.change(|field| field.listen(cx.app(), out));
        Ok(())
    }

    async fn send_hce_message(&self, cx: &Cx, req: SendHceMessageRequest) -> Result<SendHceMessageResult> {
        self.0.change(|field| {
            present(field.radio, cx.profile()).map_err(|code| code.error(Api::SendHceMessage))?;
            field.respond(cx.app(), req.data)?;
            Ok(SendHceMessageResult {})
        })
    }
}
