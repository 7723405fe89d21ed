//! Lists and authentication through a real Postfix, asked of a real DNS server on loopback.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::fs;
use std::time::Duration;

use support::daemon::Daemon;
use support::mail;
use support::postfix::{Postfix, fields};
use support::signed::{KEY, SENDER, SIGNED};
use support::smtp::Mail;
use tidegate_dns::testing::{Failure, TestServer};

const FOOTBALL: &str = "football.example.com";

/// Two lists of one operator, and nothing else.
const LISTS: &str = r#"
[lists]
enabled = true
[lists.zones.mine]
zone = "bl.test"
side = "block"
operator = "me"
subjects = ["client"]
codes = [{ match = "127.0.0.2", signal = "LISTED_MINE", score = 6.0, says = "The client is on my list" }]
[lists.zones.domains]
zone = "dbl.test"
side = "block"
operator = "me"
subjects = ["sender", "links"]
codes = [{ match = "127.0.1.2", signal = "DOMAIN_LISTED_MINE", score = 2.0, says = "A domain is on my list" }]
"#;

/// Certifiers who come with the program are not asked either; one of this test's is.
const DNSWL_OFF: &str = r#"
[trust.lists]
dnswl.enabled = false
dnswl-domains.enabled = false
iadb.enabled = false
[trust.vbr."vouch.test"]
opt_in = "confirmed"
"#;

/// The world: a sender with everything in order, and lists that list somebody else.
fn world() -> TestServer {
    let server = TestServer::start();
    server
        .ptr("203.0.113.9", "mail.football.example.com")
        .a("mail.football.example.com", "203.0.113.9")
        .mx(FOOTBALL, 10, "mail.football.example.com")
        .txt(FOOTBALL, "v=spf1 ip4:203.0.113.9 -all")
        .txt(KEY.0, KEY.1)
        .txt("_dmarc.football.example.com", "v=DMARC1; p=reject")
        .a("2.0.0.127.bl.test", "127.0.0.2")
        .a("7.100.51.198.bl.test", "127.0.0.2")
        .a("test.dbl.test", "127.0.1.2")
        .a("example.com.dbl.test", "127.0.1.2");
    server
}

fn joe(data: &str) -> Mail<'_> {
    Mail {
        client_name: "mail.football.example.com",
        helo: "mail.football.example.com",
        from: SENDER,
        ..Mail::new(data)
    }
}

fn ask(server: &TestServer) -> String {
    server.config().servers[0].to_string()
}

/// The lists that come with the program are not asked here: nobody answers for them.
fn daemon(server: &TestServer, more: &str) -> Daemon {
    let off: String = [
        "spamhaus-zen",
        "spamhaus-zen-received",
        "spamhaus-dbl",
        "spamcop",
        "psbl",
        "mailspike",
        "surbl",
        "uribl",
        "mailspike-allow",
    ]
    .iter()
    .map(|zone| format!("[lists.zones.{zone}]\nenabled = false\n"))
    .chain([DNSWL_OFF.to_owned()])
    .collect();
    // What would be held is delivered with its marks, for the tests to see them.
    let tag_only = "[policy.default]\nat_quarantine = \"tag\"\n";
    Daemon::start(&ask(server), &format!("deadline_ms = 1000\n{LISTS}{off}{tag_only}{more}"))
}

#[test]
fn a_sender_who_proves_himself_is_told_so() {
    let server = world();
    let daemon = daemon(&server, "");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    assert!(postfix.send(&joe(SIGNED)).starts_with("250"));
    let delivered = postfix.delivered();
    let [results] = &fields(&delivered, "Authentication-Results")[..] else {
        panic!("{delivered}")
    };
    for result in [
        "iprev=pass",
        "spf=pass",
        "dkim=pass",
        "header.a=ed25519-sha256",
        "dmarc=pass",
        "policy.dmarc=reject",
    ] {
        assert!(results.contains(result), "{result} in {results}");
    }
    let [status] = &fields(&delivered, "X-Spam-Status")[..] else { panic!("{delivered}") };
    assert!(status.starts_with("No,") && status.contains("DMARC_PASS"), "{status}");
    assert!(status.contains("DOMAIN_LISTED_MINE") && !status.contains(" LISTED_MINE"), "{status}");
    assert!(!status.contains("partial"), "{status}");
}

#[test]
fn what_is_not_kept_of_a_message_counts_for_its_signature() {
    let server = world();
    let mut daemon = daemon(&server, "");
    daemon.stop();
    let config = fs::read_to_string(daemon.config()).unwrap();
    fs::write(daemon.config(), config.replace("[milter]\n", "[milter]\nbody_bytes = 20\n"))
        .unwrap();
    daemon.restart();
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let forged = SIGNED.replace("Joe.\n", "Jim.\n");
    for (data, expect) in [(SIGNED, "dkim=pass"), (&forged, "dkim=fail")] {
        let reply = postfix.send(&Mail { from: "<>", ..joe(data) });
        assert!(reply.starts_with("250"), "{reply}");
        let delivered = postfix.delivered();
        let results = fields(&delivered, "Authentication-Results").pop().unwrap();
        assert!(results.contains(expect), "{expect}: {delivered}");
    }
}

