// SPDX-License-Identifier: EUPL-1.2
//! A small telephone on a stream.

use sip_bridge::sip::message::{Response, Transport};
use sip_bridge::sip::parse::{Frame, Framer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::bridge::{PATIENCE, Running};
use super::phone::{invite, request, response};

/// A telephone on a stream.
pub(crate) struct Phone<S> {
    pub(crate) stream: S,
    framer: Framer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Phone<S> {
    pub(crate) fn on(stream: S) -> Self {
        Self { stream, framer: Framer::new() }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        let mut buffer = [0; 4_096];
        loop {
            if let Some(frame) = self.framer.poll_frame() {
                return Some(frame.unwrap());
            }
            let length = timeout(PATIENCE, self.stream.read(&mut buffer)).await.unwrap().unwrap_or(0);
            if length == 0 {
                return None;
            }
            assert_eq!(self.framer.handle_bytes(&buffer[..length]), length);
        }
    }

    pub(crate) async fn expect(&mut self, status: u16) -> Response {
        loop {
            let Some(Frame::Message(bytes)) = self.frame().await else { panic!("no message") };
            let response = response(&bytes);
            if response.status == status {
                return response;
            }
            assert!(response.status < 200, "{} {}", response.status, response.reason);
        }
    }

    pub(crate) async fn call(&mut self, transport: &str, id: &str) {
        self.send(&invite(transport, id)).await;
        self.finish(transport, id).await;
    }

    /// A call of which the INVITE has been sent.
    pub(crate) async fn finish(&mut self, transport: &str, id: &str) {
        let answer = self.expect(200).await;
        let tag = answer.headers.to.tag().unwrap().to_owned();
        let ack = request("ACK", transport, id, 1, Some(&tag), "");
        // Two in one write.
        self.send(&(ack + &request("BYE", transport, id, 2, Some(&tag), ""))).await;
        self.expect(200).await;
    }
}

impl Phone<TcpStream> {
    /// One that has connected over TCP.
    pub(crate) async fn tcp(running: &Running) -> Self {
        Self::on(TcpStream::connect(running.address(Transport::Tcp)).await.unwrap())
    }
}
