// SPDX-License-Identifier: EUPL-1.2
//! Passwords of trunks as they are stored: sealed with AES-256-GCM (RFC 5116 §5.2) under a key that is derived from the
//! installation's secret. They cannot be derived themselves, being somebody else's. Trunk and field are authenticated, so that
//! no sealed password can be put in another's place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use zeroize::Zeroizing;

use crate::identity::keys::{Keys, Purpose};

/// Which of a trunk's passwords it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// That of its calls.
    Caller,
    /// That of ours.
    Own,
}

/// Seals a password. A nonce of its own stands before it.
pub(super) fn seal(keys: &Keys, trunk: &str, field: Field, password: &str) -> Result<Vec<u8>, Unspecified> {
    let mut text = Vec::with_capacity(password.len() + AES_256_GCM.tag_len());
    text.extend_from_slice(password.as_bytes());
    let nonce = key(keys)?.seal_in_place_append_tag(belongs(trunk, field), &mut text)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut text);
    Ok(sealed)
}

/// The password. `None`: it was sealed by another installation, for another place, or is damaged.
pub(super) fn open(keys: &Keys, trunk: &str, field: Field, sealed: &[u8]) -> Option<Zeroizing<String>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let opened = key(keys).ok()?.open_in_place(nonce, belongs(trunk, field), &mut text).ok()?;
    std::str::from_utf8(opened).ok().map(|password| Zeroizing::new(password.to_owned()))
}

fn key(keys: &Keys) -> Result<RandomizedNonceKey, Unspecified> {
    let key = Zeroizing::new(keys.derive(Purpose::TrunkPassword, &[]));
    RandomizedNonceKey::new(&AES_256_GCM, key.as_slice())
}

/// What is authenticated with a password. An id has no blank in it.
fn belongs(trunk: &str, field: Field) -> Aad<String> {
    let field = match field {
        Field::Caller => "caller",
        Field::Own => "own",
    };
    Aad::from(format!("{field} {trunk}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::testing::TestStore;

    async fn keys() -> Keys {
        Keys::load(&TestStore::sqlite().await.store).await.expect("keys")
    }

    #[tokio::test]
    async fn only_its_place_opens_a_password() {
        let keys = keys().await;
        let sealed = seal(&keys, "provider", Field::Own, "hush").expect("sealed");
        let opened = |trunk, field, sealed: &[u8]| open(&keys, trunk, field, sealed).map(|text| text.to_string());
        assert_eq!(opened("provider", Field::Own, &sealed).as_deref(), Some("hush"));
        assert_eq!(opened("provider", Field::Caller, &sealed), None);
        assert_eq!(opened("another", Field::Own, &sealed), None);
        let mut damaged = sealed.clone();
        damaged[NONCE_LEN] ^= 1;
        for damaged in [damaged.as_slice(), &sealed[..sealed.len() - 1], &sealed[..5], &[]] {
            assert_eq!(opened("provider", Field::Own, damaged), None);
        }
        assert!(open(&self::keys().await, "provider", Field::Own, &sealed).is_none(), "of another installation");
    }

    #[tokio::test]
    async fn what_is_stored_shows_nothing_and_never_the_same() {
        let keys = keys().await;
        let [first, second] = [(); 2].map(|()| seal(&keys, "provider", Field::Own, "hush").expect("sealed"));
        assert!(!first.windows(4).any(|part| part == b"hush"));
        assert_ne!(first, second, "the nonce is another");
    }
}
