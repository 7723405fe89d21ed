//! What nobody is to learn, and where nothing is to go: secrets stay out of the log and out of what commands
//! print, guesses are bounded, and the daemon connects to nobody whom its configuration doesn't name.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::daemon::{DEAD_DNS, Daemon};
use support::postfix::Postfix;
use support::site::Site;
use support::smtp::Mail;
use support::{free_port, mail, root, skip};
use tidegate_dns::testing::TestServer;

const ANNA: &str = "anna@example.test";

/// Everything that can be said is said.
const TALKATIVE: &str = "[log]\nlevel = 'trace'\naddresses = 'full'\n";

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn tokens_links_and_sessions_are_not_in_the_log() {
    let Some(site) = Site::start(TALKATIVE) else { return };
    site.hold(ANNA, "one");
    let token = site.token(&[ANNA]);
    assert_eq!(site.ask("GET", "/v1/quarantine", &token, "").status, 200);
    let wrong = "tg_c2VjcmV0LXRoYXQtd2FzLWd1ZXNzZWQ";
    assert_eq!(site.ask("GET", "/v1/quarantine", &bearer(wrong), "").status, 401);
    let link = site.link(ANNA);
    let (_, link) = link.split_once("link=").unwrap();
    assert_ne!(site.ask("POST", "/session", "", "link=bGluayB0aGF0IGlzIG5vbmU").status, 500);
    let answer = site.ask("POST", "/session", "", &format!("link={link}"));
    let cookie = answer.field("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(site.ask("GET", "/held", &format!("Cookie: {cookie}\r\n"), "").status, 200);

    let (log, (_, metrics)) = (site.daemon.log(), site.daemon.get("/metrics").unwrap());
    let listed = site.tidegate(&["token", "list", "--json"]);
    let checked = site.tidegate(&["check", "--effective"]);
    let shown = token.trim().rsplit(' ').next().unwrap();
    let (_, session) = cookie.split_once('=').unwrap();
    for secret in [shown, wrong, link, session, "bGluayB0aGF0IGlzIG5vbmU"] {
        for (said, by) in
            [(&log, "the log"), (&metrics, "metrics"), (&listed, "list"), (&checked, "check")]
        {
            assert!(!said.contains(secret), "{by} tells {secret}:\n{said}");
        }
    }
}

#[test]
fn who_guesses_tokens_is_not_listened_to_for_a_while_and_others_are() {
    let Some(site) = Site::start("behind_proxy = true\n") else { return };
    let token = site.token(&[ANNA]);
    let ask = |from: &str, token: &str| {
        site.ask("GET", "/v1/quarantine", &format!("{token}X-Forwarded-For: {from}\r\n"), "")
    };
    for guess in 0..20 {
        assert_eq!(ask("192.0.2.1", &bearer(&format!("tg_{guess}"))).status, 401);
    }
    for token in [bearer("tg_more"), token.clone()] {
        let answer = ask("192.0.2.1", &token);
        assert_eq!(answer.status, 429, "{answer:?}");
        assert_eq!(answer.field("retry-after"), "900");
    }
    assert_eq!(ask("192.0.2.2", &token).status, 200);
    let log = site.daemon.wait_log("too many tokens that are none");
    assert!(log.contains("192.0.2.1") && !log.contains("tg_more"), "{log}");
}

#[test]
fn credentials_of_a_bucket_are_not_told() {
    let port = free_port();
    let endpoint = format!("http://127.0.0.1:{port}");
    let secrets = ["AKIDNOTTOBETOLD", "a/secret+that-is-not-to-be-told"];
    let environment = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-test-1"),
        ("AWS_ACCESS_KEY_ID", secrets[0]),
        ("AWS_SECRET_ACCESS_KEY", secrets[1]),
    ];
    let more = format!(
        "[quarantine]\nurl = \"s3://held/mail\"\n[policy]\nsplit_timeout_ms = 1000\n\
         [policy.default]\nat_reject = \"quarantine\"\n{TALKATIVE}"
    );
    let daemon = Daemon::start_in(DEAD_DNS, &more, &environment);
    if let Some(postfix) = Postfix::start(&daemon.tcp_milter(), &[]) {
        // Nobody listens there: it can't be held, and the log says why.
        postfix.send(&Mail::new(&mail("gtube.eml")));
    }
    let check = Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["check", "--effective", "--verbose", "--config"])
        .arg(daemon.config())
        .envs(environment)
        .output()
        .unwrap();
    assert!(check.status.success());
    let printed = String::from_utf8([check.stdout, check.stderr].concat()).unwrap();
    for secret in secrets {
        assert!(!daemon.log().contains(secret), "{}", daemon.log());
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn what_listens_by_default_is_reached_from_this_machine_alone() {
    let defaults = fs::read_to_string(root().join("config/tidegate.toml")).unwrap();
    let defaults: toml::Table = defaults.parse().unwrap();
    let mut found = 0;
    for (name, section) in &defaults {
        let Some(listen) = section.get("listen") else { continue };
        let addresses = match listen {
            toml::Value::Array(several) => several.clone(),
            one => vec![one.clone()],
        };
        for address in addresses {
            let address = address.as_str().unwrap().trim_start_matches("inet:").to_owned();
            assert!(address.starts_with("127.0.0.1:"), "[{name}] listens at {address}");
            found += 1;
        }
    }
    assert_eq!(found, 3, "milter, http and pages");
}

/// Destinations of connections and datagrams in what strace wrote: `ADDRESS:PORT`, or the path of a socket.
fn destinations(trace: &str) -> BTreeSet<String> {
    let between = |line: &str, begin: &str, end: char| {
        let (_, rest) = line.split_once(begin)?;
        Some(rest.split(end).next()?.to_owned())
    };
    let each = trace.lines().filter_map(|line| {
        let port = between(line, "_port=htons(", ')');
        let address = between(line, "inet_addr(\"", '"').or(between(line, "AF_INET6, \"", '"'));
        match (port, address) {
            (Some(port), Some(address)) => Some(format!("{address}:{port}")),
            (Some(port), None) => Some(format!("?:{port} in {line}")),
            _ => between(line, "sun_path=\"", '"'),
        }
    });
    each.collect()
}

#[test]
fn the_daemon_connects_to_nobody_whom_its_configuration_does_not_name() {
    if !Command::new("strace").arg("-V").output().is_ok_and(|it| it.status.success()) {
        return skip("strace is not installed");
    }
    let dns = TestServer::start();
    let asked = dns.config().servers[0].to_string();
    let smtp = free_port();
    // Everything that asks is switched on: the lists and marks that come with the program, and BIMI.
    let more = format!(
        "deadline_ms = 500\n[lists]\nenabled = true\n[trust.bimi]\nenabled = true\n\
         [quarantine]\nrelease_to = \"127.0.0.1:{smtp}\"\n\
         [policy.default]\nat_reject = \"quarantine\"\n[journal]\nenabled = true\n"
    );
    let daemon = Daemon::start(&asked, &more);
    let Some(postfix) = Postfix::start_at(smtp, &daemon.tcp_milter(), &["mynetworks=127.0.0.0/8"])
    else {
        return;
    };
    let written = daemon.dir.path().join("trace");
    let told = File::create(daemon.dir.path().join("strace")).unwrap();
    let mut strace = Command::new("strace")
        .args(["-f", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o"])
        .arg(&written)
        .args(["-p", &daemon.pid().to_string()])
        .stdin(Stdio::null())
        .stderr(told)
        .spawn()
        .unwrap();
    let attached = || fs::read_to_string(daemon.dir.path().join("strace")).unwrap();
    let began = Instant::now();
    while !attached().contains("attached") {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", attached());
        std::thread::sleep(Duration::from_millis(20));
    }
    for message in ["clean.eml", "phishing.eml", "hostile.eml", "gtube.eml"] {
        postfix.send(&Mail::new(&mail(message)));
    }
    let tidegate = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["--config", daemon.config().to_str().unwrap()])
            .args(["--store", daemon.dir.path().join("state").to_str().unwrap()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let listed = tidegate(&["quarantine", "list", "--json"]);
    let held: serde_json::Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let entry = held["id"].as_str().unwrap().to_owned();
    tidegate(&["quarantine", "release", &entry]);
    let end = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
    assert!(end.unwrap().success());
    strace.wait().unwrap();

    let trace = fs::read_to_string(&written).unwrap();
    let found = destinations(&trace);
    // The socket for DNS may have been connected before the trace began.
    let smtp = format!("127.0.0.1:{smtp}");
    assert!(found.contains(&smtp), "{trace}");
    assert!(found.is_subset(&BTreeSet::from([asked, smtp])), "{found:?}\n{trace}");
}
