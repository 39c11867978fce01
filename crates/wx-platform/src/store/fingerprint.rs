use crate::primitives::sha256;

/// SHA-256 of a secret text.
pub(super) type Fingerprint = [u8; 32];

/// How much of a code says when it was given out, which is no secret.
const OPEN: usize = 8;

/// By what stores know tokens. Who reads the file of a store cannot use one, and how long a look-up takes says nothing about the secrets that
/// are there.
pub(super) fn fingerprint(secret: &str) -> Fingerprint {
    sha256(secret)
}

/// By what stores know codes: the same, but what the code begins with stands in front, so that codes of one moment lie side by side. Who
/// uses up a hundred of them then touches a few pages and not a hundred.
pub(super) fn fingerprint_of_code(code: &str) -> Fingerprint {
    let mut fingerprint = sha256(code);
    let open = code.as_bytes();
    let open = &open[..open.len().min(OPEN)];
    fingerprint.copy_within(..32 - OPEN, OPEN);
    fingerprint[..OPEN].fill(0);
    fingerprint[..open.len()].copy_from_slice(open);
    fingerprint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lie_by_what_they_begin_with_and_differ_by_the_rest() {
        let (one, other) = (fingerprint_of_code("0-moment-secret"), fingerprint_of_code("0-moment-tercse"));
        assert_eq!(one[..OPEN], *b"0-moment");
        assert_eq!(one[OPEN..], fingerprint("0-moment-secret")[..32 - OPEN]);
        assert_ne!(one, other);
        assert!(one < fingerprint_of_code("0-momenu-secret"));
    }

    #[test]
    fn a_short_code_has_one_too() {
        let all = ["", "0", "00", "0-momen", "0-moment"].map(fingerprint_of_code);
        assert!(all.iter().enumerate().all(|(i, one)| !all[..i].contains(one)));
    }
}
