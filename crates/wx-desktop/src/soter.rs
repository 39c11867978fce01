//! Biometric confirmation for real: a finger on a reader, a counter that never goes back, and a key that signs what was confirmed.
//!
//! A [`SoterDevice`] is put together from parts: where the key is ([`SoterKeyStore`]), what counts ([`MonotonicCounter`]), who asks for the
//! finger ([`BiometricPrompt`](wx_api::BiometricPrompt)), and where wrong ones are remembered ([`WrongTries`]). What answers which code is decided by
//! [`wx_rules::soter`]. The key is enrolled with the platform server for the user of the app before a finger is asked for, so the
//! developer's server can have every result verified.
//!
//! # Invariants
//!
//! - A key is used for what a finger has just confirmed, and once: a [`Statement`] comes out of a dialog only, and a signature uses it up.
//! - A number is counted, durably, before its signature is made. None is signed twice, whatever process dies when.
//! - Results name the key's place honestly (`tee_n`): on a desktop the finger gates the key in software, whatever holds it.

mod counter;
mod device;
mod folder;
#[cfg(feature = "fprint")]
mod fprint;
mod keys;
mod memory;
mod reader;
mod records;
mod seal;
#[cfg(any(feature = "pkcs11", feature = "tpm"))]
mod sessions;
mod software;
mod statement;
#[cfg(feature = "pkcs11")]
mod token;
#[cfg(feature = "tpm")]
mod tpm;
mod tries;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{select, task::spawn_blocking};
use wx_api::{
    Api, ApiSet, Clock, Cx, Error, Result, Sensor, Touch,
    soter::{
        AuthMode, CheckIsSoterEnrolledInDeviceRequest, CheckIsSoterEnrolledInDeviceResult,
        CheckIsSupportSoterAuthenticationRequest, CheckIsSupportSoterAuthenticationResult, Soter, SoterCode,
        StartSoterAuthenticationRequest, StartSoterAuthenticationResult,
    },
};
use wx_crypto::attestation::{Attestation, Certified};
use wx_platform::wire::host;
use wx_rules::soter::{Attempt, Device, Step, begin, enrolment, failure, named, support};

pub(crate) use self::device::Opened;
#[cfg(feature = "fprint")]
pub use self::fprint::Fprint;
#[cfg(feature = "secret-service")]
pub use self::seal::{SecretService, SecretsError};
#[cfg(feature = "pkcs11")]
pub use self::token::Token;
#[cfg(feature = "tpm")]
pub use self::tpm::Tpm;
pub use self::{
    counter::{FileCounter, MonotonicCounter},
    device::{OpenSoter, SoterDevice},
    keys::{SoterKeyStore, StoreError},
    memory::MemoryFinger,
    records::Records,
    seal::Seal,
    software::SoftwareKey,
    statement::{Signed, Statement},
    tries::WrongTries,
};
use self::{
    reader::{Reader, Turn},
    statement::{Origin, Presence},
};
use crate::platform::Platform;

/// How long a dialog stays open without a finger. Then it is as if the user had closed it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Biometric confirmation for all mini-programs of a host, with one reader.
pub(crate) struct DesktopSoter {
    platform: Arc<Platform>,
    clock: Arc<dyn Clock>,
    device: Opened,
    reader: Reader,
}

impl fmt::Debug for DesktopSoter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DesktopSoter").field("device", &self.device).finish_non_exhaustive()
    }
}

impl DesktopSoter {
    pub(crate) fn new(platform: Arc<Platform>, clock: Arc<dyn Clock>, device: Opened) -> Self {
        Self { platform, clock, device, reader: Reader::default() }
    }

    /// What the machine is at this moment, for this user.
    async fn sensed(&self, cx: &Cx) -> (Device, Option<Sensor>) {
        let sensor = self.device.prompt().sensor(cx).await;
        let device = Device {
            supported: sensor.is_some(),
            authorized: sensor.as_ref().is_some_and(|sensor| sensor.allowed),
            modes: vec![AuthMode::FingerPrint],
            enrolled: sensor.as_ref().is_some_and(|sensor| sensor.enrolled),
        };
        (device, sensor)
    }

    /// Tells the platform whose key this is, and who vouches for it. It may know already: it is asked each time, for it may have been set
    /// up anew.
    async fn enrol(&self, cx: &Cx, keys: &Arc<dyn SoterKeyStore>) -> Result<()> {
        let (app, user) = (cx.app().to_string(), cx.user().to_string());
        let (api, client) = (Api::StartSoterAuthentication, self.platform.client());
        let key = host::SoterKey { app: app.clone(), user: user.clone(), public_key: keys.public_key().to_owned() };
        let known = self.platform.ask(api, client.soter_key(&key)).await?;
        if known.enrolled {
            return Ok(());
        }
        let attestation = match known.nonce {
            Some(nonce) => attested(keys.clone(), nonce).await?,
            None => None,
        };
        let Records { attk, ask, auth_key, .. } = keys.records();
        let [attk, ask, auth_key] = [attk, ask, auth_key].map(|record| STANDARD.encode(record));
        let enrolment = host::SoterEnrolment { app, user, attk, ask, auth_key, attestation };
        self.platform.ask(api, client.enrol_soter_key(&enrolment)).await.map(drop)
    }

