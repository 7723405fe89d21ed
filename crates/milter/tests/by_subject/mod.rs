//! A filter that does what a message's subject says, served on a UNIX socket.

use std::future::pending;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidegate_milter::{
    Access, Actions, Address, Counters, Disposition, Filter, HeaderName, HeaderValue, Listener,
    Modification, OneLine, Outcome, Received, Server, ServerLimits, SmtpReply, SymbolStage, Wants,
};

/// Does what the subject says.
pub(crate) struct BySubject;

impl Filter for BySubject {
    fn wants(&self) -> Wants {
        Wants {
            optional: Actions::all(),
            // Postfix does not tell the client's address by default.
            symbols: vec![(SymbolStage::Connect, "j {client_addr}")],
            ..Wants::default()
        }
    }

    async fn message(&mut self, received: Received<'_>) -> Outcome {
        let header = String::from_utf8_lossy(received.header());
        let subject = header.lines().find_map(|line| line.strip_prefix("Subject: "));
        let words = |text| Disposition::Reply(SmtpReply::new(550, "5.7.1", text).unwrap());
        match subject.unwrap_or_default() {
            "insert" => modified(vec![
                Modification::InsertHeader {
                    index: 0,
                    name: name("X-Top"),
                    value: value("one;\r\ntwo"),
                },
                Modification::InsertHeader { index: 1, name: name("X-Second"), value: value("2") },
                Modification::AddHeader { name: name("X-End"), value: value("3") },
            ]),
            "change" => modified(vec![
                Modification::ChangeHeader {
                    name: name("X-Marked"),
                    index: NonZeroU32::new(3).unwrap(),
                    value: value("changed"),
                },
                Modification::DeleteHeader { name: name("x-marked"), index: NonZeroU32::MIN },
            ]),
            "body" => modified(vec![Modification::ReplaceBody(b"another\r\nbody\r\n".to_vec())]),
            "recipients" => modified(vec![
                Modification::AddRecipient(line("<dora@b.example>")),
                Modification::AddRecipientWithArgs(line("<emil@b.example>"), line("NOTIFY=NEVER")),
                Modification::DeleteRecipient(line("<bert@b.example>")),
                Modification::ChangeFrom(line("<other@a.example>"), None),
            ]),
            "quarantine" => modified(vec![Modification::Quarantine(line("held for a test"))]),
            "refuse" => words("100% unwanted\nask postmaster").into(),
            "discard" => Disposition::Discard.into(),
            "tempfail" => Disposition::TempFail.into(),
            "slow" => {
                tokio::time::sleep(Duration::from_millis(250)).await;
                Outcome::default()
            }
            "stuck" => pending().await,
            "panic" => panic!("as the subject says"),
            _ => Outcome::default(),
        }
    }
}

fn modified(modifications: Vec<Modification>) -> Outcome {
    Outcome { modifications, disposition: Disposition::Continue }
}

fn name(text: &str) -> HeaderName {
    HeaderName::new(text).unwrap()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::new(text).unwrap()
}

fn line(text: &str) -> OneLine {
    OneLine::new(text).unwrap()
}

/// Serves on a socket until the runtime ends.
pub(crate) async fn serve(socket: &Path, limits: ServerLimits) -> Arc<Counters> {
    let access = Access { mode: Some(0o666), group: None };
    let listeners = Listener::open(&[Address::Unix(socket.to_owned())], &access).await.unwrap();
    let server = Server::new(limits);
    let counters = server.counters();
    tokio::spawn(server.serve(listeners, || BySubject, pending()));
    counters
}
