// SPDX-License-Identifier: EUPL-1.2
//! The answers to what was not understood (RFC 4475 says which): they need no transaction.

use super::gate::Gate;
use crate::sip::flow::{Flow, reply_flow, stamp_source};
use crate::sip::parse::{Flaw, Malformed};

/// The answer, and where it goes. `None` for what is not answered.
pub(super) fn answer(gate: &Gate, flow: Flow, malformed: Malformed) -> Option<(Flow, Vec<u8>)> {
    let mut refusal = malformed.refusal?;
    let via = refusal.via.first_mut()?;
    stamp_source(via, flow.remote);
    let flow = reply_flow(flow, via);
    let tag = gate.tag(&refusal);
    Some((flow, refusal.to_bytes(&tag)))
}

/// Whether it was no message at all, only a sign of life.
pub(super) fn is_keep_alive(malformed: &Malformed) -> bool {
    malformed.flaw == Flaw::KeepAlive
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sip::message::Transport;
    use crate::sip::parse::parse;
    use crate::trunks::Trunks;

    fn refused(via_params: &str) -> (Flow, String) {
        let text = format!(
            "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bK1{via_params}\r\nFrom: <sip:a@a>;tag=1\r\n\
             To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n"
        );
        let remote = "198.51.100.1:40000".parse().unwrap();
        let (transport, local) = (Transport::Udp, "192.0.2.1:5060".parse().unwrap());
        let flow = Flow { transport, local, remote, connection: None, tls_name: None };
        let gate = Gate::new(Arc::new(Trunks::default()));
        let malformed = parse(text.as_bytes(), Transport::Udp).unwrap_err();
        let (flow, bytes) = answer(&gate, flow, malformed).unwrap();
        (flow, String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn it_goes_to_where_the_request_came_from_and_never_to_where_it_says() {
        let (flow, text) = refused(";rport");
        assert_eq!(flow.remote, "198.51.100.1:40000".parse::<std::net::SocketAddr>().unwrap());
        assert!(text.starts_with("SIP/2.0 400 "), "{text}");
        assert!(text.contains("rport=40000") && text.contains("received=198.51.100.1"), "{text}");
        let (flow, text) = refused("");
        assert_eq!(flow.remote, "198.51.100.1:5062".parse::<std::net::SocketAddr>().unwrap());
        assert!(text.contains("To: <sip:a@b>;tag="), "{text}");
    }
}
