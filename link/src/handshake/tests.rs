// SPDX-License-Identifier: EUPL-1.2
//! A bridge, and somebody at the node's address who is or is not the node.

use tokio::net::TcpListener;

use super::*;
use crate::tls::{acceptor, connector};

const TOO_FEW: Refusal = Refusal::TooFewEnds { threads: 2, ends: 1 };

const SESSION: SessionId = SessionId([3; 16]);

/// An impostor's answer, given what TLS exports of the connection.
type Say = fn(&[u8; PROOF_BYTES]) -> Answer;

fn secret(byte: u8) -> Secret {
    Secret::new(&[byte; 32]).unwrap()
}

fn role() -> Role {
    Role::Control { threads: 1 }
}

/// Greets whoever takes the connection as `answering` does.
async fn greeted<F: Future<Output = ()>>(answering: impl FnOnce(TcpStream) -> F) -> Result<SessionId, LinkError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (other, _) = listener.accept().await.unwrap();
    let (tls, secret) = (connector().unwrap(), secret(b'x'));
    let (greeted, ()) = tokio::join!(greet(stream, &tls, &secret, VERSION, role()), answering(other));
    greeted.map(|(_, session)| session)
}

/// Somebody who answers every greeting with that.
async fn impostor(stream: TcpStream, answer: Say) {
    let stream = TlsStream::from(acceptor().unwrap().accept(stream).await.unwrap());
    let exported = exported(&stream).unwrap();
    let mut connection = Connection::new(stream);
    connection.reader.next_words().await.unwrap();
    connection.writer.words(&answer(&exported));
    connection.writer.flush().await.unwrap();
    // The bridge has read it when it ends the connection.
    assert!(connection.reader.next_words().await.is_err());
}

async fn node(stream: TcpStream, secret: Secret, refusal: Option<Refusal>) {
    let Ok(greeted) = receive(stream, &acceptor().unwrap(), &secret).await else { return };
    match refusal {
        Some(refusal) => drop(greeted.refuse(&secret, refusal).await),
        None => drop(greeted.welcome(&secret, SESSION).await.unwrap()),
    }
}

#[tokio::test]
async fn who_proves_nothing_neither_gets_the_bridge_nor_ends_it() {
    let impostors: [(&str, Say); 5] = [
        ("another secret", |exported| Answer::Welcome {
            proof: secret(b'y').prove(Side::Node, exported),
            session: SESSION,
        }),
        ("the bridge's own side", |exported| Answer::Welcome {
            proof: secret(b'x').prove(Side::Bridge, exported),
            session: SESSION,
        }),
        ("another connection", |_| Answer::Welcome {
            proof: secret(b'x').prove(Side::Node, &[7; PROOF_BYTES]),
            session: SESSION,
        }),
        ("no proof", |_| Answer::Refused { refusal: TOO_FEW, proof: None }),
        ("a refusal with another secret", |exported| Answer::Refused {
            refusal: Refusal::Version { node: 9, bridge: VERSION },
            proof: Some(secret(b'y').prove(Side::Node, exported)),
        }),
    ];
    for (name, answer) in impostors {
        let error = greeted(|stream| impostor(stream, answer)).await.err().unwrap();
        assert!(matches!(error, LinkError::Stranger), "{name}: {error:?}");
        assert!(!error.is_final() && error.is_about_the_secret(), "{name}");
    }
    let welcomed = greeted(|stream| node(stream, secret(b'x'), None)).await;
    assert!(welcomed.is_ok_and(|welcomed| welcomed == SESSION));
}

#[tokio::test]
async fn a_refusal_of_the_node_is_believed() {
    let error = greeted(|stream| node(stream, secret(b'x'), Some(TOO_FEW))).await.err().unwrap();
    assert!(matches!(error, LinkError::Refused(TOO_FEW)) && error.is_final(), "{error:?}");
}

#[tokio::test]
async fn that_secrets_differ_is_told_and_not_for_good() {
    let error = greeted(|stream| node(stream, secret(b'y'), None)).await.err().unwrap();
    assert!(matches!(error, LinkError::Refused(Refusal::Secret)), "{error:?}");
    assert!(!error.is_final() && error.is_about_the_secret());
}
