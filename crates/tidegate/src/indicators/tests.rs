//! Certificates of an authority made here, fetched from an HTTPS server on loopback, for messages that
//! an engine judges.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;
use tidegate_checks::trust::bimi::testing::{Authority, Mark};
use tidegate_dns::Question;
use tidegate_dns::testing::TestServer;
use tidegate_engine::{Engine, Indicators as _, Judged};
use tidegate_mail::{Address, Envelope};
use tidegate_store::Memory;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::config;
use crate::metrics::Metrics;

/// Answers by path.
struct Host {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    connections: Arc<AtomicUsize>,
}

impl Host {
    /// Serves `pem` at `/vmc.pem`, and at other paths what goes wrong.
    async fn start(pem: String) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut names = vec!["shop.example".to_owned(), "eve.example".to_owned()];
        names.extend((0..100).map(|number| format!("shop{number}.example")));
        let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let certificate = certificate.der().clone();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.clone()], key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, pem) = (acceptor.clone(), pem.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = vec![0; 4_096];
                    let read = stream.read(&mut request).await.unwrap_or(0);
                    let request = String::from_utf8_lossy(&request[..read]).into_owned();
                    let path = request.split(' ').nth(1).unwrap_or_default();
                    let answer = answer(path, &pem, address.port()).await;
                    let _ = stream.write_all(&answer).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { address, certificate, connections }
    }

    fn location(&self, path: &str) -> String {
        format!("https://shop.example:{}{path}", self.address.port())
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn answer(path: &str, pem: &str, port: u16) -> Vec<u8> {
    let with = |status: &str, more: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}\r\n{body}").into_bytes()
    };
    let to = |location: &str| with("302 Found", &format!("Location: {location}\r\n"), "");
    match path.split('?').next().unwrap_or_default() {
        "/vmc.pem" => with("200 OK", "", pem),
        "/slow" => {
            tokio::time::sleep(Duration::from_secs(30)).await;
            Vec::new()
        }
        "/large" => with("200 OK", "", &"A".repeat(1 << 20)),
        "/broken" => with("503 Sorry", "", ""),
        "/moved" => to("/vmc.pem"),
        "/to-http" => to(&format!("http://shop.example:{port}/vmc.pem")),
        "/to-address" => to(&format!("https://127.0.0.1:{port}/vmc.pem")),
        "/around" => to("/around"),
        _ => with("404 Not Found", "", ""),
    }
}

/// Everything that it takes, but for what a test changes.
struct World {
    dns: TestServer,
    host: Host,
    authority: Authority,
    store: Arc<dyn Store>,
    metrics: Metrics,
}

impl World {
    async fn new() -> Self {
        let authority = Authority::default();
        let host = Host::start(authority.issue(&Mark::default())).await;
        let dns = TestServer::start();
        for domain in ["shop.example", "eve.example"] {
            dns.a(domain, "127.0.0.1")
                .txt(domain, "v=spf1 ip4:203.0.113.9 -all")
                .txt(&format!("_dmarc.{domain}"), "v=DMARC1; p=reject");
        }
        let metrics = Metrics::new().unwrap();
        Self { dns, host, authority, store: Arc::new(Memory::new()), metrics }
    }

    fn resolver(&self) -> Resolver {
        Resolver::new(&self.dns.config()).unwrap()
    }

    fn indicators(&self, config: &Config) -> Arc<Indicators> {
        let mut roots = Roots::default();
        roots.add(self.authority.root_pem.as_bytes()).unwrap();
        let indicators =
            Indicators::new(Some(Arc::clone(&self.store)), self.metrics.beside.clone());
        let further = reqwest::Certificate::from_der(&self.host.certificate).unwrap();
        let fetcher =
            Fetcher::trusting(vec![further], config, self.resolver(), indicators.hosts.clone())
                .unwrap();
        indicators.put_to_work(config, &roots, fetcher);
        indicators
    }

