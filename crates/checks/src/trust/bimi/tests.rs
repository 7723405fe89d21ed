//! Certificates made here, and messages that claim them.

use tidegate_dns::{Answer, Records, Why};
use tidegate_mail::{Address, Bounds, Envelope, Message};

use super::certificate::{MarkCertificate, MarkKind, Roots, RootsError};
use super::testing::{Authority, Logo, Mark, SVG};
use super::*;
use crate::Site;
use crate::authentication::{Dkim, Dmarc, DmarcPolicy, Spf};

/// 2026-11-26.
const NOW: i64 = 1_795_651_200;

fn roots(of: &Authority) -> Roots {
    let mut roots = Roots::default();
    roots.add(of.root_pem.as_bytes()).unwrap();
    roots
}

fn verified(mark: &Mark<'_>) -> Evidence {
    let authority = Authority::default();
    roots(&authority).verify(authority.issue(mark).as_bytes(), NOW)
}

/// `Err(denied)` with words of the reason.
#[track_caller]
fn check(evidence: &Evidence, denied: bool, words: &str) {
    let Evidence::Fails(failure) = evidence else { panic!("{evidence:?}") };
    assert_eq!(failure.denied, denied, "{failure:?}");
    assert!(failure.reason.contains(words), "{failure:?}");
}

fn logo(change: impl FnOnce(&mut Logo)) -> Mark<'static> {
    let mut logo = Logo::default();
    change(&mut logo);
    Mark { logo: Some(logo), ..Mark::default() }
}

fn holds(evidence: Evidence) -> MarkCertificate {
    let Evidence::Holds(certificate) = evidence else { panic!("{evidence:?}") };
    *certificate
}

#[test]
fn a_certificate_tells_who_vouches_for_whom() {
    let certificate = holds(verified(&Mark::default()));
    assert_eq!(certificate.names, ["shop.example"]);
    assert_eq!(certificate.certifier, "Marks Authority");
    assert_eq!(certificate.holder, "Shop Inc");
    assert_eq!(certificate.kind, MarkKind::Verified);
    let digest = ring::digest::digest(&ring::digest::SHA256, SVG.as_bytes());
    assert_eq!(certificate.indicator, data_encoding::HEXLOWER.encode(digest.as_ref()));
    let common = Mark { kind: Some("Prior Use Mark"), ..Mark::default() };
    assert_eq!(holds(verified(&common)).kind, MarkKind::Common);
    let unsaid = Mark { kind: None, ..Mark::default() };
    assert_eq!(holds(verified(&unsaid)).kind, MarkKind::Unsaid);
}

#[test]
fn what_no_trusted_root_says_proves_nothing() {
    let (ours, theirs) = (Authority::default(), Authority::new("Anybody's Root"));
    let chain = theirs.issue(&Mark::default());
    check(&roots(&ours).verify(chain.as_bytes(), NOW), false, "no trusted root");
    // A root of the same name is another root.
    let copy = Authority::default().issue(&Mark::default());
    check(&roots(&ours).verify(copy.as_bytes(), NOW), false, "");
    // Not even when it is carried along.
    let whole = chain + &theirs.root_pem;
    check(&roots(&ours).verify(whole.as_bytes(), NOW), false, "no trusted root");
    check(&Roots::default().verify(whole.as_bytes(), NOW), false, "no trusted root");
}

#[test]
fn what_is_not_a_mark_certificate_or_not_valid_proves_nothing() {
    let old = Mark { years: (2000, 2020), ..Mark::default() };
    check(&verified(&old), false, "has expired");
    let early = Mark { years: (2050, 2060), ..Mark::default() };
    check(&verified(&early), false, "not valid yet");
    let server = Mark { usage: &[1, 3, 6, 1, 5, 5, 7, 3, 1], ..Mark::default() };
    check(&verified(&server), false, "not for brand indicators");
    let mut authority = Authority::default();
    authority.usage = vec![1, 3, 6, 1, 5, 5, 7, 3, 1];
    let chain = authority.issue(&Mark::default());
    check(&roots(&authority).verify(chain.as_bytes(), NOW), false, "not for brand indicators");
    let mut authority = Authority::default();
    authority.may_issue = false;
    let chain = authority.issue(&Mark::default());
    check(&roots(&authority).verify(chain.as_bytes(), NOW), false, "EndEntityUsedAsCa");
    for logged in [None, Some(1)] {
        check(&verified(&Mark { logged, ..Mark::default() }), false, "in which log");
    }
    let plain = logo(|logo| logo.svg = SVG.replace("tiny-ps", "tiny"));
    check(&verified(&plain), false, "profile");
}

