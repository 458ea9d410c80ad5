// SPDX-License-Identifier: EUPL-1.2
//! The mail server that takes our mails.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use url::Url;

use super::table::MailProblem;
use crate::config::MailConfig;
use crate::invitations::mail::address::address;

/// How many mails are handed over at once.
pub(super) const CONCURRENCY: usize = 4;

/// Longest wait for each answer of the server. Some look up who we are before they greet.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time for a mail.
const MAIL_TIMEOUT: Duration = Duration::from_secs(120);

/// Answers that say that we may not send at all (RFC 4954 §6, RFC 3207 §4): for an operator, not for the one mail.
const NOT_ALLOWED: [u16; 4] = [530, 534, 535, 538];

/// The way to it.
#[derive(Clone, Debug)]
pub(crate) struct MailServer(AsyncSmtpTransport<Tokio1Executor>);

impl MailServer {
    /// Prepares it. Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// Fails when the settings name no server.
    pub(crate) fn new(config: &MailConfig) -> Result<Self, io::Error> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("mail.{what}"));
        address(&config.from).ok_or_else(|| wrong("from: no mail address"))?;
        // Its own words could hold the password.
        let no_url = || wrong("smtp_url: no address such as smtp://user:password@mail.example.org?starttls");
        let url = Url::parse(config.smtp_url.expose()).map_err(|_| no_url())?;
        let host = url.host_str().ok_or_else(no_url)?.to_owned();
        let uses_starttls = url.query_pairs().any(|(name, _)| name == "starttls");
        let mut plain = url.clone();
        plain.set_query(None);
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(plain.as_str()).map_err(|_| no_url())?;
        let mut tls = TlsParameters::builder(host);
        if let Some(pem) = &config.ca_pem {
            let own = Certificate::from_pem(pem.as_bytes()).map_err(|_| wrong("ca_file: no certificate in PEM"))?;
            tls = tls.add_root_certificate(own);
        }
        let tls = tls.build_rustls().map_err(|_| wrong("smtp_url: no name of a server"))?;
        let transport = match (url.scheme(), uses_starttls) {
            ("smtp", false) => transport,
            ("smtp", true) => transport.port(url.port().unwrap_or(587)).tls(Tls::Required(tls)),
            ("smtps", _) => transport.tls(Tls::Wrapper(tls)),
            _ => return Err(no_url()),
        };
        let connections = u32::try_from(CONCURRENCY).unwrap_or(1);
        let transport = transport.timeout(Some(ANSWER_TIMEOUT));
        Ok(Self(transport.pool_config(PoolConfig::new().max_size(connections)).build()))
    }

    /// Hands a mail over. Once this returns, the server answers for it.
    pub(super) async fn send(&self, from: &str, to: &str, message: &[u8]) -> Result<(), MailProblem> {
        let (from, to) = (address(from), address(to).ok_or(MailProblem::Impossible)?);
        let is_ascii = AsRef::<str>::as_ref(&to).is_ascii();
        let envelope = Envelope::new(from, vec![to]).map_err(|_| MailProblem::Impossible)?;
        match tokio::time::timeout(MAIL_TIMEOUT, self.0.send_raw(&envelope, message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                // Not its text: servers quote addresses.
                let status = error.status().map(u16::from);
                let was_reached = was_reached(&error);
                tracing::debug!(
                    ?status,
                    is_timeout = error.is_timeout(),
                    is_tls = error.is_tls(),
                    was_reached,
                    "a mail is not taken"
                );
                Err(match status {
                    Some(status) if NOT_ALLOWED.contains(&status) => MailProblem::NotAllowed,
                    Some(500..600) => MailProblem::Rejected,
                    Some(_) => MailProblem::Refused,
                    // The server does not know SMTPUTF8, which an address with umlauts before the @ needs.
                    None if error.is_client() && !is_ascii => MailProblem::Impossible,
                    None if was_reached => MailProblem::Interrupted,
                    None => MailProblem::Unreachable,
                })
            }
            Err(_) => Err(MailProblem::Interrupted),
        }
    }
}

/// Whether there was a connection over which the mail may have gone. In doubt, yes.
fn was_reached(error: &lettre::transport::smtp::Error) -> bool {
    if error.is_tls() || error.is_client() {
        return false;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            use io::ErrorKind as Kind;
            return matches!(
                cause.kind(),
                Kind::ConnectionReset
                    | Kind::ConnectionAborted
                    | Kind::BrokenPipe
                    | Kind::UnexpectedEof
                    | Kind::TimedOut
            );
        }
        source = cause.source();
    }
    true
}