    /// An engine by the program's own configuration, over `indicators`.
    fn engine(&self, indicators: &Arc<Indicators>) -> Arc<Engine> {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("roots.pem"), &self.authority.root_pem).unwrap();
        let text = format!(
            "[server]\nid = 'mx.example'\n[dns]\nservers = ['{}']\n[lists]\nenabled = false\n\
             [trust.bimi]\nenabled = true\nroots = ['roots.pem']\n",
            self.dns.addr()
        );
        let file = dir.path().join("tidegate.toml");
        fs::write(&file, text).unwrap();
        let options = config::Options { file: Some(file), ..Default::default() };
        let loaded = config::load(&options).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let mut parts = loaded.parts;
        parts.records = true;
        parts.indicators = Some(Arc::new(Known(Arc::clone(indicators))));
        Arc::new(Engine::new(parts))
    }

    /// Publishes the claim of a mark.
    fn claim(&self, domain: &str, path: &str) {
        let record = format!("v=BIMI1; l=; a={}", self.host.location(path));
        self.dns.txt(&format!("default._bimi.{domain}"), &record);
    }
}

fn open() -> Config {
    Config { enabled: true, allow_private: true, timeout_ms: 1_000, ..Config::default() }
}

async fn judge(engine: &Arc<Engine>, domain: &str, client: &str, fields: &str) -> Judged {
    let sender = format!("news@{domain}");
    let raw = format!(
        "{fields}From: Shop <{sender}>\r\nTo: anna@example.org\r\nSubject: News\r\n\
         Date: Thu, 26 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@{domain}>\r\n\r\nNews.\r\n"
    );
    let envelope = Envelope {
        client: Some(client.parse().unwrap()),
        helo: Some(format!("mail.{domain}")),
        sender: Some(Address::new(&sender)),
        recipients: vec![Address::new("anna@example.org")],
        ..Envelope::default()
    };
    let now = i64::try_from(seconds()).unwrap();
    engine.judge(envelope, raw.as_bytes(), now).await
}

fn points(judged: &Judged, name: &str) -> Option<f32> {
    judged.signals.iter().find(|signal| signal.name() == name).map(|signal| signal.score())
}

/// What the field says of the mark.
fn told(judged: &Judged) -> String {
    let fields = judged.fields.in_form(&tidegate_policy::Form::Marked);
    let results = fields.add.iter().find(|field| field.name == "Authentication-Results").unwrap();
    let of_mark = results.value.split(";\n\t").find(|part| part.starts_with("bimi="));
    of_mark.unwrap_or_default().replace("\n\t", "")
}

