use std::{borrow::Cow, fmt};

use wx_api::{Api, Error, Reply, Result};

/// The most characters of an unknown API's name that its answer repeats.
const LONGEST_NAME: usize = 64;

/// What a script's callback gets, as JSON text: the fields of the result beside `errMsg` and, where documented, `errCode`.
///
/// `Debug` shows neither: a result may hold what only its script should see.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    ok: bool,
    json: String,
}

impl Answer {
    /// Whether the call succeeded: `success` runs, not `fail`.
    pub fn is_ok(&self) -> bool {
        self.ok
    }

    /// The object as JSON text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The object as JSON text, without copying it.
    pub fn into_json(self) -> String {
        self.json
    }

    /// The answer to a call of `api`.
    pub(crate) fn new(api: Api, result: Result<Reply>) -> Self {
        let outcome = Outcome::new(api, result);
        match write(&outcome) {
            Ok(json) => Self { ok: outcome.is_ok(), json },
            // Without the fields that cannot be written.
            Err(_) => match outcome.result {
                Ok(_) => Self::fail(api.name(), "internal error: the result cannot be written as JSON"),
                Err(error) => Self::fail(api.name(), error.reason()),
            },
        }
    }

    /// The answer to a call by a name that no API has.
    pub(crate) fn unknown(name: &str) -> Self {
        Self::fail(name, "not supported")
    }

    /// The answer to a call that was broken off.
    pub(crate) fn aborted(name: &str) -> Self {
        Self::fail(name, "abort")
    }

    fn fail(name: &str, reason: &str) -> Self {
        let message = format!("{}:fail {reason}", shortened(name, LONGEST_NAME));
        let message = serde_json::Value::String(message);
        Self { ok: false, json: format!("{{\"errMsg\":{message}}}") }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("ok", &self.ok).finish_non_exhaustive()
    }
}

/// What came of a call, before it takes the form in which a script gets it: `errMsg`, then `errCode` where there is one, then the
/// fields of the result.
///
/// ```
/// use wx_api::{Api, Error, hce::GetHceStateResult};
/// use wx_host::edge::Outcome;
///
/// let ok = Outcome::new(Api::GetHceState, Ok(GetHceStateResult {}.into()));
/// assert_eq!((ok.is_ok(), ok.err_msg().as_ref(), ok.err_code()), (true, "getHCEState:ok", Some(0)));
/// let failed = Outcome::new(Api::Login, Err(Error::timeout(Api::Login)));
/// assert_eq!((failed.is_ok(), failed.err_msg().as_ref(), failed.err_code()), (false, "login:fail timeout", None));
/// ```
#[derive(Clone, Debug)]
pub struct Outcome {
    api: Api,
    result: Result<Reply>,
}

impl Outcome {
    /// What came of a call of `api`. A result of another API is the backend's mistake, and a failure.
    pub fn new(api: Api, result: Result<Reply>) -> Self {
        let result = result.and_then(|reply| match reply.api() {
            of if of == api => Ok(reply),
            of => Err(Error::internal(api, format_args!("the backend answered with a result of {}", of.name()))),
        });
        Self { api, result }
    }

    /// Whether the call succeeded: `success` runs, not `fail`.
    pub fn is_ok(&self) -> bool {
        self.result.is_ok()
    }

    /// `<api>:ok`, or `<api>:fail <reason>`.
    pub fn err_msg(&self) -> Cow<'static, str> {
        match &self.result {
            Ok(_) => format!("{}:ok", self.api.name()).into(),
            Err(error) => error.to_string().into(),
        }
    }

    /// The code, where the API documents one or the failure has one.
    pub fn err_code(&self) -> Option<i32> {
        match &self.result {
            Ok(_) => self.api.facts().is_some_and(|facts| facts.err_code).then_some(0),
            Err(error) => error.code(),
        }
    }

    /// The result, or what the failed answer carries all the same. It serialises as its fields.
    pub fn fields(&self) -> Option<&Reply> {
        match &self.result {
            Ok(reply) => Some(reply),
            Err(error) => error.reply(),
        }
    }
}

/// Written straight into the text: this is what every call pays.
fn write(outcome: &Outcome) -> Result<String, serde_json::Error> {
    let mut json = Vec::with_capacity(128);
    json.extend_from_slice(b"{\"errMsg\":");
    match &outcome.result {
        Ok(_) => {
            // The names of the contract are plain ASCII; the test of every API's answer would notice one that is not.
            json.push(b'"');
            json.extend_from_slice(outcome.api.name().as_bytes());
            json.extend_from_slice(b":ok\"");
        }
        Err(error) => serde_json::to_writer(&mut json, &error.to_string())?,
    }
    if let Some(code) = outcome.err_code() {
        json.extend_from_slice(b",\"errCode\":");
        serde_json::to_writer(&mut json, &code)?;
    }
    if let Some(fields) = outcome.fields() {
        splice(&mut json, fields)?;
    }
    json.push(b'}');
    String::from_utf8(json).map_err(serde::ser::Error::custom)
}

