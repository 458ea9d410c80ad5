// SPDX-License-Identifier: EUPL-1.2
//! The lobby: who wants in and has to wait, one queue before each meeting. It is stored, so a restart costs nobody their
//! place. A browser asks again and again, and is answered as soon as something changes; for a caller, the call looks.

pub(crate) mod queue;
mod routes;
pub(crate) mod table;
pub(crate) mod ticket;
mod wakeups;

pub(crate) use self::routes::{LOOK_INTERVAL, SEEN_NOTED_EVERY, routes};
pub(crate) use self::wakeups::Lobby;

use std::sync::Arc;

use serde_json::json;
use store::StoreError;

use crate::api::ids::MeetingSessionId;
use crate::app::App;
use crate::joining::admission::ROOM_PATIENCE;
use crate::meeting_sessions::model::room_name;
use crate::rooms::input::{Control, NoticeAudience};

/// The topic of what moderators hear of the lobby.
const TOPIC: &str = "saal.lobby";

/// Tells those who moderate in the room how many wait, and has everybody who waits look again.
pub(crate) async fn changed(app: &Arc<App>, venue: &str, session: Option<MeetingSessionId>) -> Result<(), StoreError> {
    app.lobby.wake(venue);
    let Some(room) = session.and_then(|session| app.directory.get(&room_name(session))) else { return Ok(()) };
    let waiting = table::count(&mut app.store.read().await?, venue, chrono::Utc::now()).await?;
    let payload = json!({ "kind": "lobby", "waiting": waiting }).to_string();
    let tell = Control::Tell { audience: NoticeAudience::Moderators, topic: TOPIC, payload };
    // A room that is over has nobody to be told, and one that is busy tells it when it gets to it.
    drop(tokio::time::timeout(ROOM_PATIENCE, room.control(tell)).await);
    Ok(())
}
