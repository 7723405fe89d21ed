//! A shop with every trustmark, its certifiers on loopback, and whoever would like to look like it.

#![allow(dead_code, reason = "each test binary uses its part of it")]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use tidegate_checks::Stage;
use tidegate_checks::table::CHECKS;
use tidegate_checks::trust::{MarkKind, MarkResult, TrustConfig, Trustmarks};
use tidegate_dns::Resolver;
use tidegate_dns::testing::TestServer;
use tidegate_engine::{Engine, Judged, Parts, Pressure};
use tidegate_mail::{Address, Bounds, Envelope};
use tidegate_policy::Form;
use tidegate_rules::RuleSet;
use tidegate_signal::{Catalogue, Family};

#[path = "../../../checks/tests/data/ed25519.rs"]
mod ed25519;

/// 24 November 2026, 09:15 UTC.
pub(crate) const NOW: i64 = 1_795_511_700;
pub(crate) const SHOP: &str = "203.0.113.9";
pub(crate) const STRANGER: &str = "198.51.100.7";

pub(crate) const MAIL: &str = "From: Shop <news@shop.example>\r\nTo: Berta <berta@site.example>\r\n\
    Subject: New shoes\r\nDate: Tue, 24 Nov 2026 09:15:00 +0000\r\n\
    Message-ID: <1@shop.example>\r\nList-Id: Shoes <shoes.shop.example>\r\n\
    List-Unsubscribe: <https://shop.example/u?1>\r\n\
    List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nFeedback-ID: 1:2:3:shopmail\r\n\
    CFBL-Address: fbl@shop.example; report=arf\r\n\
    VBR-Info: md=shop.example; mc=list; mv=vouch.test;\r\n\
    X-CSA-Complaints: complaints@alliance.test\r\n\r\nThey have come.\r\n";

const SIGNED: [&str; 11] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
    "CFBL-Address",
    "VBR-Info",
];

const CONFIG: &str = r#"
[vbr."vouch.test"]
score = -2.0
opt_in = "confirmed"
[lists.addresses]
zone = "iadb.test"
certifier = "Addresses"
subject = "address"
codes = [
  { match = "127.0.0.1-2", signal = "CERTIFIED_KNOWN", score = 0.0, says = "Known" },
  { match = "127.3.100.0", signal = "CERTIFIED_SPAMMER", score = 2.0, opt_in = "none", says = "Spams" },
  { match = "127.3.100.10", signal = "CERTIFIED_CONFIRMED", score = -2.0, class = "list", opt_in = "confirmed", says = "Asks" },
  { match = "127.0.1.&4", signal = "CERTIFIED_BIT", score = -1.0, says = "Has a bit" },
]
[lists.signers]
zone = "dwl.test"
certifier = "Signers"
subject = "signer"
codes = [{ match = "127.0.*.2", signal = "CERTIFIED_SIGNER", score = -0.8, says = "Signs" }]
[addresses.alliance]
certifier = "Alliance"
file = "alliance.txt"
claim = "X-CSA-Complaints"
[vetted.shop]
domain = "shop.example"
until = "2027-06-30"
note = "Anna asked them"
"#;

/// The shop's signature over `mail`, on top of it.
pub(crate) fn signed(mail: &str, domain: &str) -> String {
    let key = Ed25519Key::from_seed_and_public_key(&ed25519::SEED, &ed25519::PUBLIC).unwrap();
    let signer = DkimSigner::from_key(key).domain(domain).selector("ed").headers(SIGNED);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}

