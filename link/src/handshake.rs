// SPDX-License-Identifier: EUPL-1.2
//! How a connection begins: TLS, the bridge's greeting with its proof, and the node's answer with its own.

use std::io;

use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::connection::{Connection, LinkError, prepare};
use crate::messages::{Answer, Greeting, Opening, Refusal, Role, SessionId, VERSION, read};
use crate::secret::{PROOF_BYTES, Secret, Side};
use crate::tls::{NAME, exported};

/// The bridge's side: greets the node and looks whether it is the right one.
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
    match read(&answer.body)? {
        Answer::Refused(refusal) => Err(refusal.into()),
        Answer::Welcome { proof, session } if secret.is_proven(Side::Node, &exported, &proof) => {
            connection.trust();
            Ok((connection, session))
        }
        Answer::Welcome { .. } => Err(LinkError::Stranger),
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
        return Err(refuse(connection, Refusal::Secret).await);
    }
    if version != VERSION {
        return Err(refuse(connection, Refusal::Version { node: VERSION, bridge: version }).await);
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

    /// Does not take it, and says why.
    pub(crate) async fn refuse(self, refusal: Refusal) -> LinkError {
        refuse(self.connection, refusal).await
    }
}

async fn refuse(mut connection: Connection, refusal: Refusal) -> LinkError {
    connection.writer.words(&Answer::Refused(refusal));
    match connection.writer.flush().await {
        Ok(()) => {
            connection.writer.close().await;
            refusal.into()
        }
        Err(error) => error,
    }
}
