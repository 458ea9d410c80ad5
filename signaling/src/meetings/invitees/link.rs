// SPDX-License-Identifier: EUPL-1.2
//! Personal links: `/m/{code}#i={token}`. The token is behind the `#`, so no server and no proxy writes it down.

use store::{StoreError, Tx};

use super::super::model::{Invitee, Meeting};
use super::table;
use crate::api::ids::InviteeId;
use crate::config::Config;
use crate::identity::keys::{Keys, Purpose};

/// The token of an invitee's link. It begins with their id and ends with the proof.
pub(crate) fn token(keys: &Keys, invitee: &Invitee) -> String {
    let id = invitee.id.to_string();
    let generation = invitee.link_generation.to_be_bytes();
    format!("{id}.{}", keys.derive_text(Purpose::InviteeLink, &[id.as_bytes(), &generation]))
}

/// An invitee's link.
pub(crate) fn url(config: &Config, keys: &Keys, meeting: &Meeting, invitee: &Invitee) -> String {
    format!("{}#i={}", config.join_url(&meeting.code), token(keys, invitee))
}

/// Whose link it is, if it is one to this meeting. It may have been withdrawn: see `revoked_at`.
pub(crate) async fn invitee(
    tx: &mut Tx,
    keys: &Keys,
    meeting: &Meeting,
    given: &str,
) -> Result<Option<Invitee>, StoreError> {
    let Some(id) = given.split_once('.').and_then(|(id, _)| InviteeId::parse(id)) else { return Ok(None) };
    let found = table::find(tx, meeting.id, id).await?;
    let is_proven = |invitee: &Invitee| {
        let expected = token(keys, invitee);
        aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
    };
    Ok(found.filter(is_proven))
}
