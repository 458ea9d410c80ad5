// SPDX-License-Identifier: EUPL-1.2
//! Writes session descriptions, in the order of lines that RFC 8866 §9 demands.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::description::{Address, Attribute, SessionDescription};

impl SessionDescription {
    /// Its text, with lines that end in CR LF. It may have keys in it, so it is nothing for a log.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(512);
        let origin = &self.origin;
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "v=0\r\no={} {} {} {}\r\ns={}\r\n",
            origin.username,
            origin.session_id,
            origin.session_version,
            address(&origin.address),
            self.session_name
        );
        connection(&mut text, self.connection.as_ref());
        let _ = write!(text, "t={} {}\r\n", self.timing.0, self.timing.1);
        attributes(&mut text, &self.attributes);
        for media in &self.media {
            let _ = write!(text, "m={} {} {} {}\r\n", media.kind, media.port, media.protocol, media.formats.join(" "));
            connection(&mut text, media.connection.as_ref());
            attributes(&mut text, &media.attributes);
        }
        text
    }
}

fn connection(text: &mut String, connection: Option<&Address>) {
    if let Some(connection) = connection {
        let _ = write!(text, "c={}\r\n", address(connection));
    }
}

pub(super) fn address(address: &Address) -> String {
    match address {
        Address::Ip(IpAddr::V4(ip)) => format!("IN IP4 {ip}"),
        Address::Ip(IpAddr::V6(ip)) => format!("IN IP6 {ip}"),
        Address::Name { name, is_ipv6: false } => format!("IN IP4 {name}"),
        Address::Name { name, is_ipv6: true } => format!("IN IP6 {name}"),
    }
}

fn attributes(text: &mut String, attributes: &[Attribute]) {
    for attribute in attributes {
        let _ = match &attribute.value {
            Some(value) => write!(text, "a={}:{value}\r\n", attribute.name),
            None => write!(text, "a={}\r\n", attribute.name),
        };
    }
}