/// Waits until nothing is being fetched.
async fn landed(indicators: &Indicators) {
    let began = Instant::now();
    while !indicators.flights().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What is known of `path` after it was fetched.
async fn after(world: &World, indicators: &Arc<Indicators>, path: &str) -> Evidence {
    let (known, location) = (Known(Arc::clone(indicators)), world.host.location(path));
    let now = i64::try_from(seconds()).unwrap();
    assert_eq!(known.evidence(&location, now), Evidence::Unknown, "nobody waits");
    landed(indicators).await;
    known.evidence(&location, now)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_message_is_judged_without_and_the_next_ones_with_the_certificate() {
    let world = World::new().await;
    world.claim("shop.example", "/vmc.pem");
    let indicators = world.indicators(&open());
    let engine = world.engine(&indicators);
    let first = judge(&engine, "shop.example", "203.0.113.9", "").await;
    assert_eq!(points(&first, "BIMI_CLAIMED"), Some(0.0));
    assert!(told(&first).starts_with("bimi=temperror"), "{}", told(&first));
    landed(&indicators).await;
    let second = judge(&engine, "shop.example", "203.0.113.9", "").await;
    assert_eq!(points(&second, "BIMI_VERIFIED"), Some(-1.0));
    let expect = format!(
        "bimi=pass reason=\"VMC of Shop Inc by Marks Authority\" header.d=shop.example \
         header.selector=default policy.authority=pass policy.authority-uri=\"{}\"",
        world.host.location("/vmc.pem")
    );
    assert_eq!(told(&second), expect);
    assert_eq!(world.host.connections(), 1);
    let asked = Question::Txt("default._bimi.shop.example".try_into().unwrap());
    assert_eq!(world.dns.asked(&asked), 1);

    // Judged again by its record, a message comes out the same, whatever is known by then.
    let again = tidegate_engine::Again::exactly(first.recording.clone().unwrap());
    let raw = b"From: Shop <news@shop.example>\r\n\r\n";
    let replayed = engine.judge_again(first.envelope.clone(), raw, 0, again).await;
    assert_eq!(points(&replayed, "BIMI_CLAIMED"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_copies_everything_from_a_marked_one_gets_no_credit() {
    let world = World::new().await;
    world.claim("shop.example", "/vmc.pem");
    let indicators = world.indicators(&open());
    let engine = world.engine(&indicators);
    let copied = "BIMI-Selector: v=BIMI1; s=default\r\n\
                  BIMI-Location: v=BIMI1; l=https://shop.example/logo.svg\r\n\
                  BIMI-Indicator: PHN2Zy8+\r\n\
                  Authentication-Results: mx.example; bimi=pass header.d=shop.example\r\n";
    judge(&engine, "shop.example", "203.0.113.9", copied).await;
    landed(&indicators).await;
    let genuine = judge(&engine, "shop.example", "203.0.113.9", copied).await;
    assert_eq!(points(&genuine, "BIMI_VERIFIED"), Some(-1.0));
    let spoofed = judge(&engine, "shop.example", "198.51.100.7", copied).await;
    for signal in ["BIMI_VERIFIED", "BIMI_CLAIMED", "BIMI_FALSE"] {
        assert_eq!(points(&spoofed, signal), None, "{signal}");
    }
    assert!(told(&spoofed).starts_with("bimi=skipped reason=\"the author is not proved\""));
    let removed = spoofed.fields.in_form(&tidegate_policy::Form::Marked).remove;
    let removed: Vec<&str> = removed.iter().map(|field| field.name).collect();
    assert_eq!(removed, ["BIMI-Indicator", "BIMI-Location", "Authentication-Results"]);
    assert_eq!(world.host.connections(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_copied_to_another_domain_is_held_against_it() {
    let world = World::new().await;
    world.claim("eve.example", "/vmc.pem");
    let indicators = world.indicators(&open());
    let engine = world.engine(&indicators);
    judge(&engine, "eve.example", "203.0.113.9", "").await;
    landed(&indicators).await;
    let judged = judge(&engine, "eve.example", "203.0.113.9", "").await;
    assert_eq!(points(&judged, "BIMI_FALSE"), Some(1.0));
    assert!(told(&judged).contains("policy.authority=fail"), "{}", told(&judged));
}

#[tokio::test(flavor = "multi_thread")]
async fn fetches_keep_to_their_bounds() {
    let world = World::new().await;
    let indicators = world.indicators(&open());
    for (path, why) in [
        ("/large", "too large"),
        ("/to-http", "not at https"),
        ("/to-address", "its host is no name"),
        ("/around", "redirected too often"),
        ("/nothing", "404"),
    ] {
        let found = after(&world, &indicators, path).await;
        let Evidence::Fails(failure) = found else { panic!("{path}: {found:?}") };
        assert!(!failure.denied && failure.reason.contains(why), "{path}: {failure:?}");
    }
    assert!(matches!(after(&world, &indicators, "/moved").await, Evidence::Holds(_)));
    assert_eq!(after(&world, &indicators, "/broken").await, Evidence::Unknown);
    let began = Instant::now();
    assert_eq!(after(&world, &indicators, "/slow").await, Evidence::Unknown);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_down_or_shows_another_name_is_unknown() {
    let world = World::new().await;
    let indicators = world.indicators(&open());
    world.dns.a("other.example", "127.0.0.1");
    let known = Known(Arc::clone(&indicators));
    let port = world.host.address.port();
    let now = i64::try_from(seconds()).unwrap();
    for location in [
        "https://shop.example:9/vmc.pem".to_owned(),
        format!("https://other.example:{port}/vmc.pem"),
        format!("https://nowhere.example:{port}/vmc.pem"),
    ] {
        known.evidence(&location, now);
        landed(&indicators).await;
        assert_eq!(known.evidence(&location, now), Evidence::Unknown, "{location}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_and_other_ports_are_not_connected_to() {
    let world = World::new().await;
    let indicators = world.indicators(&Config { allow_private: false, ..open() });
    let known = Known(Arc::clone(&indicators));
    let now = i64::try_from(seconds()).unwrap();
    for (location, why) in [
        (world.host.location("/vmc.pem"), "another port"),
        ("https://shop.example/vmc.pem".to_owned(), "not public"),
        ("https://127.0.0.1/vmc.pem".to_owned(), "no name"),
        ("https://[::1]/vmc.pem".to_owned(), "no name"),
        ("https://0x7f000001/vmc.pem".to_owned(), "no name"),
        ("https://user:word@shop.example/vmc.pem".to_owned(), "credentials"),
        ("http://shop.example/vmc.pem".to_owned(), "not at https"),
    ] {
        known.evidence(&location, now);
        landed(&indicators).await;
        let found = known.evidence(&location, now);
        let Evidence::Fails(failure) = found else { panic!("{location}: {found:?}") };
        assert!(!failure.denied && failure.reason.contains(why), "{location}: {failure:?}");
    }
    assert_eq!(world.host.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_locations_makes_few_connections() {
    let world = World::new().await;
    let indicators = world.indicators(&open());
    let known = Known(Arc::clone(&indicators));
    let now = i64::try_from(seconds()).unwrap();
    let port = world.host.address.port();
    for number in 0..100 {
        world.dns.a(&format!("shop{number}.example"), "127.0.0.1");
        known.evidence(&format!("https://shop{number}.example:{port}/slow"), now);
    }
    assert_eq!(indicators.flights().len(), MOST_FLIGHTS);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(world.host.connections() <= CONCURRENCY, "{}", world.host.connections());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_is_hammered_however_many_locations_and_redirects_lead_to_it() {
    let world = World::new().await;
    let indicators = world.indicators(&open());
    let (known, port) = (Known(Arc::clone(&indicators)), world.host.address.port());
    let now = i64::try_from(seconds()).unwrap();
    // Names of one organisation are one host.
    for number in 0..50 {
        world.dns.a(&format!("n{number}.shop.example"), "127.0.0.1");
        known.evidence(&format!("https://n{number}.shop.example:{port}/vmc.pem"), now);
    }
    assert_eq!(indicators.flights().len(), hosts::AT_A_TIME);
    landed(&indicators).await;
    // The minute may turn meanwhile, so that ten more are allowed.
    let began = seconds() / 60;
    for number in 0..50 {
        known.evidence(&world.host.location(&format!("/moved?{number}")), now);
        landed(&indicators).await;
    }
    let minutes = usize::try_from(seconds() / 60 - began + 2).unwrap();
    let most = minutes * hosts::A_MINUTE as usize;
    assert!(world.host.connections() <= most, "{}", world.host.connections());
    // What was left out is fetched when there is room again, and is no evidence of anything until then.
    let location = world.host.location("/vmc.pem?later");
    assert_eq!(known.evidence(&location, now), Evidence::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_verified_outlives_a_restart_but_not_its_roots() {
    let world = World::new().await;
    let (first, location) = (world.indicators(&open()), world.host.location("/vmc.pem"));
    assert!(matches!(after(&world, &first, "/vmc.pem").await, Evidence::Holds(_)));
    let now = i64::try_from(seconds()).unwrap();
    let restarted = Known(world.indicators(&open()));
    assert!(matches!(restarted.evidence(&location, now), Evidence::Holds(_)));
    assert_eq!(world.host.connections(), 1);
    let other = World { authority: Authority::default(), ..world };
    let by_others = Known(other.indicators(&open()));
    assert_eq!(by_others.evidence(&location, now), Evidence::Unknown);
}

#[test]
fn what_was_verified_serves_while_it_cannot_be_fetched_anew() {
    let config = open();
    let authority = Authority::default();
    let mut roots = Roots::default();
    roots.add(authority.root_pem.as_bytes()).unwrap();
    let pem = authority.issue(&Mark::default());
    let holds = roots.verify(pem.as_bytes(), i64::try_from(seconds()).unwrap());
    let fetched = entry(Ok(holds.clone()), None, &config, 1_000);
    assert_eq!((fetched.refresh, fetched.forget), (1_000 + 12 * 3_600, 1_000 + 180 * 3_600));
    let down = || Err(FetchError::Unreachable(String::new()));
    let stale = entry(down(), Some(fetched.clone()), &config, 50_000);
    assert_eq!((stale.refresh, stale.forget), (50_000 + RETRY, fetched.forget));
    assert_eq!(stale.evidence, holds);
    let never = entry(down(), None, &config, 50_000);
    assert_eq!((never.evidence, never.refresh), (Evidence::Unknown, 50_000 + RETRY));
    // A new certificate that fails is believed at once.
    let fails = Evidence::Fails(Failure { denied: true, reason: String::new() });
    assert_eq!(entry(Ok(fails.clone()), Some(fetched), &config, 50_000).evidence, fails);
}
