//! As much of DER as it takes to read the numbers of an RSA key.
//!
//! Both providers of RSA could read keys themselves, but not alike: here a text is a key or is not, whichever of them is built in.

use zeroize::Zeroizing;

/// Tags of the types that occur in RSA keys.
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// What an algorithm identifier of RSA keys holds: the object identifier 1.2.840.113549.1.1.1 and a null.
const RSA_ENCRYPTION: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// All of a `SubjectPublicKeyInfo` up to the 256 bytes of a modulus, and all after them.
#[rustfmt::skip]
pub(super) const SPKI_2048: &[u8] = &[
    SEQUENCE, 0x82, 0x01, 0x22,
    SEQUENCE, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    BIT_STRING, 0x82, 0x01, 0x0f, 0x00, SEQUENCE, 0x82, 0x01, 0x0a, INTEGER, 0x82, 0x01, 0x01, 0x00,
];
pub(super) const EXPONENT_65537: &[u8] = &[INTEGER, 0x03, 0x01, 0x00, 0x01];

/// The numbers of a public key, big-endian and without leading zeros.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PublicNumbers {
    pub(super) modulus: Vec<u8>,
    pub(super) exponent: Vec<u8>,
}

impl PublicNumbers {
    /// Length of the modulus.
    pub(super) fn bits(&self) -> usize {
        bits(&self.modulus)
    }

    /// Whether an RSA key can have these numbers: both odd, and the exponent from 3 to 33 bits, as far as implementations go.
    fn are_plausible(&self) -> bool {
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        odd(&self.modulus) && odd(&self.exponent) && self.exponent != [1] && bits(&self.exponent) <= 33
    }
}

/// The numbers in a `SubjectPublicKeyInfo` of RSA.
pub(super) fn public_key(spki: &[u8]) -> Option<PublicNumbers> {
    let mut outer = Reader(spki);
    let mut info = Reader(outer.take(SEQUENCE)?);
    if !outer.is_empty() || info.take(SEQUENCE)? != RSA_ENCRYPTION {
        return None;
    }
    // A bit string begins with the number of bits that its last byte does not use: none.
    let [0, key @ ..] = info.take(BIT_STRING)? else { return None };
    let mut outer = Reader(key);
    let mut key = Reader(outer.take(SEQUENCE)?);
    let numbers = PublicNumbers { modulus: key.positive()?.to_vec(), exponent: key.positive()?.to_vec() };
    (info.is_empty() && outer.is_empty() && key.is_empty() && numbers.are_plausible()).then_some(numbers)
}

/// Length of the modulus in a `PrivateKeyInfo` of RSA. Only that far: the provider reads the key itself.
pub(super) fn private_key_bits(pkcs8: &Zeroizing<Vec<u8>>) -> Option<usize> {
    let mut info = Reader(Reader(pkcs8).take(SEQUENCE)?);
    info.take(INTEGER)?; // the version
    if info.take(SEQUENCE)? != RSA_ENCRYPTION {
        return None;
    }
    let mut key = Reader(Reader(info.take(OCTET_STRING)?).take(SEQUENCE)?);
    key.take(INTEGER)?; // the version
    key.positive().map(bits)
}

/// Length of a number without leading zeros.
pub(super) fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// The rest of a text in DER.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The contents of the next element, which must have this tag and its length in the shortest form.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (len, rest) = match *rest {
            [len, ref rest @ ..] if len < 0x80 => (usize::from(len), rest),
            [0x81, len, ref rest @ ..] if len >= 0x80 => (usize::from(len), rest),
            [0x82, high, low, ref rest @ ..] if high > 0 => (usize::from(u16::from_be_bytes([high, low])), rest),
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(len)?;
        self.0 = rest;
        Some(contents)
    }

    /// The next element as a number above zero, without the zero byte that keeps its first bit from being a sign.
    fn positive(&mut self) -> Option<&'a [u8]> {
        match self.take(INTEGER)? {
            [0, number @ ..] if number.first().is_some_and(|first| *first >= 0x80) => Some(number),
            number @ [1..0x80, ..] => Some(number),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_their_shortest_form_only() {
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(Reader(&long).take(OCTET_STRING).map(<[u8]>::len), Some(256));
        let middle = [&[0x04, 0x81, 0x80][..], &[7; 128]].concat();
        assert_eq!(Reader(&middle).take(OCTET_STRING).map(<[u8]>::len), Some(128));

        let too_long: [&[u8]; 4] =
            [&[0x04, 0x81, 0x01, 7], &[0x04, 0x82, 0x00, 0x01, 7], &[0x04, 0x80, 7], &[0x04, 0x83, 0, 0, 1, 7]];
        for bytes in too_long {
            assert_eq!(Reader(bytes).take(OCTET_STRING), None, "{bytes:x?}");
        }
    }

    #[test]
    fn an_element_that_is_cut_or_of_another_type_is_refused() {
        for bytes in [&[][..], &[0x04], &[0x04, 2, 7], &[0x02, 1, 7]] {
            assert_eq!(Reader(bytes).take(OCTET_STRING), None, "{bytes:x?}");
        }
    }

    #[test]
    fn numbers_are_positive_and_have_one_form() {
        let number = |contents: &[u8]| {
            let element = [&[INTEGER, u8::try_from(contents.len()).unwrap_or(0)], contents].concat();
            Reader(&element).positive().map(<[u8]>::to_vec)
        };
        assert_eq!(number(&[3]), Some(vec![3]));
        assert_eq!(number(&[0, 0x80]), Some(vec![0x80]));
        assert_eq!(number(&[0x7f, 0]), Some(vec![0x7f, 0]));
        for refused in [&[][..], &[0], &[0x80], &[0, 3], &[0, 0, 0x80]] {
            assert_eq!(number(refused), None, "{refused:x?}");
        }
    }

    #[test]
    fn bits_are_counted_from_the_first_that_is_set() {
        assert_eq!([&[][..], &[1], &[0x80], &[1, 0, 1]].map(bits), [0, 1, 8, 17]);
    }
}