#[test]
fn a_forger_on_a_list_is_found_out() {
    let server = world();
    let daemon = daemon(&server, "");
    let Some(postfix) = Postfix::start(&daemon.unix_milter(), &[]) else { return };
    let forged = SIGNED.replace("We lost", "We won");
    let mail = Mail { client: "198.51.100.7", client_name: "[UNAVAILABLE]", ..joe(&forged) };
    let reply = postfix.send(&mail);
    assert!(reply.starts_with("250"), "{reply}");
    let delivered = postfix.delivered();
    let [status] = &fields(&delivered, "X-Spam-Status")[..] else { panic!("{delivered}") };
    assert_eq!(fields(&delivered, "X-Spam-Flag"), ["YES"], "{status}");
    for signal in ["LISTED_MINE(6.00)", "DMARC_REJECT", "SPF_FAIL", "DKIM_FAIL"] {
        assert!(status.contains(signal), "{signal} in {status}");
    }
}

#[test]
fn a_network_that_is_silent_costs_the_deadline_and_no_points() {
    let server = world();
    let daemon = daemon(&server, "");
    server.fail("", Failure::Silent);
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let clean = mail("clean.eml");
    assert!(postfix.send(&Mail::new(&clean)).starts_with("250"));
    let delivered = postfix.delivered();
    let [status] = &fields(&delivered, "X-Spam-Status")[..] else { panic!("{delivered}") };
    assert!(status.starts_with("No,") && status.contains("partial=dns:"), "{status}");
}

#[test]
fn a_list_that_lists_the_world_is_set_aside() {
    let server = world();
    server.a("*.bl.test", "127.0.0.2");
    let daemon = daemon(&server, "");
    daemon.wait_log("bl.test");
    std::thread::sleep(Duration::from_millis(200));
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    assert!(postfix.send(&joe(SIGNED)).starts_with("250"));
    let [status] = &fields(&postfix.delivered(), "X-Spam-Status")[..] else { panic!() };
    assert!(!status.contains(" LISTED_MINE"), "{status}");
    let (_, metrics) = daemon.get("/metrics").unwrap();
    let line = metrics.lines().find(|line| line.contains("zone=\"bl.test\""));
    assert!(line.is_some(), "{metrics}");
}

#[test]
fn a_trustmark_is_told_and_forged_ones_are_taken_off() {
    let server = world();
    server.txt(&format!("{FOOTBALL}._vouch.vouch.test"), "all");
    let daemon = daemon(&server, "");
    let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) else { return };
    let claim =
        format!("VBR-Info: md={FOOTBALL}; mc=all; mv=vouch.test;\nX-Trustmark: best of all\n");
    assert!(postfix.send(&joe(&format!("{claim}{SIGNED}"))).starts_with("250"));
    let delivered = postfix.delivered();
    let [marks] = &fields(&delivered, "X-Trustmark")[..] else { panic!("{delivered}") };
    assert!(marks.starts_with("vbr: vouch.test for football.example.com"), "{marks}");
    let [results] = &fields(&delivered, "Authentication-Results")[..] else { panic!() };
    assert!(results.contains("vbr=pass"), "{results}");
}

#[test]
fn a_sender_is_told_what_to_mend() {
    let server = world();
    let dir = tempfile::tempdir().unwrap();
    let (config, letter) = (dir.path().join("t.toml"), dir.path().join("news.eml"));
    let text =
        format!("[dns]\nservers = [\"{}\"]\n[lists]\nenabled = false\n{DNSWL_OFF}", ask(&server));
    std::fs::write(&config, text).unwrap();
    let bulk = SIGNED.replace("Hi.", "Hello all.");
    std::fs::write(&letter, format!("Precedence: bulk\n{bulk}")).unwrap();
    let scan = |client: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .arg("--config")
            .arg(&config)
            .args(["scan", "--ip", client, "--helo", "mail.football.example.com"])
            .args(["--from", SENDER])
            .arg(&letter)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told = scan("198.51.100.7");
    let (_, advice) = told.split_once("If you send this mail").expect(&told);
    for missing in [
        "SPF: football",
        "PTR: 198.51.100.7",
        "DKIM: ",
        "alignment: ",
        "List-Unsubscribe-Post",
        "List-Id",
    ] {
        assert!(advice.contains(missing), "{missing} in {advice}");
    }
    let told = scan("203.0.113.9");
    let (_, advice) = told.split_once("If you send this mail").expect(&told);
    for present in ["SPF: ", "PTR: ", "alignment: "] {
        assert!(!advice.contains(present), "{present} in {advice}");
    }
}
