// SPDX-License-Identifier: EUPL-1.2
//! How a call begins that comes in: what is called and by whom is looked up, and the call is answered or not.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bus::phone::{CallEnd, CallTerms, Decline, IncomingCall, PhoneNotice};
use chrono::Utc;
use store::StoreError;
use tokio::sync::watch;
use tracing::{debug, warn};

use super::attendant::Attendant;
use super::caller::{Caller, Way, now};
use super::caller_number::CallerNumber;
use super::{Begun, Call, Incoming, known_callers, tenant_slug};
use crate::app::App;
use crate::identity::keys::Purpose;
use crate::joining::by_phone::WaitsFrom;

/// Bytes of a call's id: 22 characters.
const CALL_ID_BYTES: usize = 16;

/// Looks after a call until it is over.
pub(super) async fn attend(app: Arc<App>, call: CallEnd, is_over: watch::Receiver<bool>) {
    let CallEnd { call, requests, notices } = call;
    // SIP's own name for it may have an address in it.
    debug!(call_id = call.call_id, trunk = call.trunk, "a call");
    let begun = begin(&app, &call).await;
    let first = match &begun {
        Ok(Ok((_, terms))) => PhoneNotice::Begun(terms.clone()),
        Ok(Err(decline)) => PhoneNotice::Declined(*decline),
        Err(error) => {
            warn!(%error, "a call cannot be answered");
            PhoneNotice::Declined(Decline::Unavailable)
        }
    };
    // It fits, being the first; where nobody takes it, the caller has hung up.
    if notices.try_send(first).is_err() {
        return;
    }
    if let Ok(Ok((caller, _))) = begun {
        Attendant::new(app, caller, (requests, notices), is_over).run().await;
    }
}

/// Finds out what is called, and by whom.
async fn begin(app: &App, incoming: &IncomingCall) -> Result<Result<(Caller, CallTerms), Decline>, StoreError> {
    let mut tx = app.store.read().await?;
    let Some(called) = app.phone.lines.find(&mut tx, &incoming.trunk, &incoming.called).await? else {
        return Ok(Err(Decline::UnknownNumber));
    };
    let tenant = tenant_slug::of_called(&mut tx, &called).await?;
    drop(tx);
    let user = incoming.caller.as_deref().unwrap_or_default();
    let number = CallerNumber::read(user, incoming.is_withheld, &called.trunk.dial_plan);
    let (trunk, peer, serves) = (&called.trunk, incoming.peer, called.serves.clone());
    let call = match Call::begin(app, now(), Incoming { trunk, peer, number: number.clone(), serves }).await? {
        Begun::Call(call) => call,
        Begun::Blocked(wait) => return Ok(Err(Decline::Blocked(wait))),
    };
    let id = URL_SAFE_NO_PAD.encode(rand::random::<[u8; CALL_ID_BYTES]>());
    let vouched = number.number().filter(|_| trunk.trusts_caller_ids);
    let known = vouched.map(|number| known_callers::mark(&app.installation, number.as_str()));
    let parts: [&[u8]; 3] = [b"waiting", trunk.id.as_bytes(), known.as_deref().unwrap_or_default().as_bytes()];
    let source =
        WaitsFrom { mark: app.installation.derive_text(Purpose::PhoneCaller, &parts), is_trunk: known.is_none() };
    // A number that nobody vouches for is no proof, but whoever is banned has to say another from then on.
    let said =
        || number.stated(incoming.caller.as_deref()).map(|said| known_callers::said_mark(&app.installation, &said));
    let mark = known.or_else(said).unwrap_or_else(|| known_callers::call_mark(&id));
    let entry = app.phone.calls.in_progress.enter(trunk.id.clone(), number.last_digits(), Utc::now());
    let terms = CallTerms { languages: called.languages, is_direct: called.direct.is_some(), tenant: tenant.clone() };
    let caller = Caller {
        bridge: incoming.bridge,
        own_number: Some(incoming.called.clone()),
        trunk: called.trunk.id,
        tenant,
        way: Way::In { call, direct: called.direct },
        number,
        mark,
        source,
        call: id,
        is_on_hold: false,
        entry,
    };
    Ok(Ok((caller, terms)))
}