#[test]
fn what_was_not_certified_is_denied() {
    let policy = Mark { policy: &[1, 3, 6, 1, 4, 1, 53087, 1, 2], ..Mark::default() };
    check(&verified(&policy), true, "policy");
    check(&verified(&Mark { logo: None, ..Mark::default() }), true, "no logotype");
    check(&verified(&Mark { names: Vec::new(), ..Mark::default() }), true, "names no domain");
    let other = logo(|logo| logo.digest_of = Some(SVG.replace("Shop", "Bank")));
    check(&verified(&other), true, "not the one that was certified");
    let script = logo(|logo| logo.svg = SVG.replace("<circle", "<script/><circle"));
    check(&verified(&script), true, "script");
    let large = logo(|logo| logo.svg = SVG.replace("<circle", &(" ".repeat(1 << 20) + "<circle")));
    check(&verified(&large), true, "too large");
}

#[test]
fn what_was_changed_after_it_was_issued_proves_nothing() {
    let authority = Authority::default();
    let roots = roots(&authority);
    let chain = authority.issue(&Mark::default());
    assert!(matches!(roots.verify(chain.as_bytes(), NOW), Evidence::Holds(_)));
    for at in (0..chain.len()).step_by(17) {
        let mut bytes = chain.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        if let Evidence::Holds(certificate) = roots.verify(&bytes, NOW) {
            // Text around the certificates is not of them.
            assert_eq!(certificate.names, ["shop.example"]);
        }
        let _ = roots.verify(&bytes[..at], NOW);
    }
    check(&roots.verify(b"", NOW), false, "no mark certificate");
    let long = authority.root_pem.repeat(20);
    check(&roots.verify((chain + &long).as_bytes(), NOW), false, "too long");
    check(&roots.verify(&vec![b'A'; certificate::MOST_BYTES + 1], NOW), false, "too large");
}

#[test]
fn roots_are_read_whole_and_told_apart() {
    let (one, other) = (Authority::default(), Authority::default());
    let both = one.root_pem.clone() + &other.root_pem;
    let mut together = Roots::default();
    assert!(together.is_empty());
    together.add(both.as_bytes()).unwrap();
    let mut turned = roots(&other);
    turned.add(one.root_pem.as_bytes()).unwrap();
    assert_eq!(together.digest(), turned.digest());
    assert_ne!(together.digest(), roots(&one).digest());
    assert_eq!(together.add(b"hello"), Err(RootsError::Empty));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(together.add(broken.as_bytes()), Err(RootsError::Malformed));
}

/// A message, what is known of it, and what is published.
struct World {
    from: &'static str,
    fields: &'static str,
    authentication: Authentication,
    answers: Answers,
    evidence: Evidence,
}

const RECORD: &str = "v=BIMI1; l=https://shop.example/logo.svg; a=https://shop.example/vmc.pem";

/// Everything in order.
fn world() -> World {
    let dmarc = Dmarc {
        result: AuthResult::Pass,
        domain: "shop.example".to_owned(),
        policy: DmarcPolicy::Reject,
        enforced: true,
        ..Dmarc::default()
    };
    World {
        from: "From: Shop <news@shop.example>",
        fields: "",
        authentication: Authentication { dmarc, ..Authentication::default() },
        answers: Answers::default(),
        evidence: verified(&Mark::default()),
    }
    .txt("default._bimi.shop.example", RECORD)
}

impl World {
    fn txt(self, name: &str, text: &str) -> Self {
        self.answer(name, Answer::Found(Records::Txt([text.as_bytes().into()].into())))
    }

    fn answer(mut self, name: &str, answer: Answer) -> Self {
        self.answers.insert(Question::Txt(Name::try_from(name).unwrap()), answer);
        self
    }

