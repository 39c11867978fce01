//! Nothing that is printed on the way holds a key, a challenge or a proof.

use std::{fmt::Write as _, fs, sync::Arc};

use tempfile::NamedTempFile;
use wx_api::Touch;
use wx_desktop::soter::{Seal, SoftwareKey};
use wx_host::Wx;

use crate::bench::{Bench, cx, request};

#[tokio::test]
async fn nothing_printed_holds_a_secret() {
    const CHALLENGE: &str = "only-the-developer-may-know-this";
    let log = NamedTempFile::new().unwrap();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(Arc::new(log.reopen().unwrap())).finish();
    let _logged = tracing::subscriber::set_default(subscriber);

    let bench = Bench::new().await;
    let wx = Wx::builder(bench.desktop.host()).trace().build();
    let mut said = format!("{bench:?}", bench = (&bench.desktop, &bench.device, &bench.finger));
    let mut signature = String::new();
    for touch in [Touch::NoMatch, Touch::Fault, Touch::Cancel, Touch::Match { finger: "7".to_owned() }] {
        bench.finger.touch(touch);
    }
    for _ in 0..3 {
        let answer = wx.call(&cx(), request(CHALLENGE)).await;
        write!(said, "{answer:?} {:?}", request(CHALLENGE)).unwrap();
        match answer {
            Ok(answer) => signature = answer.result_json_signature,
            Err(error) => write!(said, "{error} {:?}", std::error::Error::source(&error)).unwrap(),
        }
    }
    assert!(!signature.is_empty(), "the last call succeeds: {said}");
    let path = bench.folder.path().join("soter/key.pem");
    let key = fs::read_to_string(&path).unwrap();
    fs::write(&path, &key[..key.len() / 2]).unwrap();
    write!(said, "{:?}", SoftwareKey::open(bench.folder.path().join("soter"), &Seal::none())).unwrap();
    said += &fs::read_to_string(log.path()).unwrap();

    assert!(said.contains("startSoterAuthentication"), "the log was kept: {said}");
    let lines = key.lines().filter(|line| !line.starts_with('-')).map(str::to_owned);
    for secret in lines.chain([CHALLENGE.to_owned(), signature]) {
        assert!(!said.contains(&secret), "{secret} was printed");
    }
}
