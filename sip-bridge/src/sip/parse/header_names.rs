// SPDX-License-Identifier: EUPL-1.2
//! Names of headers: compact forms (RFC 3261 §7.3.3) and the case in which the standards write them.

/// Compact forms, sorted, with what they stand for. From the registry of header fields of SIP at IANA.
const COMPACT: [(u8, &str); 20] = [
    (b'a', "Accept-Contact"),
    (b'b', "Referred-By"),
    (b'c', "Content-Type"),
    (b'd', "Request-Disposition"),
    (b'e', "Content-Encoding"),
    (b'f', "From"),
    (b'i', "Call-ID"),
    (b'j', "Reject-Contact"),
    (b'k', "Supported"),
    (b'l', "Content-Length"),
    (b'm', "Contact"),
    (b'n', "Identity-Info"),
    (b'o', "Event"),
    (b'r', "Refer-To"),
    (b's', "Subject"),
    (b't', "To"),
    (b'u', "Allow-Events"),
    (b'v', "Via"),
    (b'x', "Session-Expires"),
    (b'y', "Identity"),
];

/// Names as the standards write them, in the order of their lower case.
const KNOWN: [&str; 88] = [
    "Accept",
    "Accept-Contact",
    "Accept-Encoding",
    "Accept-Language",
    "Alert-Info",
    "Allow",
    "Allow-Events",
    "Answer-Mode",
    "Authentication-Info",
    "Authorization",
    "Call-ID",
    "Call-Info",
    "Contact",
    "Content-Disposition",
    "Content-Encoding",
    "Content-ID",
    "Content-Language",
    "Content-Length",
    "Content-Transfer-Encoding",
    "Content-Type",
    "CSeq",
    "Date",
    "Diversion",
    "Error-Info",
    "Event",
    "Expires",
    "Flow-Timer",
    "From",
    "Geolocation",
    "Geolocation-Error",
    "Geolocation-Routing",
    "History-Info",
    "Identity",
    "Identity-Info",
    "In-Reply-To",
    "Info-Package",
    "Join",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Organization",
    "P-Access-Network-Info",
    "P-Asserted-Identity",
    "P-Associated-URI",
    "P-Called-Party-ID",
    "P-Charging-Function-Addresses",
    "P-Charging-Vector",
    "P-Early-Media",
    "P-Preferred-Identity",
    "P-Visited-Network-ID",
    "Path",
    "Priority",
    "Privacy",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Require",
    "RAck",
    "Reason",
    "Record-Route",
    "Recv-Info",
    "Refer-Sub",
    "Refer-To",
    "Referred-By",
    "Reject-Contact",
    "Remote-Party-ID",
    "Replaces",
    "Reply-To",
    "Request-Disposition",
    "Require",
    "Retry-After",
    "Route",
    "RSeq",
    "Server",
    "Service-Route",
    "Session-Expires",
    "Session-ID",
    "Subject",
    "Subscription-State",
    "Supported",
    "Timestamp",
    "To",
    "Unsupported",
    "User-Agent",
    "User-to-User",
    "Via",
    "Warning",
    "WWW-Authenticate",
];

/// The full name in the standard's case; a name that no standard knows stays as it is.
pub(super) fn canonical(name: &str) -> &str {
    if let [letter] = name.as_bytes() {
        let letter = letter.to_ascii_lowercase();
        return COMPACT.iter().find(|(compact, _)| *compact == letter).map_or(name, |(_, full)| full);
    }
    let lower = |known: &&str| {
        known.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(name.bytes().map(|byte| byte.to_ascii_lowercase()))
    };
    KNOWN.binary_search_by(lower).map_or(name, |at| KNOWN.get(at).copied().unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        for known in KNOWN {
            assert_eq!(canonical(&known.to_ascii_uppercase()), known);
            assert_eq!(canonical(&known.to_ascii_lowercase()), known);
        }
        assert_eq!(canonical("X-Other"), "X-Other");
    }

    #[test]
    fn compact_forms_are_expanded() {
        assert_eq!(canonical("v"), "Via");
        assert_eq!(canonical("X"), "Session-Expires");
        assert_eq!(canonical("z"), "z");
        for (_, full) in COMPACT {
            assert_eq!(canonical(full), full);
        }
    }
}
