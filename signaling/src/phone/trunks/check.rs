// SPDX-License-Identifier: EUPL-1.2
//! What is wrong with a trunk in ways that a schema does not say. It looks nothing up.

use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{PhoneTrunkInput, StoredTrunk};
use crate::api::problem::{Invalid, Problem};
use crate::phone::lines::DEV_TRUNK;

/// The id of a trunk whose name has nothing for one.
const UNNAMED: &str = "trunk";

/// Characters of an id that is made of a name, so that a number fits behind it: an id has 63 at most.
const MADE_CHARS: usize = 50;

/// Shorter prefixes are no provider's or exchange's network, which is an /8 at most, or in IPv6 a /16 to be safe.
const SHORTEST_PREFIX_V4: u8 = 8;
const SHORTEST_PREFIX_V6: u8 = 16;

/// The input in the form in which it is stored. `found` is the trunk as it is, and `others` are all others.
pub(super) fn checked(
    mut input: PhoneTrunkInput,
    found: Option<&StoredTrunk>,
    others: &[StoredTrunk],
) -> Result<PhoneTrunkInput, Problem> {
    let mut invalid = Invalid::default();
    match (&input.id, found) {
        (Some(id), Some(found)) if *id != found.id => invalid.add("/id", "unchangeable"),
        (Some(id), None) if id == DEV_TRUNK => invalid.add("/id", "forbidden-value"),
        _ => {}
    }
    let has_networks = !input.networks.is_empty();
    input.networks = networks(&input, others, &mut invalid);
    for (index, destination) in input.destinations.iter_mut().enumerate() {
        let pointer = format!("/destinations/{index}/host");
        destination.host.make_ascii_lowercase();
        match destination.address() {
            Some(address) if address.is_unspecified() || address.is_multicast() => {
                invalid.add(pointer, "forbidden-value");
            }
            Some(address) => destination.host = address.to_string(),
            None if !is_domain(&destination.host) => invalid.add_with(pointer, "wrong-format", "sip.example.org"),
            None => {}
        }
    }
    for (index, destination) in input.destinations.iter().enumerate() {
        if input.destinations[..index].contains(destination) {
            invalid.add(format!("/destinations/{index}"), "repeated");
        }
    }
    if let Some(registration) = &mut input.registration {
        registration.domain.make_ascii_lowercase();
        if !is_host(&registration.domain) {
            invalid.add_with("/registration/domain", "wrong-format", "example.org");
        }
        if input.destinations.is_empty() {
            invalid.add("/destinations", "required");
        }
    } else if !has_networks && input.destinations.is_empty() {
        // Nobody would be this trunk.
        invalid.add("/networks", "required");
    }
    if input.caller_credentials.is_some() && !has_networks && !input.destinations.is_empty() {
        invalid.add("/networks", "required");
    }
    if input.outgoing.is_some() && input.destinations.is_empty() {
        // There would be nowhere to call.
        invalid.add("/destinations", "required");
    }
    let known = found.map(|found| &found.input);
    let places = [
        ("/caller_credentials", &input.caller_credentials, known.and_then(|known| known.caller_credentials.as_ref())),
        ("/credentials", &input.credentials, known.and_then(|known| known.credentials.as_ref())),
    ];
    for (place, wanted, known) in places {
        if wanted.as_ref().is_some_and(|wanted| wanted.password.is_none()) && known.is_none() {
            invalid.add(format!("{place}/password"), "required");
        }
    }
    invalid.finish()?;
    Ok(PhoneTrunkInput { id: None, ..input })
}

/// The networks as they are written for comparing.
fn networks(input: &PhoneTrunkInput, others: &[StoredTrunk], invalid: &mut Invalid) -> Vec<String> {
    let mut networks = Vec::new();
    for (index, name) in input.networks.iter().enumerate() {
        let pointer = format!("/networks/{index}");
        let Some(network) = network(name) else {
            invalid.add_with(pointer, "wrong-format", "192.0.2.0/24");
            continue;
        };
        let text = network.to_string();
        // Everybody is nobody in particular, unless they prove it.
        if is_everybody(network) && input.caller_credentials.is_none() {
            invalid.add(pointer, "forbidden-value");
        } else if networks.contains(&text) {
            invalid.add(pointer, "repeated");
        } else if let Some(other) = others.iter().find(|other| is_the_same(&text, input, &other.input)) {
            invalid.add_with(pointer, "contradiction", format!("networks of {}", other.id));
        } else {
            networks.push(text);
        }
    }
    networks
}

