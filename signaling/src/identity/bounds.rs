// SPDX-License-Identifier: EUPL-1.2
//! What software hands on: whatever a token or a client makes lives no longer than itself and is used from nowhere else.
//! Otherwise whoever stole one that is bound to a network, or about to end, could make one that is not.

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use super::caller::Actor;
use super::{api_tokens, oauth_clients};
use crate::api::context::Context;
use crate::api::problem::{Code, Invalid, Problem};

/// What bounds software, and what it makes. People are not bounded.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// Until when it can be used, if not for ever.
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// From where alone; from anywhere without any.
    networks: Vec<IpNet>,
}

impl Bounds {
    /// Those of whoever asks.
    pub(super) async fn of(context: &Context) -> Result<Self, Problem> {
        match context.caller.actor {
            Actor::ApiToken(id) => {
                let found = api_tokens::find(&mut context.read().await?, id).await?.ok_or(Code::Unauthenticated)?;
                Ok(Self { expires_at: Some(found.expires_at), networks: found.allowed_networks })
            }
            Actor::OauthClient(id) => {
                let found = oauth_clients::find(&mut context.read().await?, id).await?.ok_or(Code::Unauthenticated)?;
                Ok(Self { expires_at: found.expires_at, networks: found.allowed_networks })
            }
            _ => Ok(Self::default()),
        }
    }

    /// The networks that `names` name, which must be within; without any, those that there are.
    pub(super) fn networks(&self, names: &[String], invalid: &mut Invalid) -> Vec<IpNet> {
        let mut networks = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let pointer = format!("/allowed_networks/{index}");
            match name.parse::<IpNet>() {
                Ok(network) if self.has(&network) => networks.push(network.trunc()),
                Ok(_) => invalid.add(pointer, "forbidden-value"),
                Err(_) => invalid.add_with(pointer, "wrong-format", "10.20.0.0/16"),
            }
        }
        if names.is_empty() { self.networks.clone() } else { networks }
    }

    fn has(&self, network: &IpNet) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|own| own.contains(network))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_handed_on_whole_or_narrower() {
        let bounds = Bounds { expires_at: None, networks: vec!["10.20.0.0/16".parse().expect("a network")] };
        let networks = |names: &[&str]| {
            let mut invalid = Invalid::default();
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let found = bounds.networks(&names, &mut invalid);
            invalid.finish().is_ok().then(|| found.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(networks(&[]), Some(vec!["10.20.0.0/16".to_owned()]));
        assert_eq!(networks(&["10.20.7.9/24"]), Some(vec!["10.20.7.0/24".to_owned()]));
        for wider in ["10.0.0.0/8", "0.0.0.0/0", "192.0.2.0/24", "::/0", "::ffff:10.20.0.0/112"] {
            assert_eq!(networks(&["10.20.7.0/24", wider]), None, "{wider}");
        }
    }
}
