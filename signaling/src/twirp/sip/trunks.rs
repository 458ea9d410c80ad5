// SPDX-License-Identifier: EUPL-1.2
//! Looking at trunks. They are made and changed over the REST API, which has more to say of them than LiveKit's messages.

use bus::phone::TrunkTransport;
use livekit_protocol as proto;

use super::super::error::TwirpError;
use super::super::service::Caller;
use crate::phone::trunks::overview::{TrunkOverview, overview};

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
    let shown = |trunk: TrunkOverview| proto::SipInboundTrunkInfo {
        sip_trunk_id: trunk.id,
        name: trunk.name,
        numbers: trunk.numbers,
        allowed_addresses: trunk.networks,
        auth_username: trunk.caller_username.unwrap_or_default(),
        ..Default::default()
    };
    let items = found(&caller, wanted, |trunk| Some(trunk.numbers.clone())).await?.into_iter().map(shown).collect();
    Ok(proto::ListSipInboundTrunkResponse { items })
}

/// Those by which we call.
pub(super) async fn list_outbound(
    caller: Caller,
    request: proto::ListSipOutboundTrunkRequest,
) -> Result<proto::ListSipOutboundTrunkResponse, TwirpError> {
    let wanted = Wanted { ids: request.trunk_ids, numbers: request.numbers, page: request.page };
    let numbers = |trunk: &TrunkOverview| Some(trunk.outgoing.as_ref()?.from.iter().cloned().collect());
    let shown = |trunk: TrunkOverview| {
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
    };
    let items = found(&caller, wanted, numbers).await?.into_iter().filter_map(shown).collect();
    Ok(proto::ListSipOutboundTrunkResponse { items })
}

/// The trunks that are wanted, by id. `numbers` says which each has, and `None` that it is not of the kind.
async fn found(
    caller: &Caller,
    wanted: Wanted,
    numbers: impl Fn(&TrunkOverview) -> Option<Vec<String>>,
) -> Result<Vec<TrunkOverview>, TwirpError> {
    if !caller.token.sip().admin {
        return Err(TwirpError::denied());
    }
    let all = overview(&mut caller.app.store.read().await?).await?;
    let Wanted { ids, numbers: some, page } = wanted;
    let page = page.unwrap_or_default();
    let limit = usize::try_from(page.limit).ok().filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    let is_wanted = |trunk: &TrunkOverview| {
        let Some(own) = numbers(trunk) else { return false };
        (ids.is_empty() || ids.contains(&trunk.id))
            && (some.is_empty() || some.iter().any(|number| own.contains(number)))
            && trunk.id > page.after_id
    };
    Ok(all.into_iter().filter(is_wanted).take(limit).collect())
}

const fn transport(transport: TrunkTransport) -> proto::SipTransport {
    match transport {
        TrunkTransport::Udp => proto::SipTransport::Udp,
        TrunkTransport::Tcp => proto::SipTransport::Tcp,
        TrunkTransport::Tls => proto::SipTransport::Tls,
    }
}
