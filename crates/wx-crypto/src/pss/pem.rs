//! Keys as text: base64 between a line that begins them and one that ends them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The labels of the two kinds of key that are read here.
pub(super) const PUBLIC: &str = "PUBLIC KEY";
pub(super) const PRIVATE: &str = "PRIVATE KEY";

/// Characters to a line, as everybody writes them.
const LINE: usize = 64;

/// What is between the two lines of this label, wiped on drop. White space around the text and how its lines are broken do not
/// matter: devices disagree about both.
pub(super) fn decode(pem: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let body = pem.trim_ascii().strip_prefix("-----BEGIN ")?.strip_prefix(label)?.strip_prefix("-----")?;
    let body = body.strip_suffix("-----")?.strip_suffix(label)?.strip_suffix("-----END ")?;
    // Of its final length from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(body.len()));
    text.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    STANDARD.decode(text.as_slice()).ok().map(Zeroizing::new)
}

/// A key as text, the way `openssl` writes it. It has no spare room and leaves no copy behind, for a key that is private.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let text = Zeroizing::new(STANDARD.encode(der));
    let (begin, end) = (format!("-----BEGIN {label}-----\n"), format!("-----END {label}-----\n"));
    let mut pem = String::with_capacity(begin.len() + text.len() + text.len().div_ceil(LINE) + end.len());
    pem.push_str(&begin);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = next;
    }
    pem.push_str(&end);
    pem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_however_its_lines_are_broken() {
        let der: Vec<u8> = (0..=255).collect();
        let pem = encode("PUBLIC KEY", &der);
        assert_eq!(pem.len(), pem.capacity());
        assert!(pem.lines().all(|line| line.len() <= LINE));
        for text in [pem.clone(), pem.replace('\n', "\r\n"), pem.trim().to_owned(), format!("\n {pem}\t")] {
            assert_eq!(decode(&text, "PUBLIC KEY").as_deref(), Some(&der), "{text:?}");
        }
    }

    #[test]
    fn another_label_or_half_of_the_lines_is_refused() {
        let pem = encode("PUBLIC KEY", b"key");
        for text in ["", "-----BEGIN PUBLIC KEY-----", &pem[..20], &pem[5..], &pem.replace("a2V5", "a2V"), &format!("x{pem}")] {
            assert_eq!(decode(text, "PUBLIC KEY"), None, "{text:?}");
        }
        assert_eq!(decode(&pem, "PRIVATE KEY"), None);
    }
}