/// Adds the fields of a result to an object that has some already and is not closed yet.
fn splice(json: &mut Vec<u8>, reply: &Reply) -> Result<(), serde_json::Error> {
    let start = json.len();
    serde_json::to_writer(&mut *json, reply)?;
    match json.get_mut(start..) {
        Some([b'{', b'}']) => json.truncate(start),
        // The brace that opened the fields becomes the comma before them; the one that closed them comes last again.
        Some([brace @ b'{', ..]) => {
            *brace = b',';
            json.pop();
        }
        _ => return Err(serde::ser::Error::custom("a result is no object")),
    }
    Ok(())
}

/// At most `limit` characters of `text`, and a sign that there was more.
pub(crate) fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that unwraps wrongly fails, as it should")]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};
    use wx_api::{
        Profile, Scope,
        authorization::{GetSettingResult, REFUSED_NOW},
        hce::{HceCode, StopHceResult},
        login::{CheckSessionResult, LoginResult},
        soter::{AuthMode, SoterCode, StartSoterAuthenticationResult},
    };

    use super::*;

    #[test]
    fn a_success_has_its_fields_and_says_ok() {
        let answer = Answer::new(Api::Login, Ok(LoginResult { code: "0\"3".into() }.into()));
        assert!(answer.is_ok());
        assert_eq!(answer.json(), r#"{"errMsg":"login:ok","code":"0\"3"}"#);
    }

    #[test]
    fn a_success_without_fields_has_the_conventions_alone() {
        let answer = Answer::new(Api::CheckSession, Ok(CheckSessionResult {}.into()));
        assert_eq!(answer.json(), r#"{"errMsg":"checkSession:ok"}"#);
        let answer = Answer::new(Api::StopHce, Ok(StopHceResult {}.into()));
        assert_eq!(answer.json(), r#"{"errMsg":"stopHCE:ok","errCode":0}"#);
    }

    #[test]
    fn nested_fields_keep_their_braces() {
        let auth_setting = BTreeMap::from([(Scope::Record, true)]);
        let answer = Answer::new(Api::GetSetting, Ok(GetSettingResult { auth_setting }.into()));
        assert_eq!(answer.json(), r#"{"errMsg":"getSetting:ok","authSetting":{"scope.record":true}}"#);
        let answer = Answer::new(Api::GetSetting, Ok(GetSettingResult::default().into()));
        assert_eq!(answer.json(), r#"{"errMsg":"getSetting:ok","authSetting":{}}"#);
    }

    #[test]
    fn a_failure_says_why_and_has_its_code_and_fields() {
        let answer = Answer::new(Api::GetHceState, Err(HceCode::NfcOff.error(Api::GetHceState)));
        assert!(!answer.is_ok());
        assert_eq!(answer.json(), r#"{"errMsg":"getHCEState:fail NFC is switched off","errCode":13001}"#);

        let profile = Profile::default().with_denial_separator(':');
        let denied = Error::denied(Api::Authorize, &profile).with_code(REFUSED_NOW);
        assert_eq!(
            Answer::new(Api::Authorize, Err(denied)).json(),
            r#"{"errMsg":"authorize:fail:auth deny","errCode":-12007}"#
        );

        let api = Api::StartSoterAuthentication;
        let failed = SoterCode::Cancelled.error(api).with_reply(StartSoterAuthenticationResult::failed(AuthMode::FingerPrint));
        let object: Value = serde_json::from_str(Answer::new(api, Err(failed)).json()).unwrap();
        assert_eq!(
            object,
            json!({"errMsg": "startSoterAuthentication:fail cancel", "errCode": 90008, "authMode": "fingerPrint",
                   "resultJSON": "", "resultJSONSignature": ""})
        );
    }

    #[test]
    fn a_result_of_another_api_is_an_internal_error() {
        let answer = Answer::new(Api::Login, Ok(CheckSessionResult {}.into()));
        assert!(!answer.is_ok() && answer.json().contains("login:fail internal error"), "{}", answer.json());
    }

    #[test]
    fn an_unknown_name_is_escaped_and_cut() {
        assert_eq!(Answer::unknown("foo").json(), r#"{"errMsg":"foo:fail not supported"}"#);
        assert_eq!(Answer::unknown("a\"\n").json(), r#"{"errMsg":"a\"\n:fail not supported"}"#);
        let long = Answer::unknown(&"é".repeat(1000));
        assert_eq!(long.json(), format!(r#"{{"errMsg":"{}…:fail not supported"}}"#, "é".repeat(LONGEST_NAME)));
    }

    #[test]
    fn debug_hides_the_code() {
        let answer = Answer::new(Api::Login, Ok(LoginResult { code: "secret".into() }.into()));
        assert_eq!(format!("{answer:?}"), "Answer { ok: true, .. }");
    }
}
