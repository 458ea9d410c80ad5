// SPDX-License-Identifier: EUPL-1.2
//! How a connection begins: TLS, the bridge's greeting with its proof, and the node's answer with its own.

use std::io;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::connection::{Connection, LinkError, prepare};
use crate::messages::{Answer, Greeting, Opening, Refusal, Role, SessionId, VERSION, read};
use crate::secret::{PROOF_BYTES, Secret, Side};
use crate::tls::{NAME, exported};

/// How long who does not know the secret waits for an answer, and keeps their place among the strangers: so guessing is slow.
const PAUSE_BEFORE_REFUSAL: Duration = Duration::from_millis(500);

/// The bridge's side: greets the node and looks whether it is the right one. What it refuses is believed when it has proven itself.
pub(crate) async fn greet(
    stream: TcpStream,
    tls: &TlsConnector,
    secret: &Secret,
    version: u16,
    role: Role,
) -> Result<(Connection, SessionId), LinkError> {
    prepare(&stream)?;
    let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
    let stream = TlsStream::from(tls.connect(name, stream).await?);
    let exported = exported(&stream).map_err(io::Error::other)?;
    let mut connection = Connection::new(stream);
    let opening = Opening { version, proof: secret.prove(Side::Bridge, &exported) };
    connection.writer.words(&Greeting { opening, role });
    connection.writer.flush().await?;
    let answer = connection.reader.next_words().await?;
    let is_proven = |proof: &[u8; PROOF_BYTES]| secret.is_proven(Side::Node, &exported, proof);
    match read(&answer.body)? {
        Answer::Refused { refusal, proof: Some(proof) } if is_proven(&proof) => Err(refusal.into()),
        // For a node with another secret, nothing is a proof that we would believe.
        Answer::Refused { refusal: Refusal::Secret, proof: None } => Err(Refusal::Secret.into()),
        Answer::Welcome { proof, session } if is_proven(&proof) => {
            connection.trust();
            Ok((connection, session))
        }
        Answer::Refused { .. } | Answer::Welcome { .. } => Err(LinkError::Stranger),
    }
}

/// A bridge that knows the secret, and waits for an answer.
pub(crate) struct Greeted {
    pub(crate) role: Role,
    connection: Connection,
    exported: [u8; PROOF_BYTES],
}

/// The node's side: takes a greeting. Who does not know the secret or speaks another version has been told so when this fails.
pub(crate) async fn receive(stream: TcpStream, tls: &TlsAcceptor, secret: &Secret) -> Result<Greeted, LinkError> {
    prepare(&stream)?;
    let stream = TlsStream::from(tls.accept(stream).await?);
    let exported = exported(&stream).map_err(io::Error::other)?;
    let mut connection = Connection::new(stream);
    let greeting = connection.reader.next_words().await?;
    // The proof first: who does not know the secret learns nothing else, and what else they say is not looked at.
    let Opening { version, proof } = read(&greeting.body)?;
    if !secret.is_proven(Side::Bridge, &exported, &proof) {
        sleep(PAUSE_BEFORE_REFUSAL).await;
        return Err(refuse(connection, Refusal::Secret, None).await);
    }
    if version != VERSION {
        let proof = secret.prove(Side::Node, &exported);
        return Err(refuse(connection, Refusal::Version { node: VERSION, bridge: version }, Some(proof)).await);
    }
    let Greeting { role, .. } = read(&greeting.body)?;
    Ok(Greeted { role, connection, exported })
}

impl Greeted {
    /// Takes the connection, with the node's proof.
    pub(crate) async fn welcome(mut self, secret: &Secret, session: SessionId) -> Result<Connection, LinkError> {
        let proof = secret.prove(Side::Node, &self.exported);
        self.connection.writer.words(&Answer::Welcome { proof, session });
        self.connection.writer.flush().await?;
        self.connection.trust();
        Ok(self.connection)
    }

    /// Does not take it, and says why, with the node's proof.
    pub(crate) async fn refuse(self, secret: &Secret, refusal: Refusal) -> LinkError {
        let proof = secret.prove(Side::Node, &self.exported);
        refuse(self.connection, refusal, Some(proof)).await
    }
}

async fn refuse(mut connection: Connection, refusal: Refusal, proof: Option<[u8; PROOF_BYTES]>) -> LinkError {
    connection.writer.words(&Answer::Refused { refusal, proof });
    match connection.writer.flush().await {
        Ok(()) => {
            connection.writer.close().await;
            refusal.into()
        }
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests;
