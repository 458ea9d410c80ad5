// SPDX-License-Identifier: EUPL-1.2
//! Somebody in a room who asks the API with the token that let them in. They see the room's session, and moderate it if the
//! token says so; nothing else is open to them.

use std::time::SystemTime;

use super::caller::{Actor, Caller};
use super::scopes::{Scope, Scopes};
use crate::app::App;

/// Who it is, if the token is genuine, current, and for one room.
pub(crate) fn caller(app: &App, token: &str) -> Option<Caller> {
    let token = app.keys.verify(token).ok()?;
    let (room, identity) = (token.grants.room.clone(), token.identity().to_owned());
    // A token without these is an application's own, for LiveKit's API.
    if !token.grants.room_join || room.is_empty() || identity.is_empty() {
        return None;
    }
    if app.revocations.is_revoked(SystemTime::now(), &room, &identity, token.issued_at()) {
        return None;
    }
    let mut scopes: Scopes = [Scope::SessionsRead].into_iter().collect();
    if token.grants.room_admin {
        scopes.0.insert(Scope::SessionsModerate);
    }
    let actor = Actor::Participant { room, identity };
    let own_scopes = scopes.clone();
    Some(Caller { actor, tenant: None, role: None, on_behalf_of: None, scopes, own_scopes, acr: None })
}
