//! Who gets in, and who does not: the doors of the pages and of the API, over plain sockets.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::postfix::fields;
use support::site::{Answer, Site};

const ANNA: &str = "anna@example.test";
const BERT: &str = "bert@example.test";
const ROOT: &str = "root@example.test";

#[track_caller]
fn json(answer: &Answer) -> Value {
    assert!(answer.field("content-type").starts_with("application/json"), "{answer:?}");
    serde_json::from_str(&answer.body).unwrap()
}

#[track_caller]
fn is_refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(json(answer)["error"].is_string(), "{answer:?}");
}

/// What stands on every answer, whatever it says.
#[track_caller]
fn is_guarded(answer: &Answer) {
    let policy = answer.field("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{answer:?}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.field(name), value, "{name}: {answer:?}");
    }
}

#[test]
fn programs_with_a_token_see_what_is_theirs_and_an_admin_all() {
    let Some(site) = Site::start("") else { return };
    site.hold(ANNA, "one");
    site.hold("bert+shop@example.test", "two");
    let anna = site.token(&[ANNA]);
    let root = site.token(&[ROOT, "--admin", "--note", "backup"]);
    let get = |path: &str, who: &str| site.ask("GET", path, who, "");

    let nobody = get("/v1/quarantine", "");
    is_refused(&nobody, 401);
    assert_eq!(nobody.field("www-authenticate"), "Bearer");
    is_refused(&get("/v1/quarantine", "Authorization: Bearer tg_wrong\r\n"), 401);
    is_refused(&get("/v1/quarantine", "Authorization: Basic YTpi\r\n"), 401);

    let own = json(&get("/v1/quarantine", &anna));
    assert_eq!(own["entries"].as_array().unwrap().len(), 1, "{own}");
    assert_eq!(own["entries"][0]["owner"], ANNA);
    let all = json(&get("/v1/quarantine", &root));
    assert_eq!(all["entries"].as_array().unwrap().len(), 2);
    let of_bert = json(&get("/v1/quarantine?user=bert%40example.test", &root));
    let id = of_bert["entries"][0]["id"].as_str().unwrap().to_owned();

    // What is Bert's is for Anna as if it were not there, whatever she asks to have done with it.
    is_refused(&get("/v1/quarantine?user=bert%40example.test", &anna), 404);
    is_refused(&get(&format!("/v1/quarantine/{id}"), &anna), 404);
    let release = format!("/v1/quarantine/{id}/release");
    is_refused(&site.ask("POST", &release, &anna, "{}"), 404);
    is_refused(&site.ask("DELETE", &format!("/v1/quarantine/{id}"), &anna, ""), 404);
    is_refused(&get("/v1/policy/bert@example.test", &anna), 404);
    let other = "{\"set\":{\"filtering\":false}}";
    is_refused(&site.ask("PATCH", "/v1/policy/bert@example.test", &anna, other), 404);
    for (method, path) in [
        ("GET", "/v1/policy"),
        ("GET", "/v1/guard"),
        ("GET", "/v1/tokens"),
        ("POST", "/v1/quarantine/expire"),
        ("POST", "/v1/guard/X/clear"),
        ("PATCH", "/v1/policy/@example.test"),
    ] {
        let body = if method == "GET" { "" } else { "{}" };
        is_refused(&site.ask(method, path, &anna, body), 403);
    }
    let more = "{\"address\":\"anna@example.test\",\"admin\":true}";
    is_refused(&site.ask("POST", "/v1/tokens", &anna, more), 403);
    site.nothing_comes();

    // A program may do for its user what the user may, and is told in JSON what it got wrong.
    let edited = site.ask("PATCH", "/v1/policy/anna@example.test", &anna, "{\"set\":{\"tag\":4}}");
    assert_eq!((edited.status, &json(&edited)["version"]), (200, &1.into()));
    for (method, path, body, status) in [
        ("PATCH", "/v1/policy/anna@example.test", "{\"set\":{\"tga\":4}}", 400),
        ("PATCH", "/v1/policy/anna@example.test", "{\"set\":", 400),
        ("PATCH", "/v1/policy/anna@example.test", "set=1", 415),
        ("PATCH", "/v1/policy/anna@example.test", "{\"sett\":{}}", 422),
        ("GET", "/v1/quarantine?limit=many", "", 400),
        ("GET", "/v1/quarantine/..%2f..%2fetc", "", 404),
        ("GET", "/v1/nothing", "", 404),
        ("PUT", "/v1/quarantine", "{}", 405),
    ] {
        let answer = site.ask(method, path, &anna, body);
        is_refused(&answer, status);
        is_guarded(&answer);
    }

    // Nobody is there to take it: that is no fault of ours, and the log names the message.
    site.postfix.stop();
    let failed = site.ask("POST", &release, &root, "{}");
    is_refused(&failed, 502);
    assert_eq!(failed.body.matches("refused").count(), 1, "said once: {}", failed.body);
    let log = site.daemon.wait_log("a held message was not released");
    assert!(log.lines().any(|it| it.contains("not released") && it.contains(&id)), "{log}");
    site.postfix.start_again();

    let released = site.ask("POST", &release, &root, "{\"learn\":true}");
    assert_eq!((released.status, &json(&released)["learned"]), (200, &"new".into()));
    let message = site.postfix.delivered();
    assert_eq!(fields(&message, "Delivered-To"), ["bert+shop@example.test"]);
    assert_eq!(fields(&message, "X-Spam-Status"), [""; 0], "it is not filtered again");
    is_refused(&site.ask("POST", &release, &root, "{}"), 409);

    // Ended, it opens nothing.
    let tokens = site.tidegate(&["token", "list", "--json"]);
    let tokens: Value = serde_json::from_str(&tokens).unwrap();
    let id = tokens.as_array().unwrap().iter().find(|it| it["note"] == "backup").unwrap();
    site.tidegate(&["token", "revoke", id["id"].as_str().unwrap()]);
    is_refused(&get("/v1/quarantine", &root), 401);
}

