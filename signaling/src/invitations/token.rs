// SPDX-License-Identifier: EUPL-1.2
//! Tokens that say who somebody is and prove it: in the link by which invited people answer, in the address that their
//! calendar answers to, in the address of somebody's calendar feed. Addresses lose their capitals on the way, so there
//! are none.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use uuid::Uuid;

use crate::identity::keys::{Keys, Purpose};

/// Base 32 (RFC 4648 §6), in small letters.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes of the id.
const ID_BYTES: usize = 16;

/// Bytes of the proof. 2⁹⁶ is out of reach for somebody who has to ask us each time; and what stands before the @ may
/// have no more than 64 characters (RFC 5321 §4.5.3.1.1).
const PROOF_BYTES: usize = 12;

/// Characters of a token.
pub(super) const TOKEN_CHARS: usize = ((ID_BYTES + PROOF_BYTES) * 8).div_ceil(5);

/// The token of whatever has that id. It changes with the generation.
pub(super) fn make(keys: &Keys, purpose: Purpose, id: &str, generation: i64) -> String {
    let id = Uuid::try_parse(id).unwrap_or_default().into_bytes();
    let derived = keys.derive(purpose, &[&id, &generation.to_be_bytes()]);
    encode(&[&id[..], &derived[..PROOF_BYTES]].concat())
}

/// Whose token it says it is, in the usual form of ids. Nothing is proven by that.
pub(super) fn claimed_id(token: &str) -> Option<String> {
    let bytes = decode(token).filter(|_| token.len() == TOKEN_CHARS)?;
    Uuid::from_slice(bytes.get(..ID_BYTES)?).ok().map(|id| id.to_string())
}

/// Whether it is the token of whatever has that id and generation.
pub(super) fn is_proven(keys: &Keys, purpose: Purpose, id: &str, generation: i64, given: &str) -> bool {
    verify_slices_are_equal(make(keys, purpose, id, generation).as_bytes(), given.as_bytes()).is_ok()
}

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity((bytes.len() * 8).div_ceil(5));
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in bytes {
        bits = bits << 8 | u32::from(*byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(ALPHABET[(bits >> count & 31) as usize]));
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        text.push(char::from(ALPHABET[(bits << (5 - count) & 31) as usize]));
    }
    text
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == character)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).ok()?);
        }
        bits &= (1 << count) - 1;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_32_is_that_of_the_standard() {
        // Those of RFC 4648 §10 that are words.
        for (plain, encoded) in [("", ""), ("f", "my"), ("foo", "mzxw6"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(encode(plain.as_bytes()), encoded);
            assert_eq!(decode(encoded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(decode("A"), None);
        let id = Uuid::now_v7();
        let token = encode(&[&id.into_bytes()[..], &[7; PROOF_BYTES]].concat());
        assert_eq!(token.len(), TOKEN_CHARS);
        assert_eq!(claimed_id(&token), Some(id.to_string()));
        assert_eq!(claimed_id(&token[1..]), None);
    }
}