    /// What is found out, the questions that were put, and whether the certificate was asked for.
    fn assess(self) -> (Bimi, Vec<String>, bool) {
        let raw = format!("{}\r\n{}\r\n", self.from, self.fields);
        let message = Message::parse(raw.as_bytes(), &Bounds::default());
        let envelope = Envelope {
            client: Some("203.0.113.9".parse().unwrap()),
            sender: Some(Address::new("news@shop.example")),
            ..Envelope::default()
        };
        let known = Known {
            trust: None,
            bulk: None,
            envelope: &envelope,
            message: Some(&message),
            authentication: None,
            site: &Site::default(),
            now: NOW,
        };
        let mut questions = Questions::default();
        AnyCheck::ask(&Brands, Stage::Headers, &known, &mut questions);
        let mut asked = false;
        let found = assess(&known, &self.authentication, &self.answers, |location| {
            assert_eq!(location, "https://shop.example/vmc.pem");
            asked = true;
            self.evidence
        });
        (found, questions.into_iter().map(|it| it.to_string()).collect(), asked)
    }

    fn raised(self) -> Vec<(String, f32)> {
        let (bimi, ..) = self.assess();
        let authentication = Authentication { bimi, ..Authentication::default() };
        let (envelope, site) = (Envelope::default(), Site::default());
        let known = Known {
            trust: None,
            bulk: None,
            envelope: &envelope,
            message: None,
            authentication: Some(&authentication),
            site: &site,
            now: NOW,
        };
        let mut signals = Signals::new();
        AnyCheck::judge(&Brands, &known, &Answers::default(), &mut signals);
        signals.iter().map(|it| (it.name().to_string(), it.score())).collect()
    }
}

fn of(world: World) -> (&'static str, MarkResult) {
    let (found, ..) = world.assess();
    (found.result.as_str(), found.mark)
}

#[test]
fn a_certified_mark_of_a_proved_author_is_recognised() {
    let (found, questions, asked) = world().assess();
    assert_eq!(questions, ["TXT default._bimi.shop.example"]);
    assert!(asked);
    assert_eq!(found.detail, "VMC of Shop Inc by Marks Authority");
    assert_eq!((found.result, found.mark), (BimiResult::Pass, MarkResult::Verified));
    assert_eq!(world().raised(), [("BIMI_VERIFIED".to_owned(), -1.0)]);
}

#[test]
fn who_is_not_proved_gets_no_credit_and_no_fetch() {
    let spoofed = |change: fn(&mut World)| {
        let mut world = world();
        change(&mut world);
        world
    };
    for (what, change) in [
        ("DMARC fails", (|it| it.authentication.dmarc.result = AuthResult::Fail) as fn(&mut World)),
        ("DMARC is not there", |it| it.authentication = Authentication::default()),
        ("DMARC is not enforced", |it| it.authentication.dmarc.enforced = false),
        ("DMARC is of another", |it| it.authentication.dmarc.domain = "eve.example".to_owned()),
        ("text may be added", |it| {
            let dkim = Dkim {
                result: AuthResult::Pass,
                domain: "shop.example".to_owned(),
                partial_body: true,
                ..Dkim::default()
            };
            it.authentication.dkim = vec![dkim];
        }),
        ("two authors", |it| it.from = "From: a@shop.example, b@shop.example"),
        ("two fields", |it| it.from = "From: a@shop.example\r\nFrom: b@shop.example"),
    ] {
        let (found, _, asked) = spoofed(change).assess();
        assert!(!asked, "{what}");
        assert_eq!(found.mark, MarkResult::None, "{what}");
        assert_ne!(found.result, BimiResult::Pass, "{what}");
        assert!(spoofed(change).raised().is_empty(), "{what}");
    }
}

#[test]
fn a_record_that_is_copied_to_another_domain_is_a_false_claim() {
    let mut copied = world().txt("default._bimi.eve.example", RECORD);
    copied.from = "From: Shop <news@eve.example>";
    copied.authentication.dmarc.domain = "eve.example".to_owned();
    let (found, ..) = copied.assess();
    assert_eq!((found.result, found.mark), (BimiResult::Fail, MarkResult::Denied));
    assert_eq!(found.detail, "the VMC by Marks Authority is for shop.example");
}

