// SPDX-License-Identifier: EUPL-1.2
//! Looking at trunks and removing them. One of ours may be both of LiveKit's kinds at once, under one id.

use bus::phone::TrunkTransport;
use livekit_protocol as proto;

use super::super::error::TwirpError;
use super::super::service::Caller;
use super::refusals::{Subject, refused};
use super::{check_admin, limit};
use crate::phone::trunks::by_operator;
use crate::phone::trunks::overview::{TrunkOverview, overview};

const REMOVED: Subject = Subject {
    missing: "there is no such trunk",
    conflict: "numbers can be called by it alone; take them from it first",
    fields: &[],
};

/// Which trunks are asked for.
struct Wanted {
    ids: Vec<String>,
    /// Trunks with one of these.
    numbers: Vec<String>,
    page: Option<proto::Pagination>,
}

/// All trunks: each may call us.
pub(super) async fn list_inbound(
    caller: Caller,
    request: proto::ListSipInboundTrunkRequest,
) -> Result<proto::ListSipInboundTrunkResponse, TwirpError> {
    let wanted = Wanted { ids: request.trunk_ids, numbers: request.numbers, page: request.page };
    let items = found(&caller, wanted, |trunk| Some(trunk.numbers.clone())).await?.into_iter().map(inbound).collect();
    Ok(proto::ListSipInboundTrunkResponse { items })
}

/// Those by which we call.
pub(super) async fn list_outbound(
    caller: Caller,
    request: proto::ListSipOutboundTrunkRequest,
) -> Result<proto::ListSipOutboundTrunkResponse, TwirpError> {
    let wanted = Wanted { ids: request.trunk_ids, numbers: request.numbers, page: request.page };
    let numbers = |trunk: &TrunkOverview| Some(trunk.outgoing.as_ref()?.from.iter().cloned().collect());
    let items = found(&caller, wanted, numbers).await?.into_iter().filter_map(outbound).collect();
    Ok(proto::ListSipOutboundTrunkResponse { items })
}

/// Removes a trunk, of whichever kind.
pub(super) async fn delete(
    caller: Caller,
    request: proto::DeleteSipTrunkRequest,
) -> Result<proto::SipTrunkInfo, TwirpError> {
    check_admin(&caller)?;
    let removed = by_operator::remove(&caller.app, &request.sip_trunk_id).await;
    removed.map(both).map_err(|problem| refused(problem, &REMOVED))
}

/// As one by which others call.
pub(super) fn inbound(trunk: TrunkOverview) -> proto::SipInboundTrunkInfo {
    proto::SipInboundTrunkInfo {
        sip_trunk_id: trunk.id,
        name: trunk.name,
        numbers: trunk.numbers,
        allowed_addresses: trunk.networks,
        auth_username: trunk.caller_username.unwrap_or_default(),
        ..Default::default()
    }
}

/// As one by which we call; `None` where we do not.
pub(super) fn outbound(trunk: TrunkOverview) -> Option<proto::SipOutboundTrunkInfo> {
    let outgoing = trunk.outgoing?;
    Some(proto::SipOutboundTrunkInfo {
        sip_trunk_id: trunk.id,
        name: trunk.name,
        address: outgoing.address,
        transport: transport(outgoing.transport).into(),
        numbers: outgoing.from.into_iter().collect(),
        auth_username: outgoing.username.unwrap_or_default(),
        ..Default::default()
    })
}

/// As LiveKit's older trunks, which were of both kinds.
fn both(trunk: TrunkOverview) -> proto::SipTrunkInfo {
    let shown = proto::SipTrunkInfo {
        sip_trunk_id: trunk.id,
        name: trunk.name,
        inbound_addresses: trunk.networks,
        inbound_numbers: trunk.numbers,
        inbound_username: trunk.caller_username.unwrap_or_default(),
        ..Default::default()
    };
    let Some(outgoing) = trunk.outgoing else { return shown };
    proto::SipTrunkInfo {
        outbound_address: outgoing.address,
        outbound_number: outgoing.from.unwrap_or_default(),
        outbound_username: outgoing.username.unwrap_or_default(),
        transport: transport(outgoing.transport).into(),
        ..shown
    }
}

/// The trunks that are wanted, by id. `numbers` says which each has, and `None` that it is not of the kind.
async fn found(
    caller: &Caller,
    wanted: Wanted,
    numbers: impl Fn(&TrunkOverview) -> Option<Vec<String>>,
) -> Result<Vec<TrunkOverview>, TwirpError> {
    check_admin(caller)?;
    let all = overview(&mut caller.app.store.read().await?).await?;
    let Wanted { ids, numbers: some, page } = wanted;
    let page = page.unwrap_or_default();
    let is_wanted = |trunk: &TrunkOverview| {
        let Some(own) = numbers(trunk) else { return false };
        (ids.is_empty() || ids.contains(&trunk.id))
            && (some.is_empty() || some.iter().any(|number| own.contains(number)))
            && trunk.id > page.after_id
    };
    Ok(all.into_iter().filter(is_wanted).take(limit(&page)).collect())
}

const fn transport(transport: TrunkTransport) -> proto::SipTransport {
    match transport {
        TrunkTransport::Udp => proto::SipTransport::Udp,
        TrunkTransport::Tcp => proto::SipTransport::Tcp,
        TrunkTransport::Tls => proto::SipTransport::Tls,
    }
}
