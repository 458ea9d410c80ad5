// SPDX-License-Identifier: EUPL-1.2
//! A connection to a server's HTTP interface: one request after the other, without TLS.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Where requests go: a host with the path that all of them begin with.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    /// Host and port, as in the `Host` header.
    authority: String,
    path: String,
    address: SocketAddr,
}

impl Base {
    /// Reads an `http` URL and looks its host up.
    ///
    /// # Errors
    ///
    /// When it is none, or its host is not known.
    pub(crate) async fn of(url: &str) -> Result<Self> {
        let uri: Uri = url.parse().with_context(|| format!("{url} is no address"))?;
        if uri.scheme_str() != Some("http") {
            bail!("{url} does not begin with http://");
        }
        let authority = uri.authority().with_context(|| format!("{url} names no host"))?;
        let (host, port) = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
        let mut addresses =
            tokio::net::lookup_host((host, port)).await.with_context(|| format!("{host} is not known"))?;
        let address = addresses.next().with_context(|| format!("{host} has no address"))?;
        Ok(Self { authority: authority.to_string(), path: uri.path().trim_end_matches('/').to_owned(), address })
    }
}

/// A connection that is opened by the first request, and again when the server has closed it.
pub(crate) struct Http {
    base: Base,
    /// What is shown with each request.
    authorization: Option<String>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Http {
    pub(crate) const fn new(base: Base) -> Self {
        Self { base, authorization: None, sender: None }
    }

    /// With a bearer token.
    pub(crate) fn with_token(base: Base, token: &str) -> Self {
        Self { authorization: Some(format!("Bearer {token}")), ..Self::new(base) }
    }

    /// Where the server is.
    pub(super) const fn address(&self) -> SocketAddr {
        self.base.address
    }

    /// Sends a request to `path` behind the base and waits for the whole response.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or hangs up.
    pub(crate) async fn request(
        &mut self,
        method: Method,
        path: &str,
        content_type: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes)> {
        let answer = self.ask(method, path, content_type, body).await?;
        Ok((answer.status, answer.body))
    }

    /// The same with the answer's headers.
    ///
    /// # Errors
    ///
    /// When the server cannot be reached or hangs up.
    pub(crate) async fn ask(&mut self, method: Method, path: &str, content_type: &str, body: String) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base.path))
            .header(HOST, &self.base.authority)
            .header(CONTENT_TYPE, content_type);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(Bytes::from(body))).context("a request that is none")?;
        let response = self.sender().await?.send_request(request).await.context("the server hung up")?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("the server hung up")?.to_bytes();
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>> {
        let is_open = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            self.sender = None;
            let stream = TcpStream::connect(self.base.address).await.context("the server cannot be reached")?;
            stream.set_nodelay(true)?;
            let (sender, connection) = handshake(TokioIo::new(stream)).await.context("the server speaks no HTTP")?;
            // It ends when the sender is dropped or the server hangs up, and the sender hears of the latter.
            tokio::spawn(connection);
            self.sender = Some(sender);
        }
        self.sender.as_mut().context("no connection")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn urls_are_taken_apart() {
        let base = Base::of("http://127.0.0.1:8088/janus/").await.unwrap();
        assert_eq!((base.authority.as_str(), base.path.as_str()), ("127.0.0.1:8088", "/janus"));
        assert_eq!(base.address.to_string(), "127.0.0.1:8088");
        assert_eq!(Base::of("http://[::1]").await.unwrap().address.to_string(), "[::1]:80");
        assert!(Base::of("https://127.0.0.1").await.is_err() && Base::of("nothing").await.is_err());
    }
}
