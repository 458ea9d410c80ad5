// SPDX-License-Identifier: EUPL-1.2
//! Coming in by telephone. A caller has no client that asks: what one would say is known here, and all else is looked at as
//! for a websocket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use livekit_protocol::JoinRequest;

use super::admission::{self, Admitted, Refusal};
use crate::app::App;
use crate::auth::room_token::InvalidToken;
use crate::rooms::caller_rule::CallerFacts;
use crate::rooms::details::is_reserved;
use crate::rooms::info::ParticipantKind;
use crate::rooms::input::Connection;

/// Looks at a caller's room token. They show these attributes beside those that the token names, and of what is known of them
/// what the room wants.
///
/// # Errors
///
/// Fails as it does for a websocket.
pub(crate) async fn admit(
    app: &Arc<App>,
    token: &str,
    bridge: u16,
    attributes: &BTreeMap<String, String>,
    caller: &CallerFacts,
) -> Result<Admitted, Refusal> {
    let admit = || {
        let mut token = app.keys.verify(token).map_err(|InvalidToken| Refusal::invalid_token())?;
        ParticipantKind::SIP.clone_into(&mut token.claims.kind);
        let shown = attributes.iter().filter(|(name, _)| !is_reserved(name));
        let shown = shown.map(|(name, value)| (name.clone(), value.clone()));
        token.claims.attributes.get_or_insert_default().extend(shown);
        let connection = Connection::Telephone { bridge };
        admission::look_at(app, SystemTime::now(), token, Ok(JoinRequest::default()), connection)
    };
    let admitted = admission::or_revive(app, admit).await?;
    Ok(Admitted { caller: Some(caller.clone()), ..admitted })
}