#[test]
fn a_link_signs_in_once_and_only_who_reads_the_mailbox() {
    let Some(site) = Site::start("") else { return };
    // Known, unknown, not served, nonsense: all are told the same.
    let said = |address: &str| {
        let answer = site.ask("POST", "/sign-in", "", &format!("address={address}"));
        assert_eq!(answer.status, 200);
        answer.body.replace(&address.replace("%40", "@"), "X")
    };
    let known = said("anna%40example.test");
    let link = site.link_from_mailbox();
    for address in ["stranger%40elsewhere.example", "nobody%40example.test", "xyzzy"] {
        assert_eq!(said(address), known);
    }
    site.delivered(1);
    site.nothing_comes();

    // A program that follows links changes nothing by that.
    let (_, token) = link.split_once("link=").unwrap();
    for _ in 0..2 {
        let page = site.ask("GET", &format!("/sign-in?link={token}"), "", "");
        assert_eq!((page.status, page.hidden("link").as_str()), (200, token));
        assert_eq!(page.field("set-cookie"), "");
    }
    let open = |header: &str| site.ask("POST", "/session", header, &format!("link={token}"));
    for elsewhere in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
    ] {
        assert_eq!(open(elsewhere).status, 403, "{elsewhere}");
        let asked = site.ask("POST", "/sign-in", elsewhere, "address=anna%40example.test");
        assert_eq!(asked.status, 403, "{elsewhere}");
    }
    let opened = open(&format!("Origin: {}\r\n", site.url("")));
    let cookie = opened.field("set-cookie");
    for part in ["tidegate=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains(token), "{cookie}");
    let again = open("");
    assert_eq!((again.status, again.field("set-cookie")), (410, ""));

    // Three in a quarter of an hour, by whichever of their addresses; a second was asked for above.
    assert!(site.link("info%40example.test").contains("/sign-in?link="));
    said("anna%2Bx%40example.test");
    site.delivered(1);
    said("anna%40example.test");
    said("ANNA%40example.test");
    site.nothing_comes();
    site.daemon.wait_log("too many links");
    // And twenty for one client, whomever it names.
    (0..20).for_each(|n| drop(said(&format!("user{n}%40example.test"))));
    std::thread::sleep(Duration::from_secs(2));
    let came = site.postfix.mailbox().len();
    assert!((1..=14).contains(&came), "{came}");
}

