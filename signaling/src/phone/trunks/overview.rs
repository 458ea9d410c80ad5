// SPDX-License-Identifier: EUPL-1.2
//! What other software's lists of trunks have of ours. Passwords are in none.

use bus::phone::TrunkTransport;
use store::{StoreError, Tx};

use super::model::StoredTrunk;
use super::table;
use crate::phone::numbers;

/// A trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrunkOverview {
    pub(crate) id: String,
    pub(crate) name: String,
    /// From where it calls, beside its destination.
    pub(crate) networks: Vec<String>,
    /// The name that its calls prove to be by.
    pub(crate) caller_username: Option<String>,
    /// The numbers that can be called by it alone.
    pub(crate) numbers: Vec<String>,
    /// How we call by it; `None`: we do not.
    pub(crate) outgoing: Option<OutgoingOverview>,
}

/// How we call by a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutgoingOverview {
    /// Its first destination, with a port where one is set.
    pub(crate) address: String,
    pub(crate) transport: TrunkTransport,
    /// Our number.
    pub(crate) from: Option<String>,
    /// The name that we prove to be by.
    pub(crate) username: Option<String>,
}

/// All trunks that are on, by id.
pub(crate) async fn overview(tx: &mut Tx) -> Result<Vec<TrunkOverview>, StoreError> {
    let numbers = numbers::by_trunk(tx).await?;
    let trunks = table::all(tx).await?.into_iter().filter(|trunk| trunk.input.is_enabled);
    let shown = trunks.map(|trunk| {
        let own = numbers.iter().filter(|(of, _)| *of == trunk.id).map(|(_, number)| number.clone());
        TrunkOverview::of(own.collect(), trunk)
    });
    Ok(shown.collect())
}

impl TrunkOverview {
    /// A trunk with the numbers that can be called by it alone.
    pub(super) fn of(numbers: Vec<String>, trunk: StoredTrunk) -> Self {
        let StoredTrunk { id, input, .. } = trunk;
        let username = input.credentials.map(|credentials| credentials.username);
        let outgoing = input.outgoing.zip(input.destinations.first()).map(|(outgoing, first)| OutgoingOverview {
            address: address(&first.host, first.port),
            transport: first.transport.into(),
            from: outgoing.from,
            username,
        });
        Self {
            id,
            name: input.name,
            networks: input.networks,
            caller_username: input.caller_credentials.map(|credentials| credentials.username),
            numbers,
            outgoing,
        }
    }
}

/// As in a URI (RFC 3261 §25.1).
fn address(host: &str, port: Option<u16>) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_as_in_a_uri() {
        for (host, port, written) in [
            ("sip.example.org", None, "sip.example.org"),
            ("sip.example.org", Some(5061), "sip.example.org:5061"),
            ("2001:db8::1", None, "[2001:db8::1]"),
            ("2001:db8::1", Some(5060), "[2001:db8::1]:5060"),
        ] {
            assert_eq!(address(host, port), written);
        }
    }
}
