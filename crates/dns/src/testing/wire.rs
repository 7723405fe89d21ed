//! The sockets of a test server: UDP, and TCP for what is too long (RFC 1035, section 4.2).
//!
//! Invariant: each question is dealt with in a task of its own, so that a slow answer holds up none.

use std::net::SocketAddr;
use std::sync::Arc;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::Name;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::records::text;
use super::{Failure, Shared, lock};

const LONGEST_QUERY: usize = 4_096;

pub(super) async fn serve(udp: UdpSocket, tcp: TcpListener, records: Shared) {
    let udp = Arc::new(udp);
    let mut buffer = vec![0; LONGEST_QUERY];
    loop {
        tokio::select! {
            received = udp.recv_from(&mut buffer) => {
                if let Ok((octets, from)) = received {
                    let query = buffer[..octets].to_vec();
                    tokio::spawn(over_udp(Arc::clone(&udp), query, from, Arc::clone(&records)));
                }
            }
            accepted = tcp.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(over_tcp(stream, Arc::clone(&records)));
                }
            }
        }
    }
}

async fn over_udp(socket: Arc<UdpSocket>, query: Vec<u8>, from: SocketAddr, records: Shared) {
    let Ok(query) = Message::from_vec(&query) else { return };
    let room = usize::from(query.max_payload());
    if let Some(response) = respond(&query, room, &records).await {
        let _ = socket.send_to(&response, from).await;
    }
}

async fn over_tcp(mut stream: TcpStream, records: Shared) {
    while let Ok(octets) = stream.read_u16().await {
        let mut query = vec![0; usize::from(octets)];
        if stream.read_exact(&mut query).await.is_err() {
            return;
        }
        let Ok(query) = Message::from_vec(&query) else { return };
        let Some(response) = respond(&query, usize::from(u16::MAX), &records).await else { return };
        let Ok(octets) = u16::try_from(response.len()) else { return };
        let mut framed = octets.to_be_bytes().to_vec();
        framed.extend(response);
        if stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

/// The response in at most `room` octets; none for silence.
async fn respond(query: &Message, room: usize, records: &Shared) -> Option<Vec<u8>> {
    let question = query.queries.first()?.clone();
    let mut response = Message::response(query.metadata.id, query.metadata.op_code);
    response.metadata.recursion_desired = query.metadata.recursion_desired;
    response.metadata.recursion_available = true;
    response.add_query(question.clone());
    let behaviour = {
        let mut records = lock(records);
        records.asked.push(format!("{} {}", question.query_type(), text(question.name())));
        records.answer(&question, &mut response);
        records.behaviour(&question)
    };
    tokio::time::sleep(behaviour.delay).await;
    match behaviour.failure {
        None => {}
        Some(Failure::Refused) => response = failed(&response, ResponseCode::Refused),
        Some(Failure::ServFail) => response = failed(&response, ResponseCode::ServFail),
        Some(Failure::Silent) => return None,
        Some(Failure::Garbage) => {
            let mut octets = response.to_vec().ok()?;
            octets.truncate(14);
            octets.extend([0xc0, 0x0c, 0xff, 0xff]);
            return Some(octets);
        }
        Some(Failure::Forged) => {
            response.queries[0].set_name(Name::root());
        }
        Some(Failure::Truncated) => response = response.truncate(),
    }
    let octets = response.to_vec().ok()?;
    if octets.len() <= room { Some(octets) } else { response.truncate().to_vec().ok() }
}

fn failed(response: &Message, code: ResponseCode) -> Message {
    let mut failed = Message::error_msg(response.metadata.id, response.metadata.op_code, code);
    failed.add_query(response.queries[0].clone());
    failed
}