#[test]
fn a_form_of_another_site_or_session_changes_nothing() {
    let Some(site) = Site::start("") else { return };
    site.hold(ANNA, "one");
    site.hold(BERT, "two");
    let (anna, bert) = (site.sign_in(ANNA), site.sign_in(BERT));
    let form_of = |who: &str| site.ask("GET", "/held", who, "").hidden("form");
    let (annas, berts) = (form_of(&anna), form_of(&bert));
    assert_ne!(annas, berts);
    let id = site.ask("GET", "/held", &anna, "").hidden("id");
    let shown = site.ask("GET", "/choices", &anna, "").body;

    let acts = |form: &str| {
        [
            ("/held", format!("form={form}&id={id}&do=release")),
            ("/held", format!("form={form}&id={id}&do=delete")),
            ("/choices", format!("form={form}&address={ANNA}&do=save&filtering=false")),
            ("/sign-out", format!("form={form}")),
            ("/admin/damped", format!("form={form}&name=X")),
        ]
    };
    for form in ["", "x", &berts] {
        for (path, body) in acts(form) {
            let answer = site.ask("POST", path, &anna, &body);
            assert_eq!(answer.status, 403, "{path}: {answer:?}");
            is_guarded(&answer);
        }
    }
    // A form without the field, and nobody's.
    assert!(site.ask("POST", "/sign-out", &anna, "").status >= 400);
    for (path, body) in acts(&annas) {
        let answer = site.ask("POST", path, "", &body);
        assert_eq!((answer.status, answer.field("location")), (303, "/"), "{path}");
    }
    assert_eq!(site.ask("GET", "/choices", &anna, "").body, shown);
    assert!(site.ask("GET", "/held", &anna, "").body.contains(&id));
    site.nothing_comes();

    // Bert, with a form of his own, gets at nothing of Anna's; ids that he guesses are not there.
    assert_eq!(site.ask("GET", &format!("/held/{id}"), &bert, "").status, 404);
    for what in ["release", "release-learn", "delete"] {
        let answer = site.ask("POST", "/held", &bert, &format!("form={berts}&id={id}&do={what}"));
        assert_eq!(answer.field("location"), "/held?done=gone-1");
    }
    for path in ["/choices?address=anna%40example.test", "/admin", "/admin/held", "/held/x"] {
        assert_eq!(site.ask("GET", path, &bert, "").status, 404, "{path}");
    }
    let body = format!("form={berts}&address={ANNA}&do=save&filtering=false");
    assert_eq!(site.ask("POST", "/choices", &bert, &body).status, 404);
    assert_eq!(
        site.ask("POST", "/admin/damped", &bert, &format!("form={berts}&name=X")).status,
        404
    );
    site.nothing_comes();

    // No form leads away from here.
    for back in ["https://evil.example/", "//evil.example/held", "/held%0d%0aSet-Cookie:%20a=b"] {
        let body = format!("form={annas}&do=delete&back={back}");
        let answer = site.ask("POST", "/held", &anna, &body);
        assert_eq!((answer.status, answer.field("location")), (303, "/held?done=none-1"));
        assert_eq!(answer.field("set-cookie"), "");
    }

    // Signed out, the cookie opens nothing, even for whoever has kept it.
    let out = site.ask("POST", "/sign-out", &anna, &format!("form={annas}"));
    assert_eq!((out.status, out.field("location")), (303, "/?done=out"));
    assert!(out.field("set-cookie").contains("Max-Age=0"));
    assert_eq!(site.ask("GET", "/held", &anna, "").field("location"), "/");
}

