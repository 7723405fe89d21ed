//! Serves a file of records on a port of loopback, to try things out without a name server.
//!
//! ```sh
//! cargo run -p tidegate-dns --features testing --example serve_zone -- zone.txt 5353
//! ```
//!
//! A line is `name type value`, such as `2.0.0.127.list.example A 127.0.0.2`. Invariant: it runs
//! until it is stopped.

use std::net::{Ipv4Addr, SocketAddr};

use tidegate_dns::testing::TestServer;

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: serve_zone FILE PORT";
    let file = arguments.next().ok_or(usage)?;
    let port: u16 = arguments.next().and_then(|port| port.parse().ok()).ok_or(usage)?;
    let zone = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
    let server = TestServer::at(address).map_err(|error| format!("{address}: {error}"))?;
    server.zone_file(&zone).map_err(|error| format!("{file}, {error}"))?;
    println!("serving {file} at {}", server.addr());
    loop {
        std::thread::park();
    }
}
