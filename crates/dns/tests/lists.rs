//! Lists that are sound, that end, that lie and that refuse, and what is made of them.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_dns::testing::{Failure, TestServer};
use tidegate_dns::{
    Answer, Health, Listing, Name, Prober, Question, Resolver, Subject, Why, Zone, ZoneConfig,
    contradicted, probe,
};
use tokio::time::Instant;

fn zone(name: &str, kind: &str, side: &str) -> Zone {
    zone_of(name, kind, side, "Example")
}

fn zone_of(name: &str, kind: &str, side: &str, operator: &str) -> Zone {
    let written = format!(
        r#"
        zone = "{name}"
        kind = "{kind}"
        side = "{side}"
        operator = "{operator}"
        ipv6 = true
        codes = [{{ match = "127.0.0.2-9", signal = "LISTED", score = 3.0, says = "listed" }}]
        "#
    );
    Zone::try_from(toml::from_str::<ZoneConfig>(&written).unwrap()).unwrap()
}

fn resolver(server: &TestServer) -> Resolver {
    Resolver::new(&server.config()).unwrap()
}

async fn look(resolver: &Resolver, zone: &Zone, subject: &str) -> Listing {
    let subject = match subject.parse::<IpAddr>() {
        Ok(address) => Subject::Ip(address),
        Err(_) => Subject::Domain(subject),
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    zone.read(&resolver.ask(zone.question(&subject).unwrap(), deadline).await)
}

/// A list of addresses with its test point.
fn sound(zone: &str) -> TestServer {
    let server = TestServer::start();
    server.a(&format!("2.0.0.127.{zone}"), "127.0.0.2");
    server
}

#[tokio::test]
async fn a_sound_list_lists_what_it_lists() {
    let server = sound("bl.example");
    server.a("1.2.0.192.bl.example", "127.0.0.4");
    let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
    server.a(&format!("{v6}.bl.example"), "127.0.0.9");
    let (resolver, zone) = (resolver(&server), zone("bl.example", "ip", "block"));
    assert_eq!((probe(&resolver, &zone).await, zone.usable()), (Health::Sound, true));
    assert_eq!(look(&resolver, &zone, "192.0.2.1").await, Listing::Listed(vec![0]));
    assert_eq!(look(&resolver, &zone, "2001:db8::1").await, Listing::Listed(vec![0]));
    assert_eq!(look(&resolver, &zone, "192.0.2.2").await, Listing::NotListed);
}

#[tokio::test]
async fn a_list_of_domains_is_proven_by_its_own_test_points() {
    let server = TestServer::start();
    server.a("test.dbl.example", "127.0.0.2").a("spam.example.dbl.example", "127.0.0.3");
    let (resolver, zone) = (resolver(&server), zone("dbl.example", "domain", "block"));
    assert_eq!(probe(&resolver, &zone).await, Health::Sound);
    assert_eq!(look(&resolver, &zone, "spam.example").await, Listing::Listed(vec![0]));
    server.a("invalid.gone.example", "127.0.0.2");
    assert_eq!(
        probe(&resolver, &self::zone("gone.example", "domain", "block")).await,
        Health::ListsTheWorld
    );
}

#[tokio::test]
async fn a_list_that_lists_the_world_is_set_aside() {
    let server = TestServer::start();
    // A domain that ended and was parked answers for every name.
    server.a("*.parked.example", "203.0.113.80").a("*.world.example", "127.0.0.2");
    let resolver = resolver(&server);
    for name in ["parked.example", "world.example"] {
        let zone = zone(name, "ip", "block");
        assert_eq!((probe(&resolver, &zone).await, zone.usable()), (Health::ListsTheWorld, false));
    }
}

#[tokio::test]
async fn an_allow_list_that_trusts_addresses_nobody_has_is_set_aside() {
    let server = sound("wl.example");
    server.a("7.100.51.198.wl.example", "127.0.0.3");
    let resolver = resolver(&server);
    let allow = zone("wl.example", "ip", "allow");
    assert_eq!(probe(&resolver, &allow).await, Health::Sound);

    let lying = sound("wl.example");
    lying.a("1.113.0.203.wl.example", "127.0.0.3");
    let resolver = self::resolver(&lying);
    assert_eq!((probe(&resolver, &allow).await, allow.usable()), (Health::ListsTheWorld, false));
    let block = zone("wl.example", "ip", "block");
    assert_eq!(probe(&resolver, &block).await, Health::Sound, "a block-list may hold them");
}

#[tokio::test]
async fn a_list_without_its_test_point_is_set_aside() {
    let server = TestServer::start();
    let (resolver, zone) = (resolver(&server), zone("empty.example", "ip", "block"));
    assert_eq!((probe(&resolver, &zone).await, zone.usable()), (Health::ListsNothing, false));
}

#[tokio::test]
async fn a_refusal_in_traffic_sets_a_list_aside_until_it_is_probed_again() {
    let server = sound("bl.example");
    server.a("1.2.0.192.bl.example", "127.255.255.254");
    let (resolver, zone) = (resolver(&server), zone("bl.example", "ip", "block"));
    assert_eq!(probe(&resolver, &zone).await, Health::Sound);
    assert_eq!(look(&resolver, &zone, "192.0.2.1").await, Listing::Refused);
    assert_eq!((zone.health(), zone.usable()), (Health::Refuses, false));
    assert_eq!(probe(&resolver, &zone).await, Health::Sound);
    assert!(zone.usable());
}

#[tokio::test]
async fn a_list_that_does_not_answer_says_nothing_and_is_asked_on() {
    let server = sound("bl.example");
    server.fail("bl.example", Failure::ServFail);
    let (resolver, zone) = (resolver(&server), zone("bl.example", "ip", "block"));
    assert_eq!((probe(&resolver, &zone).await, zone.usable()), (Health::Unreachable, true));
    assert_eq!(look(&resolver, &zone, "192.0.2.1").await, Listing::Unknown(Why::ServFail));
    assert_eq!(probe(&Resolver::offline(), &zone).await, Health::Unreachable);
}

#[tokio::test]
async fn an_operator_that_contradicts_itself_is_not_believed() {
    let server = TestServer::start();
    server.a("9.2.0.192.bl.example", "127.0.0.2").a("9.2.0.192.wl.example", "127.0.0.3");
    let resolver = resolver(&server);
    let zones = [zone("bl.example", "ip", "block"), zone("wl.example", "ip", "allow")];
    let mut listing = Vec::new();
    for zone in &zones {
        if let Listing::Listed(_) = look(&resolver, zone, "192.0.2.9").await {
            listing.push(zone);
        }
    }
    assert_eq!(contradicted(&listing), ["Example"]);
}

#[tokio::test]
async fn a_prober_sets_a_list_aside_and_takes_it_back_until_it_is_dropped() {
    let server = sound("bl.example");
    server.ttl(1).a("1.0.0.127.bl.example", "127.0.0.2");
    let zone = Arc::new(zone("bl.example", "ip", "block"));
    let interval = Duration::from_millis(300);
    let prober = Prober::every(interval, resolver(&server), vec![Arc::clone(&zone)]);
    becomes(&zone, Health::ListsTheWorld).await;
    server.remove("1.0.0.127.bl.example");
    becomes(&zone, Health::Sound).await;
    drop(prober);
    tokio::time::sleep(interval).await;
    let asked = server.queries();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(server.queries(), asked, "nothing is asked after it was dropped");
}

#[tokio::test]
async fn a_resolver_that_denies_every_test_point_is_not_believed_until_it_has_one() {
    let server = TestServer::start();
    server.ttl(1).a("there.example", "192.0.2.1");
    let zones: Vec<_> = ["One", "Two", "Three"]
        .iter()
        .map(|operator| Arc::new(zone_of("bl.example", "ip", "block", operator)))
        .collect();
    let (interval, resolver) = (Duration::from_millis(800), resolver(&server));
    let ask = async |name: &str| {
        let question = Question::A(Name::try_from(name).unwrap());
        resolver.ask(question, Instant::now() + Duration::from_secs(5)).await
    };
    assert!(ask("gone.example").await.is_nothing());
    let _prober = Prober::every(interval, resolver.clone(), zones.clone());
    becomes(&zones[2], Health::ListsNothing).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(ask("gone.example").await, Answer::Unknown(Why::Doubted));
    assert_eq!(ask("there.example").await.ipv4().len(), 1, "what is there is believed");
    server.a("2.0.0.127.bl.example", "127.0.0.2");
    becomes(&zones[2], Health::Sound).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(ask("gone.example").await.is_nothing());
}

#[track_caller]
fn becomes(zone: &Zone, health: Health) -> impl Future<Output = ()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    async move {
        while zone.health() != health {
            assert!(Instant::now() < deadline, "it is {:?}, not {health:?}", zone.health());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