/// A network, or the one of a single address.
fn network(name: &str) -> Option<IpNet> {
    let network = name.parse::<IpNet>().ok().or_else(|| name.parse::<IpAddr>().ok().map(IpNet::from))?;
    Some(network.trunc())
}

/// A network or an address as it is written for comparing; as it is where it is neither.
pub(crate) fn in_one_form(name: &str) -> String {
    network(name).map_or_else(|| name.to_owned(), |network| network.to_string())
}

/// Whether a network has more in it than belongs to anybody.
const fn is_everybody(network: IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() < SHORTEST_PREFIX_V4,
        IpNet::V6(network) => network.prefix_len() < SHORTEST_PREFIX_V6,
    }
}

/// Whether it could not be told of a call from that network which of two trunks it is of.
fn is_the_same(network: &str, input: &PhoneTrunkInput, other: &PhoneTrunkInput) -> bool {
    let [own, others] = [input, other].map(|trunk| trunk.caller_credentials.as_ref().map(|known| &known.username));
    other.networks.iter().any(|known| known == network) && (own.is_none() || others.is_none() || own == others)
}

fn is_host(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || is_domain(name)
}

/// A name as RFC 1123 §2.1 has it. The last part is no number, or it would be an address gone wrong.
fn is_domain(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253 && name.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// An id made of a name, which no other trunk has.
pub(super) fn free_id(name: &str, others: &[StoredTrunk]) -> String {
    let mut made = String::new();
    for character in name.to_lowercase().chars() {
        match character {
            'ä' => made.push_str("ae"),
            'ö' => made.push_str("oe"),
            'ü' => made.push_str("ue"), // spelling: no English
            'ß' => made.push_str("ss"),
            character if character.is_ascii_alphanumeric() => made.push(character),
            _ if made.ends_with('-') => {}
            _ => made.push('-'),
        }
    }
    made.truncate(MADE_CHARS);
    let made = made.trim_matches('-');
    let made = if made.is_empty() { UNNAMED } else { made };
    let is_free = |id: &String| id != DEV_TRUNK && !others.iter().any(|other| other.id == *id);
    let numbered = (2_usize..).map(|number| format!("{made}-{number}"));
    // One more than there are others is enough.
    let mut ids = [made.to_owned()].into_iter().chain(numbered);
    ids.find(is_free).unwrap_or_else(|| made.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use serde_json::{Value, json};

    fn input(json: Value) -> PhoneTrunkInput {
        serde_json::from_value(json).expect("an input")
    }

    fn stored(id: &str, differs: Value) -> StoredTrunk {
        let mut json = json!({ "name": id });
        for (name, value) in differs.as_object().into_iter().flatten() {
            json[name] = value.clone();
        }
        let (now, input) = (Utc::now(), input(json));
        let (caller_password, password) = (None, None);
        StoredTrunk {
            id: id.to_owned(),
            input,
            caller_password,
            password,
            revision: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// What is wrong with a trunk, where there is another one.
    fn wrong(differs: Value) -> Vec<String> {
        let other = stored("other", json!({ "networks": ["198.51.100.0/24"] }));
        let trunk = stored("new", differs);
        let Err(problem) = checked(trunk.input, None, &[other]) else { return Vec::new() };
        let document = problem.document(crate::api::language::Language::En);
        let errors = document["errors"].as_array().expect("errors").iter();
        errors.map(|error| format!("{} {}", error["pointer"], error["code"]).replace('"', "")).collect()
    }

    #[test]
    fn what_is_good_is_taken_in_one_form() {
        let trunk = input(json!({ "name": "A", "networks": ["192.0.2.77/24", "2001:db8::1"],
            "destinations": [{ "host": "SIP.Example.org", "transport": "tls" }, { "host": "2001:DB8::2", "transport": "udp" }],
            "registration": { "domain": "Example.org", "user": "4930900" } }));
        let checked = checked(trunk, None, &[]).expect("good");
        assert_eq!(checked.networks, ["192.0.2.0/24", "2001:db8::1/128"]);
        assert!(wrong(json!({ "networks": ["10.0.0.0/8", "2001::/16"] })).is_empty(), "large ones are some people's");
        let hosts: Vec<_> = checked.destinations.iter().map(|destination| destination.host.as_str()).collect();
        assert_eq!(hosts, ["sip.example.org", "2001:db8::2"]);
        assert_eq!(checked.registration.expect("one").domain, "example.org");
    }

    #[test]
    fn what_cannot_work_is_refused_by_its_place() {
        let udp = |host: &str| json!({ "host": host, "transport": "udp" });
        let registration = json!({ "domain": "example.org", "user": "a" });
        for (differs, expected) in [
            (json!({}), "/networks required"),
            (json!({ "networks": ["192.0.2.0/33"] }), "/networks/0 wrong-format"),
            (json!({ "networks": ["192.0.2.1", "192.0.2.1/32"] }), "/networks/1 repeated"),
            (json!({ "networks": ["0.0.0.0/0"] }), "/networks/0 forbidden-value"),
            (json!({ "networks": ["128.0.0.0/7"] }), "/networks/0 forbidden-value"),
            (json!({ "networks": ["2000::/15"] }), "/networks/0 forbidden-value"),
            (json!({ "networks": ["198.51.100.9/24"] }), "/networks/0 contradiction"),
            (json!({ "destinations": [udp("sip..org")] }), "/destinations/0/host wrong-format"),
            (json!({ "destinations": [udp("-a.org")] }), "/destinations/0/host wrong-format"),
            (json!({ "destinations": [udp("192.0.2.256")] }), "/destinations/0/host wrong-format"),
            (json!({ "destinations": [udp("[2001:db8::1]")] }), "/destinations/0/host wrong-format"),
            (json!({ "destinations": [udp("0.0.0.0")] }), "/destinations/0/host forbidden-value"),
            (json!({ "destinations": [udp("a.org"), udp("A.org")] }), "/destinations/1 repeated"),
            (json!({ "networks": ["192.0.2.1"], "registration": registration }), "/destinations required"),
            (
                json!({ "destinations": [udp("a.org")], "registration": { "domain": "a b", "user": "a" } }),
                "/registration/domain wrong-format",
            ),
            (json!({ "networks": ["192.0.2.1"], "outgoing": {} }), "/destinations required"),
            (
                json!({ "networks": ["192.0.2.1"], "credentials": { "username": "a" } }),
                "/credentials/password required",
            ),
            (
                json!({ "destinations": [udp("a.org")], "caller_credentials": { "username": "a", "password": "b" } }),
                "/networks required",
            ),
        ] {
            assert!(wrong(differs.clone()).contains(&expected.to_owned()), "{differs}: {:?}", wrong(differs.clone()));
        }
    }

    #[test]
    fn trunks_share_a_network_when_names_tell_them_apart() {
        let of = |username: &str| json!({ "username": username, "password": "b" });
        let other = stored("other", json!({ "networks": ["198.51.100.0/24"], "caller_credentials": of("other") }));
        let check = |differs: Value| checked(stored("new", differs).input, None, std::slice::from_ref(&other)).is_ok();
        assert!(check(json!({ "networks": ["198.51.100.0/24"], "caller_credentials": of("new") })));
        assert!(!check(json!({ "networks": ["198.51.100.0/24"], "caller_credentials": of("other") })));
        assert!(!check(json!({ "networks": ["198.51.100.0/24"] })));
        assert!(check(json!({ "networks": ["198.51.100.0/25"] })), "the smaller one counts");
        assert!(check(json!({ "networks": ["0.0.0.0/0"], "caller_credentials": of("new") })));
    }

    #[test]
    fn an_id_stays_and_one_that_is_made_is_free() {
        let found =
            stored("a", json!({ "networks": ["192.0.2.1"], "credentials": { "username": "a", "password": "b" } }));
        let check = |differs: Value| checked(stored("x", differs).input, Some(&found), &[]).is_ok();
        assert!(check(json!({ "id": "a", "networks": ["192.0.2.1"] })));
        assert!(!check(json!({ "id": "b", "networks": ["192.0.2.1"] })));
        let keeps = json!({ "networks": ["192.0.2.1"], "credentials": { "username": "c" } });
        assert!(check(keeps), "the password that is there stays");
        let others = ["telefon-sued", "trunk"].map(|id| stored(id, json!({})));
        for (name, id) in
            [("Telefon Süd", "telefon-sued-2"), ("…", "trunk-2"), ("dev", "dev-2"), ("  A/B  & C ", "a-b-c")]
        {
            assert_eq!(free_id(name, &others), id);
        }
        assert_eq!(free_id(&"long ".repeat(40), &[]).len(), 49);
    }
}