pub(crate) struct World {
    pub(crate) dns: TestServer,
    engine: Arc<Engine>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(CONFIG, "203.0.113.0/28 2027-01-01\n")
    }

    /// With `to` in place of `from` in what is trusted.
    pub(crate) fn but(from: &str, to: &str) -> Self {
        assert!(CONFIG.contains(from), "{from}");
        Self::with(&CONFIG.replace(from, to), "203.0.113.0/28\n")
    }

    pub(crate) fn with(config: &str, file: &str) -> Self {
        let dns = TestServer::start();
        dns.ptr(SHOP, "mail.shop.example")
            .a("mail.shop.example", SHOP)
            .mx("shop.example", 10, "mail.shop.example")
            .txt("shop.example", "v=spf1 ip4:203.0.113.9 -all")
            .txt("ed._domainkey.shop.example", ed25519::RECORD)
            .txt("_dmarc.shop.example", "v=DMARC1; p=none")
            .mx("evil.example", 10, "mail.evil.example")
            .txt("evil.example", "v=spf1 ip4:198.51.100.7 -all")
            .txt("ed._domainkey.evil.example", ed25519::RECORD)
            .txt("shop.example._vouch.vouch.test", "list transaction")
            .a("9.113.0.203.iadb.test", "127.0.0.1")
            .a("9.113.0.203.iadb.test", "127.3.100.10")
            .a("shop.example.dwl.test", "127.0.15.2");
        let config: TrustConfig = toml::from_str(config).unwrap();
        let read = |_: &str, _: &str| Ok(file.to_owned());
        let trust = Trustmarks::build(&config, &read).map_err(|it| format!("{it:?}")).unwrap();
        let mut known = Catalogue::default();
        CHECKS.iter().flat_map(|it| it.raises).for_each(|def| known.add(*def).unwrap());
        trust.raises().for_each(|def| known.add(def).unwrap());
        let engine = Engine::new(Parts {
            site: Default::default(),
            bounds: Bounds::default(),
            checks: CHECKS.iter().map(|it| (it.load)(toml::Table::new()).unwrap()).collect(),
            lists: Default::default(),
            trust,
            rules: RuleSet::compile(&[], &known, &HashSet::new()).unwrap(),
            statistics: None,
            policy: Default::default(),
            policies: Default::default(),
            correspondents: None,
            indicators: None,
            scores: Default::default(),
            resolver: Resolver::new(&dns.config()).unwrap(),
            deadline: Duration::from_secs(2),
            records: false,
        });
        Self { dns, engine: Arc::new(engine) }
    }

    /// What becomes of `mail`, handed in by `client` from `sender` to `recipient`.
    pub(crate) async fn judge(
        &self,
        client: &str,
        sender: &str,
        recipient: &str,
        mail: &str,
    ) -> Judged {
        self.engine.judge(envelope(client, sender, recipient), mail.as_bytes(), NOW).await
    }

    /// What the shop itself sends.
    pub(crate) async fn of_shop(&self, mail: &str) -> Judged {
        self.judge(SHOP, "bounce@shop.example", "berta@site.example", mail).await
    }

    /// The same, told in steps while there is more to judge than can be.
    pub(crate) async fn of_shop_under(&self, pressure: Pressure, mail: &str) -> Judged {
        let mut transaction = self.engine.begin(NOW);
        transaction.envelope = envelope(SHOP, "bounce@shop.example", "berta@site.example");
        for stage in [Stage::Connect, Stage::Helo, Stage::Mail] {
            transaction.reached(stage);
        }
        transaction.under(pressure);
        transaction.judge(mail.as_bytes()).await
    }

    /// The stages as SMTP brings them, with a pause after each: whatever is asked at a stage has its
    /// answer before the next. Returns how many questions were put before the body came, and in all, and
    /// how long the verdict took from then on.
    pub(crate) async fn questions(&self, mail: &str) -> (usize, usize, Duration) {
        let mut transaction = self.engine.begin(NOW);
        transaction.envelope = envelope(SHOP, "bounce@shop.example", "berta@site.example");
        for stage in [Stage::Connect, Stage::Helo, Stage::Mail] {
            transaction.reached(stage);
            tokio::time::sleep(Duration::from_millis(120)).await;
        }
        transaction.headers(&mail.as_bytes()[..mail.find("\r\n\r\n").unwrap() + 4]);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (before, began) = (self.dns.queries(), Instant::now());
        let judged = transaction.judge(mail.as_bytes()).await;
        let took = began.elapsed();
        assert!(!judged.missing.any(), "{:?}", judged.missing);
        (before, self.dns.queries(), took)
    }
}

fn envelope(client: &str, sender: &str, recipient: &str) -> Envelope {
    Envelope {
        client: Some(client.parse().unwrap()),
        helo: Some("mail.shop.example".to_owned()),
        sender: Some(Address::new(sender)),
        recipients: vec![Address::new(recipient)],
        ..Envelope::default()
    }
}

/// The results of the marks of one kind.
pub(crate) fn results(judged: &Judged, kind: MarkKind) -> Vec<MarkResult> {
    let marks = judged.trust.marks.iter().filter(|found| found.mark.kind == kind);
    marks.map(|found| found.result).collect()
}

/// Points for and against, of all that is said of trust.
pub(crate) fn points(judged: &Judged) -> (f32, f32) {
    let of_trust = judged.signals.iter().filter(|signal| signal.family() == Family::Trust);
    of_trust
        .fold((0.0, 0.0), |(good, bad), it| (good + it.score().min(0.0), bad + it.score().max(0.0)))
}

/// The value of a field that the delivered message gets.
pub(crate) fn field(judged: &Judged, name: &str) -> Option<String> {
    let changes = judged.fields.in_form(&Form::Marked);
    let found = changes.add.into_iter().find(|field| field.name == name);
    found.map(|field| field.value.replace("\n\t", " ").replace("  ", " "))
}
