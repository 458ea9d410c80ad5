// SPDX-License-Identifier: EUPL-1.2
//! The mail server that takes our mails. Connections are kept for the next mail, since many servers count them.
//!
//! We speak to it step by step and not by a client of the library's, to know at which step it refuses: what it says before it
//! has heard of the recipient is not about that mail.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
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

/// How long a connection is kept without a mail. Servers may end one after five minutes (RFC 5321 §4.5.3.2.7).
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Answers that say that we may not send at all (RFC 4954 §6, RFC 3207 §4): for an operator, not for the one mail.
const NOT_ALLOWED: [u16; 4] = [530, 534, 535, 538];

/// The way to it.
#[derive(Clone)]
pub(crate) struct MailServer(Arc<Inner>);

struct Inner {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: TlsParameters,
    login: Option<Credentials>,
    /// Connections that wait for the next mail, with since when. As many as mails are handed over at once, at most.
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

/// How what is sent is kept secret on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    /// Not at all: the server is on the same machine.
    None,
    /// After the greeting, or nothing is sent.
    StartTls,
    /// From the beginning.
    Wrapped,
}

/// How far handing over a mail has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Connecting, greeting and signing in.
    Connection,
    /// Saying who sends.
    Sender,
    /// Saying who receives.
    Recipient,
    /// The mail itself.
    Content,
}

/// Why a mail is not handed over.
enum Failure {
    Smtp(Error),
    /// The server does not know SMTPUTF8, which an address with umlauts before the @ needs.
    NoSuchLetters,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

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
        let (encryption, usual_port) = match (url.scheme(), uses_starttls) {
            ("smtp", false) => (Encryption::None, 25),
            ("smtp", true) => (Encryption::StartTls, 587),
            ("smtps", _) => (Encryption::Wrapped, 465),
            _ => return Err(no_url()),
        };
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(pem) = &config.ca_pem {
            let own = Certificate::from_pem(pem.as_bytes()).map_err(|_| wrong("ca_file: no certificate in PEM"))?;
            tls = tls.add_root_certificate(own);
        }
        let tls = tls.build_rustls().map_err(|_| wrong("smtp_url: no name of a server"))?;
        let login = url.password().map(|password| Credentials::new(decoded(url.username()), decoded(password)));
        let port = url.port().unwrap_or(usual_port);
        Ok(Self(Arc::new(Inner { host, port, encryption, tls, login, idle: Mutex::default() })))
    }

    /// Hands a mail over. Once this returns, the server answers for it.
    pub(super) async fn send(&self, from: &str, to: &str, message: &[u8]) -> Result<(), MailProblem> {
        let (from, to) = (address(from), address(to).ok_or(MailProblem::Impossible)?);
        let mut step = Step::Connection;
        let done = self.0.hand_over(from, to, message, &mut step);
        let error = match tokio::time::timeout(MAIL_TIMEOUT, done).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(Failure::NoSuchLetters)) => return Err(MailProblem::Impossible),
            Ok(Err(Failure::Smtp(error))) => Some(error),
            Err(_) => None,
        };
        // Not its text: servers quote addresses.
        let status = error.as_ref().and_then(Error::status).map(u16::from);
        let is_timeout = error.as_ref().is_none_or(Error::is_timeout);
        tracing::debug!(?step, ?status, is_timeout, "a mail is not taken");
        Err(problem(step, status))
    }
}

/// What it means that it said that at that step, or nothing.
fn problem(step: Step, status: Option<u16>) -> MailProblem {
    match (step, status) {
        (_, Some(status)) if NOT_ALLOWED.contains(&status) => MailProblem::NotAllowed,
        // It does not want us, or our sender: a block list, or it relays for others only.
        (Step::Connection | Step::Sender, Some(500..600)) => MailProblem::NotAllowed,
        (Step::Recipient | Step::Content, Some(500..600)) => MailProblem::Rejected,
        (Step::Connection, _) | (Step::Sender, None) => MailProblem::Unreachable,
        (Step::Sender | Step::Recipient | Step::Content, Some(_)) => MailProblem::Refused,
        (Step::Recipient | Step::Content, None) => MailProblem::Interrupted,
    }
}

impl Inner {
    async fn hand_over(
        &self,
        from: Option<Address>,
        to: Address,
        message: &[u8],
        step: &mut Step,
    ) -> Result<(), Failure> {
        let mut connection = match self.idle().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        *step = Step::Sender;
        let sent = transfer(&mut connection, from, to, message, step).await;
        if sent.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < CONCURRENCY {
                idle.push((connection, Instant::now()));
            }
        } else {
            // It answers nothing more that we would need.
            connection.abort().await;
        }
        sent
    }

    /// A connection that is still there.
    async fn idle(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let (mut connection, since) = kept?;
            if since.elapsed() < MAX_IDLE && connection.test_connected().await {
                return Some(connection);
            }
            connection.abort().await;
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let hello = ClientId::default();
        let wrapped = (self.encryption == Encryption::Wrapped).then(|| self.tls.clone());
        let server = (self.host.trim_matches(['[', ']']), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(ANSWER_TIMEOUT), &hello, wrapped, None).await?;
        if self.encryption == Encryption::StartTls {
            connection.starttls(self.tls.clone(), &hello).await?;
        }
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await?;
        }
        Ok(connection)
    }
}

/// The mail's way over a connection.
async fn transfer(
    connection: &mut AsyncSmtpConnection,
    from: Option<Address>,
    to: Address,
    message: &[u8],
    step: &mut Step,
) -> Result<(), Failure> {
    let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    let mut parameters = Vec::new();
    if !(is_ascii(&to) && from.as_ref().is_none_or(is_ascii)) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::NoSuchLetters);
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() && connection.server_info().supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(from, parameters)).await?;
    *step = Step::Recipient;
    connection.command(Rcpt::new(to, Vec::new())).await?;
    *step = Step::Content;
    connection.command(Data).await?;
    connection.message(message).await?;
    Ok(())
}

/// A part of a URL without its percent signs.
fn decoded(text: &str) -> String {
    let pair = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_before_the_recipient_is_named_is_not_about_the_mail() {
        use MailProblem::{Interrupted, NotAllowed, Refused, Rejected, Unreachable};
        let check = |step, problems: [MailProblem; 3]| {
            assert_eq!([Some(550), Some(451), None].map(|status| problem(step, status)), problems, "{step:?}");
            assert_eq!(problem(step, Some(535)), NotAllowed, "{step:?}");
        };
        check(Step::Connection, [NotAllowed, Unreachable, Unreachable]);
        check(Step::Sender, [NotAllowed, Refused, Unreachable]);
        check(Step::Recipient, [Rejected, Refused, Interrupted]);
        check(Step::Content, [Rejected, Refused, Interrupted]);
    }

    #[test]
    fn a_password_is_read_as_it_was_meant() {
        for (text, password) in [("s%3Apass%40", "s:pass@"), ("a+b&c=d%25", "a+b&c=d%"), ("", "")] {
            assert_eq!(decoded(text), password);
        }
    }
}
