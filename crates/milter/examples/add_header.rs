//! A milter that adds one header field to every message, and refuses those that ask for it.
//!
//!     cargo run -p tidegate-milter --example add_header -- inet:127.0.0.1:8895
//!
//! With Postfix: `smtpd_milters = inet:127.0.0.1:8895` in main.cf.

use std::error::Error;

use tidegate_milter::{
    Actions, Address, Disposition, Filter, HeaderName, HeaderValue, Listener, Modification,
    Outcome, Received, Server, ServerLimits, SmtpReply, Wants,
};

struct AddHeader {
    name: HeaderName,
}

impl Filter for AddHeader {
    fn wants(&self) -> Wants {
        Wants { required: Actions::ADD_HEADERS, ..Wants::default() }
    }

    async fn message(&mut self, received: Received<'_>) -> Outcome {
        if received
            .header()
            .windows(b"Subject: refuse me\r".len())
            .any(|words| words == b"Subject: refuse me\r")
        {
            let reply = SmtpReply::new(550, "5.7.1", "As you wish,\n100% refused");
            return reply.map_or(Disposition::Reject, Disposition::Reply).into();
        }
        let recipients = received.envelope.recipients().len();
        let words = format!("{} octets\nfor {recipients} recipients", received.octets);
        let modifications = HeaderValue::new(&words)
            .map(|value| Modification::InsertHeader { index: 0, name: self.name.clone(), value })
            .into_iter()
            .collect();
        Outcome { modifications, disposition: Disposition::Continue }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "inet:127.0.0.1:8895".to_owned());
    let listeners = Listener::open(&[address.parse::<Address>()?], &Default::default()).await?;
    let name = HeaderName::new("X-Seen")?;
    let make = move || AddHeader { name: name.clone() };
    let shutdown = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            eprintln!("cannot wait for an interrupt: {error}");
        }
    };
    Server::new(ServerLimits::default()).serve(listeners, make, shutdown).await;
    Ok(())
}