#[test]
fn names_of_a_certificate_are_of_a_domain_or_of_one_selector() {
    let named = |names: &[&'static str], from: &'static str, domain: &str| {
        let mut world = world().txt(&format!("default._bimi.{domain}"), RECORD);
        world.evidence = verified(&Mark { names: names.to_vec(), ..Mark::default() });
        world.from = from;
        world.authentication.dmarc.domain = domain.to_owned();
        of(world).1
    };
    let (shop, sub) = ("From: a@shop.example", "From: a@news.shop.example");
    use MarkResult::{Denied, Verified};
    assert_eq!(named(&["default._bimi.shop.example"], shop, "shop.example"), Verified);
    assert_eq!(named(&["brand._bimi.shop.example"], shop, "shop.example"), Denied);
    assert_eq!(named(&["a.example", "Shop.Example"], shop, "shop.example"), Verified);
    assert_eq!(named(&["shop.example"], sub, "news.shop.example"), Verified);
    assert_eq!(named(&["news.shop.example"], shop, "shop.example"), Denied);
    assert_eq!(named(&["xshop.example"], shop, "shop.example"), Denied);
}

#[test]
fn a_subdomain_falls_back_to_its_organisation() {
    let mut world = world();
    world.from = "From: a@news.shop.example";
    world.authentication.dmarc.domain = "news.shop.example".to_owned();
    let world = world.answer("default._bimi.news.shop.example", Answer::NoSuchName);
    let (found, questions, _) = world.assess();
    let asked = ["TXT default._bimi.news.shop.example", "TXT default._bimi.shop.example"];
    assert_eq!(questions, asked);
    assert_eq!((found.mark, found.domain.as_str()), (MarkResult::Verified, "shop.example"));
}

#[test]
fn a_selector_counts_only_where_the_author_has_signed_it() {
    let with = |signer: Option<&str>| {
        let declined = "v=BIMI1; l=; a=;";
        let mut world = world().txt("brand._bimi.shop.example", declined);
        world.fields = "BIMI-Selector: v=BIMI1; s=brand\r\n";
        let spf =
            Spf { result: AuthResult::Pass, domain: "shop.example".to_owned(), ..Spf::default() };
        world.authentication.spf = spf;
        world.authentication.dkim = Vec::from_iter(signer.map(|domain| Dkim {
            result: AuthResult::Pass,
            domain: domain.to_owned(),
            covers: vec!["from".to_owned(), "bimi-selector".to_owned()],
            ..Dkim::default()
        }));
        world
    };
    let (_, questions, _) = with(None).assess();
    let both = ["TXT default._bimi.shop.example", "TXT brand._bimi.shop.example"];
    assert_eq!(questions, both);
    assert_eq!(of(with(None)), ("pass", MarkResult::Verified));
    assert_eq!(of(with(Some("eve.example"))), ("pass", MarkResult::Verified));
    assert_eq!(of(with(Some("shop.example"))), ("declined", MarkResult::None));
    assert_eq!(of(with(Some("mail.shop.example"))), ("declined", MarkResult::None));
}

#[test]
fn what_is_published_decides_what_is_told() {
    let name = "default._bimi.shop.example";
    let none = MarkResult::None;
    assert_eq!(of(world().answer(name, Answer::NoSuchName)), ("none", none));
    assert_eq!(of(world().answer(name, Answer::Unknown(Why::Late))), ("temperror", none));
    assert_eq!(of(world().txt(name, "v=BIMI1; l=; a=;")), ("declined", none));
    assert_eq!(of(world().txt(name, "v=BIMI1; a=http://x.example/")), ("fail", none));
    let alone = "v=BIMI1; l=https://shop.example/logo.svg";
    assert_eq!(of(world().txt(name, alone)), ("skipped", MarkResult::Claimed));
    assert_eq!(world().txt(name, alone).raised(), [("BIMI_CLAIMED".to_owned(), 0.0)]);
}

#[test]
fn what_is_not_known_counts_neither_way() {
    let mut late = world();
    late.evidence = Evidence::Unknown;
    assert_eq!(late.raised(), [("BIMI_CLAIMED".to_owned(), 0.0)]);
    let mut unknown = world();
    unknown.evidence = Evidence::Unknown;
    assert_eq!(of(unknown), ("temperror", MarkResult::Unknown));
    let mut foreign = world();
    foreign.evidence =
        Roots::default().verify(Authority::default().issue(&Mark::default()).as_bytes(), NOW);
    assert_eq!(foreign.raised(), [("BIMI_CLAIMED".to_owned(), 0.0)]);
    let mut expired = world();
    let Evidence::Holds(certificate) = &mut expired.evidence else { panic!() };
    certificate.not_after = NOW - 1;
    assert_eq!(of(expired), ("fail", MarkResult::Claimed));
    let mut denied = world();
    denied.evidence = verified(&logo(|logo| logo.digest_of = Some(String::new())));
    assert_eq!(denied.raised(), [("BIMI_FALSE".to_owned(), 1.0)]);
}
