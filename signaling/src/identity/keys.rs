// SPDX-License-Identifier: EUPL-1.2
//! The installation's secret, and what is derived from it: links, PINs, cookies, tokens. So that these need not be stored,
//! and that all processes of a cluster make and know the same.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use store::{Store, StoreError, sql};

/// Bytes of the secret.
const SECRET_BYTES: usize = 32;

/// Its name in the table.
const NAME: &str = "derivation";

/// What a derived secret is for. One for one purpose says nothing about one for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Proof that a browser's request comes from our own pages.
    Csrf,
    /// What the browser keeps while somebody is at the identity provider.
    SignInState,
    /// Access tokens of OAuth clients.
    AccessToken,
    /// Personal links of invited people.
    InviteeLink,
    /// Links in mails by which invited people answer.
    AnswerLink,
    /// PINs for the telephone.
    PhonePin,
    /// How PINs are recognised.
    PhonePinLookup,
    /// How callers, and what they call, are counted and known again.
    PhoneCaller,
    /// Addresses of calendar feeds.
    CalendarFeed,
    /// Who a guest's browser is, from one visit to the next.
    GuestBrowser,
    /// What proves that the end of an audit chain was written down by us.
    AuditHead,
    /// What messages to webhooks are signed with.
    WebhookSecret,
    /// What trunks' passwords are sealed with.
    TrunkPassword,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Csrf => b"saal csrf",
            Self::SignInState => b"saal sign-in state",
            Self::AccessToken => b"saal access token",
            Self::InviteeLink => b"saal invitee link",
            Self::AnswerLink => b"saal answer link",
            Self::PhonePin => b"saal phone pin",
            Self::PhonePinLookup => b"saal phone pin lookup",
            Self::PhoneCaller => b"saal phone caller",
            Self::CalendarFeed => b"saal calendar feed",
            Self::GuestBrowser => b"saal guest browser",
            Self::AuditHead => b"saal audit head",
            Self::WebhookSecret => b"saal webhook secret",
            Self::TrunkPassword => b"saal trunk password",
        }
    }
}

/// The installation's secret.
#[derive(Clone)]
pub(crate) struct Keys(hmac::Key);

impl Keys {
    /// Reads it, or makes it when the database is new.
    ///
    /// # Errors
    ///
    /// Fails when the database does.
    pub(crate) async fn load(store: &Store) -> Result<Self, StoreError> {
        let mut tx = store.write().await?;
        let made: [u8; SECRET_BYTES] = rand::random();
        let insert = sql(
            "INSERT INTO installation_secrets (name, secret, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
        );
        tx.execute(insert.bind(NAME).bind(STANDARD.encode(made)).bind(Utc::now())).await?;
        let secret: Secret = tx.one(sql("SELECT secret FROM installation_secrets WHERE name = $1").bind(NAME)).await?;
        tx.commit().await?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &secret.0)))
    }

    /// 32 bytes that only this installation can work out from `parts`. Their lengths count: moving a byte from one part
    /// to the next makes another.
    pub(crate) fn derive(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [purpose.label()].into_iter().chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut derived = [0; 32];
        derived.copy_from_slice(context.sign().as_ref());
        derived
    }

    /// The same as text for links and cookies: 43 characters.
    pub(crate) fn derive_text(&self, purpose: Purpose, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(self.derive(purpose, parts))
    }

    /// Whether `text` is what [`Self::derive_text`] makes. Takes the same time wherever they differ.
    pub(crate) fn is_derived(&self, text: &str, purpose: Purpose, parts: &[&[u8]]) -> bool {
        let derived = self.derive_text(purpose, parts);
        aws_lc_rs::constant_time::verify_slices_are_equal(text.as_bytes(), derived.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

struct Secret(Vec<u8>);

impl store::FromRow for Secret {
    fn from_row(row: &store::Row) -> Result<Self, StoreError> {
        let text: String = row.get("secret")?;
        STANDARD.decode(text).map(Self).map_err(|_| StoreError::Senseless("the installation's secret".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::testing::TestStore;

    #[tokio::test]
    async fn the_secret_is_made_once() {
        for test in TestStore::both().await {
            let first = Keys::load(&test.store).await.expect("keys");
            let second = Keys::load(&test.store).await.expect("keys");
            let third = Keys::load(&TestStore::sqlite().await.store).await.expect("keys");
            let derive = |keys: &Keys| keys.derive(Purpose::Csrf, &[b"x"]);
            assert_eq!(derive(&first), derive(&second));
            assert_ne!(derive(&first), derive(&third));
        }
    }

    #[tokio::test]
    async fn purposes_and_parts_do_not_mix() {
        let keys = Keys::load(&TestStore::sqlite().await.store).await.expect("keys");
        let text = keys.derive_text(Purpose::Csrf, &[b"ab", b"c"]);
        assert!(keys.is_derived(&text, Purpose::Csrf, &[b"ab", b"c"]));
        assert!(!keys.is_derived(&text, Purpose::Csrf, &[b"a", b"bc"]));
        assert!(!keys.is_derived(&text, Purpose::InviteeLink, &[b"ab", b"c"]));
        assert!(!keys.is_derived("", Purpose::Csrf, &[b"ab", b"c"]));
    }
}