#[test]
fn every_answer_is_guarded_and_every_error_in_words() {
    let Some(site) = Site::start("session_hours = 1\n") else { return };
    let anna = site.sign_in(ANNA);
    for (method, path, body, status) in [
        ("GET", "/", "", 303),
        ("GET", "/style.css", "", 200),
        ("GET", "/held", "", 200),
        ("GET", "/held?after=nonsense", "", 400),
        ("GET", "/held?search=%3Cscript%3Ealert(1)%3C/script%3E%22", "", 200),
        ("GET", "/held?done=%3Cb%3E", "", 200),
        ("GET", "/q", "", 303),
        ("GET", "/q/release", "", 400),
        ("GET", "/q/release?token=%3Cscript%3E", "", 400),
        ("POST", "/q/release", "token=x", 400),
        ("GET", "/sign-in", "", 400),
        ("GET", "/sign-in?link=%22%3E%3Cscript%3E", "", 200),
        ("POST", "/session", "link=x", 410),
        ("POST", "/session", "", 422),
        ("POST", "/sign-in", "{}", 415),
        ("POST", "/sign-in", "address=%22%3E%3Cscript%3E%40example.test", 200),
        ("GET", "/nowhere", "", 404),
        ("DELETE", "/held", "", 405),
        ("GET", "/choices?address=%3Cscript%3E", "", 400),
    ] {
        let answer = site.ask(method, path, &anna, body);
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        is_guarded(&answer);
        assert!(!answer.body.contains("<script") && !answer.body.contains("<b>"), "{answer:?}");
        if status >= 400 {
            assert!(answer.body.contains("<h1>"), "in our words: {answer:?}");
        }
    }

    // A form is 1 MiB at most, whether it says so before or not.
    let long = format!("address={}", "a".repeat(2 << 20));
    let answer = site.ask("POST", "/sign-in", "", &long);
    assert_eq!(answer.status, 413, "{}", answer.header);
    is_guarded(&answer);
    let chunks = format!(
        "POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n",
        long.len()
    );
    assert_eq!(site.raw(&chunks).status, 413);
    let header = format!("X-Long: {}\r\n", "a".repeat(64 << 10));
    assert_eq!(site.ask("GET", "/", &header, "").status, 431);
}

#[test]
fn behind_tls_the_cookie_goes_by_nothing_else() {
    let Some(site) = Site::start("public_url = 'https://mail.example.test'\nbehind_proxy = true\n")
    else {
        return;
    };
    let link = site.link("anna%40example.test");
    let (_, token) = link.split_once("https://mail.example.test/sign-in?link=").unwrap();
    let from = "Origin: https://mail.example.test\r\nX-Forwarded-For: 198.51.100.7\r\n";
    let opened = site.ask("POST", "/session", from, &format!("link={token}"));
    let cookie = opened.field("set-cookie");
    assert!(cookie.starts_with("__Host-tidegate="), "{cookie}");
    for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    // One without the prefix could have been set by a neighbour.
    let value = cookie.split(['=', ';']).nth(1).unwrap();
    assert_eq!(
        site.ask("GET", "/held", &format!("Cookie: __Host-tidegate={value}\r\n"), "").status,
        200
    );
    assert_eq!(site.ask("GET", "/held", &format!("Cookie: tidegate={value}\r\n"), "").status, 303);
}

#[test]
fn who_writes_a_letter_a_second_is_let_go() {
    let Some(site) = Site::start("") else { return };
    let connect = || {
        let stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream
    };
    let began = Instant::now();
    let slow = |mut stream: TcpStream, start: &str| {
        stream.write_all(start.as_bytes()).unwrap();
        while began.elapsed() < Duration::from_secs(35) {
            std::thread::sleep(Duration::from_millis(500));
            if stream.write_all(b"a").is_err() {
                break;
            }
            stream.set_nonblocking(true).unwrap();
            let mut answer = [0; 512];
            match stream.read(&mut answer) {
                Ok(length) => return String::from_utf8_lossy(&answer[..length]).into_owned(),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
            stream.set_nonblocking(false).unwrap();
        }
        String::new()
    };
    std::thread::scope(|scope| {
        let header = scope.spawn(|| slow(connect(), "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "));
        let body = scope.spawn(|| {
            let start = "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\
                         Content-Type: application/x-www-form-urlencoded\r\n\r\naddress=";
            slow(connect(), start)
        });
        // Others are served meanwhile.
        assert_eq!(site.ask("GET", "/", "", "").status, 200);
        assert!(began.elapsed() < Duration::from_secs(5));
        header.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "the header has ten seconds");
        let answer = body.join().unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(began.elapsed() < Duration::from_secs(30), "the body has twenty");
    });
}

#[test]
fn who_is_no_admin_any_more_loses_it_at_once() {
    let Some(mut site) = Site::start("") else { return };
    let root = site.sign_in(ROOT);
    assert_eq!(site.ask("GET", "/admin", &root, "").status, 200);
    site.daemon.signal("TERM");
    site.daemon.ended(Duration::from_secs(20));
    let config = site.daemon.config();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("admins = ['root@example.test']", "")).unwrap();
    site.daemon.restart();
    assert_eq!(site.ask("GET", "/held", &root, "").status, 200, "still signed in");
    assert_eq!(site.ask("GET", "/admin", &root, "").status, 404);
}
