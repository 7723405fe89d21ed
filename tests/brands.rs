//! The mark of a brand through a real Postfix: its record from a DNS server, its certificate from an
//! HTTPS server, both on loopback.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

use support::daemon::Daemon;
use support::postfix::{Postfix, fields};
use support::smtp::Mail;
use support::tls::Tls;
use tempfile::TempDir;
use tidegate_checks::trust::bimi::testing::{Authority, Mark};
use tidegate_dns::testing::TestServer;

/// Whatever a sender can copy from a message with a mark.
const NEWS: &str = "From: Shop <anna@shop.example>\n\
    To: bert@example.test\n\
    Subject: News of the shop\n\
    Date: Thu, 26 Nov 2026 10:00:00 +0000\n\
    Message-ID: <1@shop.example>\n\
    BIMI-Location: v=BIMI1; l=https://shop.example/logo.svg\n\
    BIMI-Indicator: PHN2Zy8+\n\n\
    We have new tea.\n";

/// Serves one certificate, in a thread that ends with the test.
struct Host {
    port: u16,
    certificate: String,
    requests: Arc<AtomicUsize>,
}

impl Host {
    fn start(pem: String) -> Self {
        let tls = Tls::of("shop.example");
        let certificate = tls.certificate.clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = tls.accept(stream.unwrap());
                let read = stream.read(&mut [0; 4_096]).unwrap_or(0);
                if read > 0 {
                    count.fetch_add(1, Ordering::SeqCst);
                }
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{pem}");
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        });
        Self { port, certificate, requests }
    }

    fn wait_requests(&self, expect: usize) {
        let began = Instant::now();
        while self.requests.load(Ordering::SeqCst) < expect {
            assert!(began.elapsed() < Duration::from_secs(15), "no request");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_brand_is_recognised_once_its_certificate_is_known_and_never_by_copies() {
    let authority = Authority::default();
    let host = Host::start(authority.issue(&Mark::default()));
    let dns = TestServer::start();
    let record = format!("v=BIMI1; l=; a=https://shop.example:{}/vmc.pem", host.port);
    dns.a("shop.example", "127.0.0.1")
        .txt("shop.example", "v=spf1 ip4:203.0.113.9 -all")
        .txt("_dmarc.shop.example", "v=DMARC1; p=reject")
        .txt("default._bimi.shop.example", &record);
    let files = TempDir::new().unwrap();
    let (roots, tls) = (files.path().join("roots.pem"), files.path().join("tls.pem"));
    fs::write(&roots, &authority.root_pem).unwrap();
    fs::write(&tls, &host.certificate).unwrap();
    let trust = format!(
        "deadline_ms = 1000\n[trust.bimi]\nenabled = true\nallow_private = true\nroots = [\"{}\"]\n",
        roots.display()
    );
    let environment = [("SSL_CERT_FILE", tls.to_str().unwrap())];
    let mut daemon = Daemon::start_in(&dns.addr().to_string(), &trust, &environment);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let status = |mail: &Mail<'_>| {
        let reply = postfix.send(mail);
        assert!(reply.starts_with("250"), "{reply}");
        let delivered = postfix.delivered();
        for name in ["BIMI-Location", "BIMI-Indicator"] {
            assert!(fields(&delivered, name).is_empty(), "{delivered}");
        }
        let results = fields(&delivered, "Authentication-Results").remove(0);
        (fields(&delivered, "X-Spam-Status").remove(0), results)
    };

    let (first, results) = status(&Mail::new(NEWS));
    assert!(!first.contains("BIMI_VERIFIED"), "{first}");
    assert!(results.contains("bimi=temperror"), "{results}");
    host.wait_requests(1);
    let began = Instant::now();
    let (known, results) = loop {
        let (status, results) = status(&Mail::new(NEWS));
        if status.contains("BIMI_VERIFIED") {
            break (status, results);
        }
        assert!(began.elapsed() < Duration::from_secs(15), "{status}\n{}", daemon.log());
    };
    assert!(known.contains("BIMI_VERIFIED(-1.00)"), "{known}");
    assert!(
        results.contains("bimi=pass") && results.contains("policy.authority=pass"),
        "{results}"
    );

    let forged = Mail { client: "198.51.100.7", ..Mail::new(NEWS) };
    let (forged, results) = status(&forged);
    assert!(!forged.contains("BIMI_") && results.contains("bimi=skipped"), "{forged}\n{results}");

    // What was verified is known after a restart, and after a reload.
    daemon.signal("TERM");
    daemon.ended(Duration::from_secs(20));
    daemon.restart();
    assert!(status(&Mail::new(NEWS)).0.contains("BIMI_VERIFIED"));
    daemon.signal("HUP");
    daemon.wait_log("the configuration was reloaded");
    assert!(status(&Mail::new(NEWS)).0.contains("BIMI_VERIFIED"));
    assert_eq!(host.requests.load(Ordering::SeqCst), 1);

    // Without its roots it counts no more.
    let config = fs::read_to_string(daemon.config()).unwrap();
    fs::write(daemon.config(), config.replace("roots = [", "roots = [] # ")).unwrap();
    daemon.signal("HUP");
    let began = Instant::now();
    while !status(&Mail::new(NEWS)).1.contains("no root of marks is trusted here") {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", daemon.log());
    }
}
