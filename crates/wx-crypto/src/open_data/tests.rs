//! What the vectors do not cover: limits, the order of the checks, and arbitrary input.

#![allow(clippy::unwrap_used)] // a test that unwraps an error should fail

use proptest::prelude::*;

use super::*;

const IV: &str = "AAAAAAAAAAAAAAAAAAAAAA==";
const APPID: &str = "wx4f4bc4dec97d474b";
const NOW: i64 = 1_800_000_000;

fn key() -> SessionKey {
    SessionKey::from_bytes([7; 16])
}

fn expect() -> Expect<'static> {
    Expect { appid: APPID, now_s: NOW, max_age_s: 7200, max_skew_s: 300 }
}

fn open_plain(plain: &[u8], expect: &Expect<'_>) -> Result<Opened, OpenDataError> {
    let sealed = seal(plain, &key(), [1; 16]);
    open(&sealed.encrypted_data, &sealed.iv, &key(), expect)
}

fn marked(timestamp: i64) -> String {
    format!(r#"{{"watermark":{{"timestamp":{timestamp},"appid":"{APPID}"}}}}"#)
}

#[test]
fn empty_data_is_a_wrong_length() {
    assert_eq!(decrypt("", IV, &key()), Err(OpenDataError::Length { bytes: 0 }));
}

#[test]
fn one_mebibyte_is_opened_and_one_block_more_is_refused() {
    // One byte of padding at least, so this is the longest plain text that fits.
    let longest = vec![b'x'; MAX_ENCRYPTED_LEN - 1];
    let sealed = seal(&longest, &key(), [1; 16]);
    assert_eq!(decrypt(&sealed.encrypted_data, &sealed.iv, &key()).unwrap(), longest);

    let sealed = seal(&vec![b'x'; MAX_ENCRYPTED_LEN], &key(), [1; 16]);
    assert_eq!(
        decrypt(&sealed.encrypted_data, &sealed.iv, &key()),
        Err(OpenDataError::TooLarge { bytes: MAX_ENCRYPTED_LEN + 16 })
    );
}

#[test]
fn the_length_is_looked_at_before_the_size_and_the_size_before_the_padding() {
    let odd = STANDARD.encode(vec![0; MAX_ENCRYPTED_LEN + 1]);
    assert_eq!(decrypt(&odd, IV, &key()).unwrap_err().reason(), "Length");
    let garbage = STANDARD.encode(vec![0; MAX_ENCRYPTED_LEN + 16]);
    assert_eq!(decrypt(&garbage, IV, &key()).unwrap_err().reason(), "TooLarge");
}

#[test]
fn the_iv_is_looked_at_before_the_data() {
    assert_eq!(decrypt("!", "!", &key()), Err(OpenDataError::IllegalIv));
    assert_eq!(decrypt("!", IV, &key()), Err(OpenDataError::DecodeBase64Error));
}

#[test]
fn base64_with_stray_bits_is_refused_for_the_iv_and_the_data() {
    let sealed = seal(b"x", &key(), [0; 16]);
    assert_eq!(decrypt(&sealed.encrypted_data, "AAAAAAAAAAAAAAAAAAAAAB==", &key()), Err(OpenDataError::IllegalIv));
    let stray = "AAAAAAAAAAAAAAAAAAAAAB==";
    assert_eq!(decrypt(stray, IV, &key()), Err(OpenDataError::DecodeBase64Error));
}

#[test]
fn every_wrong_padding_is_refused() {
    use cbc::cipher::block_padding::NoPadding;
    // A block that ends in `last`, with the byte before it `before`.
    let refused = |last: u8, before: u8| {
        let mut block = [b'x'; 16];
        block[14] = before;
        block[15] = last;
        let encrypted =
            cbc::Encryptor::<Aes128>::new(key().bytes().into(), &[0; 16].into()).encrypt_padded_vec::<NoPadding>(&block);
        decrypt(&STANDARD.encode(encrypted), IV, &key()) == Err(OpenDataError::Padding)
    };
    for last in [0, 17, 32, 255] {
        assert!(refused(last, last), "last byte {last}");
    }
    // The last byte is plausible, those before it are not.
    assert!(refused(2, 1));
    assert!(refused(16, 16));
    assert!(!refused(1, 9));
    assert!(!refused(2, 2));
}

#[test]
fn bad_utf_8_is_refused_before_the_json_is_looked_at() {
    for plain in [b"\xff\xfe".as_slice(), b"{\"a\":\"\xc3\"}", b"{\"a\":\"\xed\xa0\x80\"}"] {
        assert_eq!(open_plain(plain, &expect()), Err(OpenDataError::Utf8));
    }
}

#[test]
fn the_limits_of_freshness_are_inclusive() {
    let reason = |timestamp| open_plain(marked(timestamp).as_bytes(), &expect()).map_or_else(|e| e.reason(), |_| "ok");
    assert_eq!(reason(NOW - 7201), "Stale");
    assert_eq!(reason(NOW - 7200), "ok");
    assert_eq!(reason(NOW + 300), "ok");
    assert_eq!(reason(NOW + 301), "FromTheFuture");
}

#[test]
fn freshness_holds_at_the_ends_of_time() {
    let opens = |timestamp, now_s, max_age_s, max_skew_s| {
        let expect = Expect { now_s, max_age_s, max_skew_s, ..expect() };
        open_plain(marked(timestamp).as_bytes(), &expect).is_ok()
    };
    assert!(opens(i64::MIN, i64::MIN, u64::MAX, 0));
    assert!(opens(i64::MAX, i64::MIN, 0, u64::MAX));
    assert!(opens(i64::MIN, i64::MAX, u64::MAX, 0));
    assert!(!opens(i64::MIN, i64::MAX, 1, u64::MAX));
    assert!(!opens(i64::MAX, i64::MIN, u64::MAX, 1));
}

#[test]
fn the_appid_is_checked_before_freshness_and_must_match_to_the_letter() {
    let stranger = Expect { appid: "WX4f4bc4dec97d474b", ..expect() };
    assert_eq!(open_plain(marked(0).as_bytes(), &stranger), Err(OpenDataError::AppIdMismatch));
}

#[test]
fn unknown_fields_order_and_white_space_are_returned_as_they_were() {
    let json =
        format!(" {{\"z\" : 1.50,\n\"new\":[{{}}], \"watermark\":{{\"v\":2,\"appid\":\"{APPID}\",\"timestamp\":{NOW}}}}}\r\n");
    assert_eq!(open_plain(json.as_bytes(), &expect()).unwrap().json, json);
}

#[test]
fn errors_repeat_nothing_of_the_decrypted_data() {
    let json = r#"{"watermark":{"appid":"wx1","timestamp":"13580006666"}}"#;
    let error = open_plain(json.as_bytes(), &expect()).unwrap_err();
    assert_eq!(error.reason(), "Json");
    assert!(!format!("{error} {error:?}").contains("13580006666"));
}

proptest! {
    #[test]
    fn what_is_sealed_decrypts(plain in any::<Vec<u8>>(), key in any::<[u8; 16]>(), iv in any::<[u8; 16]>()) {
        let key = SessionKey::from_bytes(key);
        let sealed = seal(&plain, &key, iv);
        prop_assert_eq!(decrypt(&sealed.encrypted_data, &sealed.iv, &key).unwrap(), plain);
    }

    #[test]
    fn arbitrary_texts_are_refused_without_a_panic(data in any::<String>(), iv in any::<String>(), text in any::<String>()) {
        prop_assert!(open(&data, &iv, &key(), &expect()).is_err());
        prop_assert!(open(&data, IV, &key(), &expect()).is_err());
        prop_assert_eq!(SessionKey::from_base64(&text), Err(OpenDataError::IllegalAesKey));
    }

    #[test]
    fn arbitrary_encrypted_bytes_are_refused_without_a_panic(data in any::<Vec<u8>>()) {
        prop_assert!(open(&STANDARD.encode(data), IV, &key(), &expect()).is_err());
    }

    #[test]
    fn arbitrary_plain_bytes_are_refused_without_a_panic(plain in any::<Vec<u8>>()) {
        prop_assert!(open_plain(&plain, &expect()).is_err());
    }

    // Garbage made of JSON's own characters gets further into the parser than arbitrary text.
    #[test]
    fn garbage_that_looks_like_json_never_panics(json in r#"[{}\[\]",:0-9a-e.\\ +-]{0,200}"#) {
        let _ = open_plain(json.as_bytes(), &expect());
    }

    #[test]
    fn one_flipped_bit_never_panics_and_never_passes_for_the_original(
        bit in 0_usize..(80 * 8),
        text in "[a-z]{0,5}",
    ) {
        let json = format!(r#"{{"p":"{text}","watermark":{{"timestamp":{NOW},"appid":"{APPID}"}}}}"#);
        let sealed = seal(json.as_bytes(), &key(), [1; 16]);
        let mut data = STANDARD.decode(&sealed.encrypted_data).unwrap();
        let at = (bit / 8) % data.len();
        data[at] ^= 1 << (bit % 8);
        if let Ok(opened) = open(&STANDARD.encode(data), &sealed.iv, &key(), &expect()) {
            prop_assert_ne!(opened.json, json);
        }
    }
}
