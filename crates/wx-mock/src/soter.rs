//! Biometric confirmation with the finger of the world.

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use wx_api::{
    Api, ApiSet, Clock as _, Cx, Result,
    soter::{
        AuthMode, CheckIsSoterEnrolledInDeviceRequest, CheckIsSoterEnrolledInDeviceResult,
        CheckIsSupportSoterAuthenticationRequest, CheckIsSupportSoterAuthenticationResult, Soter, SoterCode, SoterResult,
        StartSoterAuthenticationRequest, StartSoterAuthenticationResult,
    },
};
use wx_crypto::{PssError, SaltLen, SaltedSigner, pss};
use wx_rules::soter::{Step, enrolment, failure, named, result_text, support};

use crate::{clock::VirtualClock, finger::Finger, seed::Seed};

/// Biometric confirmation by the world's finger, signed with the key that all mock devices share.
#[derive(Debug)]
pub(crate) struct MockSoter {
    pub(crate) seed: Seed,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) finger: Arc<Finger>,
}

/// Who made a result: it says so, rather than pretend a trusted environment.
const MAKER: &str = "wx-mock";
const MAKER_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The host's number in the system: the first that Android gives to an installed application.
const HOST_UID: &str = "10000";

/// One constant, read once: checking its primes takes far longer than anything else here.
static DEVICE_KEY: LazyLock<Result<SaltedSigner, PssError>> =
    LazyLock::new(|| SaltedSigner::from_pkcs8_pem(include_str!("../keys/every-mock-device.pkcs8.pem")));

#[async_trait]
impl Soter for MockSoter {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::CheckIsSupportSoterAuthentication, Api::CheckIsSoterEnrolledInDevice, Api::StartSoterAuthentication])
    }

    async fn check_is_support_soter_authentication(
        &self,
        _: &Cx,
        _: CheckIsSupportSoterAuthenticationRequest,
    ) -> Result<CheckIsSupportSoterAuthenticationResult> {
        support(&self.finger.device())
    }

    async fn check_is_soter_enrolled_in_device(
        &self,
        cx: &Cx,
        req: CheckIsSoterEnrolledInDeviceRequest,
    ) -> Result<CheckIsSoterEnrolledInDeviceResult> {
        enrolment(&req, &self.finger.device(), cx.profile())
    }

    async fn start_soter_authentication(
        &self,
        cx: &Cx,
        req: StartSoterAuthenticationRequest,
    ) -> Result<StartSoterAuthenticationResult> {
        let (dialog, mut attempt) = self.finger.begin(&req, self.clock.now())?;
        loop {
            let touch = dialog.touched().await;
            match dialog.judge(attempt, touch, self.clock.now()) {
                Step::TryAgain(next) => attempt = next,
                Step::Matched { mode, fid } => return self.confirm(cx, req, mode, fid),
                Step::Failed(failure) => return Err(failure.into()),
            }
        }
    }
}

impl MockSoter {
    fn confirm(
        &self,
        cx: &Cx,
        req: StartSoterAuthenticationRequest,
        mode: AuthMode,
        fid: String,
    ) -> Result<StartSoterAuthenticationResult> {
        let (counter, declared) = (self.finger.count(), cx.profile().declared_soter_salt());
        let result_json = result_text(&SoterResult {
            raw: req.challenge,
            fid: named(fid, cx.profile()),
            counter,
            tee_n: MAKER.to_owned(),
            tee_v: MAKER_VERSION.to_owned(),
            fp_n: MAKER.to_owned(),
            fp_v: MAKER_VERSION.to_owned(),
            cpu_id: self.seed.stream("cpu", &[]).text("", 16),
            uid: HOST_UID.to_owned(),
            rsa_pss_saltlen: declared,
        });
        let salt: [u8; 32] = self.seed.stream("salt", &[&counter.to_le_bytes()]).bytes();
        let salt = &salt[..declared.map_or(SaltLen::default().bytes(), usize::from).min(32)];
        let signature = match &*DEVICE_KEY {
            Ok(key) => pss::sign_with_salt(key, result_json.as_bytes(), salt),
            Err(error) => Err(error.clone()),
        };
        let signature = signature.map_err(|error| failure(SoterCode::Internal, mode).with_source(error))?;
        let result_json_signature = STANDARD.encode(signature);
        Ok(StartSoterAuthenticationResult { auth_mode: mode, result_json, result_json_signature })
    }
}