    /// Shows the dialog until a finger has confirmed the challenge.
    async fn confirmed(
        &self,
        cx: &Cx,
        req: StartSoterAuthenticationRequest,
        mut attempt: Attempt,
        wrong_tries: &WrongTries,
    ) -> Result<Presence> {
        let mut dialog = self.device.prompt().open(cx, req.auth_content.as_deref().unwrap_or_default());
        let end = self.clock.now() + PATIENCE;
        loop {
            let touch = select! {
                biased;
                touch = dialog.touch() => touch,
                () = self.clock.sleep_until(end) => Touch::Cancel,
            };
            let mode = attempt.mode();
            let step = wrong_tries.judge(attempt, touch, self.clock.now()).await;
            match step.map_err(|error| internal(mode, error))? {
                Step::TryAgain(next) => attempt = next,
                Step::Matched { mode, fid } => {
                    let profile = cx.profile();
                    let (fid, declared_salt) = (named(fid, profile), profile.declared_soter_salt());
                    return Ok(Presence { mode, fid, declared_salt, challenge: req.challenge });
                }
                Step::Failed(failure) => return Err(failure.into()),
            }
        }
    }
}

/// What the key's hardware says of it.
async fn attested(keys: Arc<dyn SoterKeyStore>, nonce: String) -> Result<Option<host::SoterAttestation>> {
    let broken = |error: &dyn fmt::Display| Error::internal(Api::StartSoterAuthentication, error);
    let bytes = STANDARD.decode(&nonce).map_err(|error| broken(&error))?;
    let attested = spawn_blocking(move || keys.attest(&bytes)).await.map_err(|error| broken(&error))?;
    Ok(attested.map_err(|error| broken(&error))?.map(|Attestation { key, counter }| {
        let (key, counter) = (certified(&key), certified(&counter));
        host::SoterAttestation { nonce, key, counter }
    }))
}

fn certified(Certified { public, attest, signature }: &Certified) -> host::SoterCertified {
    let [public, attest, signature] = [public, attest, signature].map(|part| STANDARD.encode(part));
    host::SoterCertified { public, attest, signature }
}

/// Counts, states what was confirmed, and signs that. The turn ends with it, also when nobody waits for it any more.
async fn sign(device: SoterDevice, presence: Presence, sensor: Sensor, turn: Turn) -> Result<StartSoterAuthenticationResult> {
    let mode = presence.mode;
    let SoterDevice { keys, counter, .. } = device;
    let work = move || {
        let _turn = turn;
        let count = counter.next()?;
        keys.sign(presence.state(count, Origin::of(&*keys, sensor)))
    };
    let signed = spawn_blocking(work).await.map_err(|error| internal(mode, error))?;
    Ok(signed.map_err(|error| internal(mode, error))?.into())
}

/// The failure of a part, which a script need not know.
fn internal(mode: AuthMode, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    failure(SoterCode::Internal, mode).with_source(source)
}

#[async_trait]
impl Soter for DesktopSoter {
    fn supported(&self) -> ApiSet {
        ApiSet::of(&[Api::CheckIsSupportSoterAuthentication, Api::CheckIsSoterEnrolledInDevice, Api::StartSoterAuthentication])
    }

    async fn check_is_support_soter_authentication(
        &self,
        cx: &Cx,
        _: CheckIsSupportSoterAuthenticationRequest,
    ) -> Result<CheckIsSupportSoterAuthenticationResult> {
        support(&self.sensed(cx).await.0)
    }

    async fn check_is_soter_enrolled_in_device(
        &self,
        cx: &Cx,
        req: CheckIsSoterEnrolledInDeviceRequest,
    ) -> Result<CheckIsSoterEnrolledInDeviceResult> {
        enrolment(&req, &self.sensed(cx).await.0, cx.profile())
    }

    async fn start_soter_authentication(
        &self,
        cx: &Cx,
        req: StartSoterAuthenticationRequest,
    ) -> Result<StartSoterAuthenticationResult> {
        let (device, sensor) = self.sensed(cx).await;
        // What is wrong with the device, the request or the moment is told before anything is opened.
        let (attempt, turn) = self.reader.begin(&req, &device, self.clock.now())?;
        let mode = attempt.mode();
        let parts = self.device.get().await.map_err(|error| internal(mode, error))?;
        let now = self.clock.now();
        let lockout = parts.wrong_tries.at(now).await.map_err(|error| internal(mode, error))?;
        let attempt = begin(&req, &device, &lockout, now, false)?;
        self.enrol(cx, &parts.keys).await.map_err(|error| internal(mode, error))?;
        let presence = self.confirmed(cx, req, attempt, &parts.wrong_tries).await?;
        // A device without a reader was refused above.
        let sensor = sensor.ok_or_else(|| failure(SoterCode::NoSupport, mode))?;
        sign(parts.clone(), presence, sensor, turn).await
    }
}
