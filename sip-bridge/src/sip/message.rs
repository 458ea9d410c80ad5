// SPDX-License-Identifier: EUPL-1.2
//! A SIP message as the rest of the bridge sees it: what every message must have is parsed, all else is text.

use std::fmt;
use std::net::IpAddr;

/// What a request wants. Names of methods are case-sensitive (RFC 3261 §7.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Method {
    Invite,
    Ack,
    Bye,
    Cancel,
    Options,
    Register,
    Prack,
    Update,
    Info,
    Refer,
    Notify,
    Subscribe,
    Message,
    Publish,
    /// One that we do not know, which is answered with 405 or 501.
    Other(String),
}

impl Method {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Invite => "INVITE",
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Options => "OPTIONS",
            Self::Register => "REGISTER",
            Self::Prack => "PRACK",
            Self::Update => "UPDATE",
            Self::Info => "INFO",
            Self::Refer => "REFER",
            Self::Notify => "NOTIFY",
            Self::Subscribe => "SUBSCRIBE",
            Self::Message => "MESSAGE",
            Self::Publish => "PUBLISH",
            Self::Other(name) => name,
        }
    }

    /// The method of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        const KNOWN: [Method; 14] = [
            Method::Invite,
            Method::Ack,
            Method::Bye,
            Method::Cancel,
            Method::Options,
            Method::Register,
            Method::Prack,
            Method::Update,
            Method::Info,
            Method::Refer,
            Method::Notify,
            Method::Subscribe,
            Method::Message,
            Method::Publish,
        ];
        let known = KNOWN.into_iter().find(|method| method.as_str() == name);
        known.unwrap_or_else(|| Self::Other(name.to_owned()))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A host in a URI or a Via.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An address; IPv6 is written in brackets.
    Address(IpAddr),
    /// A name, in lower case.
    Name(String),
}

/// Parameters behind semicolons, in their order: name in lower case, and the value without its quotes if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(pub Vec<(String, Option<String>)>);

impl Params {
    /// The value of a parameter; `Some("")` for one without a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_deref().unwrap_or(""))
    }

    /// Sets a parameter, in place of one of that name.
    pub fn set(&mut self, name: &str, value: Option<String>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Takes a parameter away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }
}

/// What a URI begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
}

/// Somebody's or something's address (RFC 3261 §19.1, RFC 3966).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uri {
    /// `sip:` and `sips:`.
    Sip(SipUri),
    /// `tel:`, with the text behind the colon.
    Tel(String),
    /// Any other absolute URI, whole. Valid in From and To, and not for us.
    Other(String),
}

/// A `sip:` or `sips:` URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipUri {
    /// Which of the two.
    pub scheme: Scheme,
    /// Before the `@`, unescaped.
    pub user: Option<String>,
    /// Behind the user's colon. Discouraged by the standard, and never sent by us.
    pub password: Option<String>,
    /// Where.
    pub host: Host,
    /// At which port, if it says so.
    pub port: Option<u16>,
    /// Behind semicolons.
    pub params: Params,
    /// Behind the question mark, name and value, unescaped.
    pub headers: Vec<(String, String)>,
}

/// A URI with a name and parameters, as in From, To, Contact and Route (RFC 3261 §20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// How people call them, without quotes and escapes.
    pub display_name: Option<String>,
    /// Who or where.
    pub uri: Uri,
    /// Behind it, such as the tag.
    pub params: Params,
}

impl NameAddr {
    /// The tag of a From or To.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.params.get("tag")
    }
}

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram each.
    Udp,
    /// A stream.
    Tcp,
    /// A stream with TLS.
    Tls,
}

impl Transport {
    /// Its name in a Via and in `;transport=`, in the case that a Via has.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
        }
    }

    /// Whether messages arrive or the sender hears of it.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Self::Udp)
    }
}

/// One step of the way of a request (RFC 3261 §20.42).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The name of the transport as it was written: others than we know are valid in those of other hops.
    pub transport: String,
    /// Where answers go.
    pub host: Host,
    /// At which port.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport` and others.
    pub params: Params,
}

impl Via {
    /// What tells transactions apart.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch")
    }
}

/// The number of a request in its dialog (RFC 3261 §20.16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2^31.
    pub number: u32,
    /// The request's method.
    pub method: Method,
}

/// What every message has, parsed, and the rest as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// The way so far, the last hop first. Never empty in a parsed message.
    pub via: Vec<Via>,
    /// Who.
    pub from: NameAddr,
    /// To whom.
    pub to: NameAddr,
    /// Which call.
    pub call_id: String,
    /// Which request of it.
    pub cseq: CSeq,
    /// Hops that a request may still take.
    pub max_forwards: Option<u8>,
    /// Where the sender is reached directly.
    pub contact: Vec<NameAddr>,
    /// `Contact: *`, which only a REGISTER has.
    pub is_contact_star: bool,
    /// Where a request still has to go.
    pub route: Vec<NameAddr>,
    /// Who wants to see the requests of the dialog.
    pub record_route: Vec<NameAddr>,
    /// Of what kind the body is.
    pub content_type: Option<String>,
    /// All others in their order: full name as the standard writes it (compact forms are expanded), and the value on one
    /// line. Content-Length is not among them, since the body knows it.
    pub others: Vec<(String, String)>,
}

impl Headers {
    /// The first value of a header that has no field of its own. Names are compared without regard to case.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.others.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.next().map(|(_, value)| value.as_str())
    }

    /// All values of such a header, one for each line.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.others.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    /// The parts of a header that is a list of tokens, such as Supported or Require.
    pub fn tokens<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|token| !token.is_empty())
    }

    /// Whether such a list has a token. Tokens are compared without regard to case.
    #[must_use]
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.tokens(name).any(|known| known.eq_ignore_ascii_case(token))
    }

    /// Sets a header, in place of all of that name.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.push(name, value);
    }

    /// Adds a header.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.others.push((name.to_owned(), value.into()));
    }

    /// Takes a header away.
    pub fn remove(&mut self, name: &str) {
        self.others.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    }
}

/// Somebody wants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub method: Method,
    /// Of whom.
    pub uri: Uri,
    /// The headers.
    pub headers: Headers,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// An answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    /// For people.
    pub reason: String,
    /// The headers.
    pub headers: Headers,
    /// The body; empty when there is none.
    pub body: Vec<u8>,
}

/// One or the other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Message {
    Request(Request),
    Response(Response),
}

impl Message {
    /// The headers of either.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        match self {
            Self::Request(request) => &request.headers,
            Self::Response(response) => &response.headers,
        }
    }
}

impl Request {
    /// An answer to it, with what an answer copies of the request (RFC 3261 §8.2.6.2). The tag of To is the caller's to set.
    #[must_use]
    pub fn response(&self, status: u16, reason: &str) -> Response {
        let headers = Headers {
            via: self.headers.via.clone(),
            from: self.headers.from.clone(),
            to: self.headers.to.clone(),
            call_id: self.headers.call_id.clone(),
            cseq: self.headers.cseq.clone(),
            max_forwards: None,
            contact: Vec::new(),
            is_contact_star: false,
            route: Vec::new(),
            record_route: Vec::new(),
            content_type: None,
            others: Vec::new(),
        };
        Response { status, reason: reason.to_owned(), headers, body: Vec::new() }
    }
}
