//! Zones: from subject to question, and from answer to listing.

use super::*;
use crate::Records;

const ZEN: &str = r#"
    zone = "zen.example"
    kind = "ip"
    side = "block"
    operator = "Example"
    ipv6 = true
    codes = [
        { match = "127.0.0.2", signal = "LISTED_SBL", score = 4.0 },
        { match = "127.0.0.4-7", signal = "LISTED_XBL", score = 4.0 },
    ]
"#;

fn zone(written: &str) -> Zone {
    Zone::try_from(toml::from_str::<ZoneConfig>(written).unwrap()).unwrap()
}

fn found(answers: &[[u8; 4]]) -> Answer {
    Answer::Found(Records::A(answers.iter().map(|octets| Ipv4Addr::from(*octets)).collect()))
}

#[track_caller]
fn check(zone: &Zone, subject: Subject<'_>, expect: Option<&str>) {
    let asked = zone.question(&subject).map(|question| question.to_string());
    assert_eq!(asked.as_deref(), expect);
}

#[test]
fn an_address_is_asked_for_in_reverse() {
    let zone = zone(ZEN);
    check(&zone, Subject::Ip("192.0.2.1".parse().unwrap()), Some("A 1.2.0.192.zen.example"));
    check(
        &zone,
        Subject::Ip("2001:db8::1".parse().unwrap()),
        Some("A 1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.example"),
    );
    check(&zone, Subject::Domain("example.com"), None);
}

#[test]
fn a_zone_without_ipv6_is_not_asked_for_it_unless_it_is_ipv4_in_disguise() {
    let zone = zone(&ZEN.replace("ipv6 = true", ""));
    check(&zone, Subject::Ip("2001:db8::1".parse().unwrap()), None);
    check(&zone, Subject::Ip("::ffff:192.0.2.1".parse().unwrap()), Some("A 1.2.0.192.zen.example"));
}

#[test]
fn a_list_of_domains_is_never_asked_for_addresses() {
    let zone = zone(&ZEN.replace("\"ip\"", "\"domain\""));
    check(&zone, Subject::Domain("Spam.Example"), Some("A spam.example.zen.example"));
    check(&zone, Subject::Domain("192.0.2.1"), None);
    check(&zone, Subject::Ip("192.0.2.1".parse().unwrap()), None);
    check(&zone, Subject::Domain("not a domain"), None);
    check(&zone, Subject::Domain(&"a.".repeat(124)), None);
}

#[test]
fn only_a_documented_code_is_a_listing() {
    let zone = zone(ZEN);
    let said = |answers: &[[u8; 4]]| zone.listing(&found(answers));
    assert_eq!(said(&[[127, 0, 0, 2]]), Listing::Listed(vec![0]));
    assert_eq!(
        said(&[[127, 0, 0, 5], [127, 0, 0, 2], [127, 0, 0, 4]]),
        Listing::Listed(vec![0, 1])
    );
    assert_eq!(said(&[[127, 0, 0, 2], [127, 0, 0, 99]]), Listing::Listed(vec![0]));
    assert_eq!(said(&[[127, 0, 0, 99]]), Listing::Undocumented([127, 0, 0, 99].into()));
    assert_eq!(
        said(&[[127, 0, 0, 2], [203, 0, 113, 9]]),
        Listing::Undocumented([203, 0, 113, 9].into())
    );
    assert_eq!(zone.listing(&Answer::NoSuchName), Listing::NotListed);
    assert_eq!(zone.listing(&Answer::NoData), Listing::NotListed);
    assert_eq!(zone.listing(&Answer::Unknown(Why::Late)), Listing::Unknown(Why::Late));
}

#[test]
fn a_refusal_is_never_a_listing_and_sets_the_zone_aside() {
    for refusal in [[127, 255, 255, 254], [127, 255, 255, 1], [127, 0, 0, 1], [127, 0, 0, 255]] {
        let zone = zone(ZEN);
        assert!(zone.usable());
        assert_eq!(zone.read(&found(&[[127, 0, 0, 2], refusal])), Listing::Refused);
        assert_eq!((zone.health(), zone.usable()), (Health::Refuses, false));
    }
}

#[test]
fn a_zone_that_could_say_nothing_is_a_mistake() {
    #[track_caller]
    fn check(written: &str, expect: &str) {
        let config: ZoneConfig = toml::from_str(written).unwrap();
        let error = Zone::try_from(config).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }
    check("zone = 'a.example'\nkind = 'ip'\nside = 'block'\ncodes = []", "no codes");
    check(&ZEN.replace("127.0.0.4-7", "10.0.0.1"), "does not begin with 127");
    check(&format!("{ZEN}\nlisted = 'surbl.example'"), "can't be looked up");
    let long = format!("{}.example", vec!["a".repeat(60); 3].join("."));
    check(&ZEN.replace("zen.example", &long), "too long");
    assert!(toml::from_str::<ZoneConfig>(&ZEN.replace("side", "sight")).is_err());
}

#[test]
fn an_allow_list_is_probed_with_addresses_nobody_can_have() {
    let points = |zone: &Zone| zone.unlisted_points().iter().map(ToString::to_string).collect();
    let block: Vec<String> = points(&zone(ZEN));
    assert_eq!(block, ["A 1.0.0.127.zen.example"]);
    let allow: Vec<String> = points(&zone(&ZEN.replace("block", "allow")));
    assert_eq!(allow.len(), 5);
    assert_eq!(allow[1], "A 1.2.0.192.zen.example");
}
