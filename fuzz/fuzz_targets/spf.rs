//! Any records of a hostile sender: SPF, DKIM and DMARC end in a result, after so many questions.

#![no_main]

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_checks::auth::{Authenticator, Extent, Verified};
use tidegate_dns::{Answer, Answers, Mx, Name, Question, Records, Why};
use tidegate_mail::{Address, Bounds, Envelope, Message};

const MAIL: &[u8] = b"From: a@evil.example\r\nSubject: x\r\nDKIM-Signature: v=1; a=ed25519-sha256; \
    c=relaxed/relaxed; d=evil.example; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; \
    b=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(Authenticator::new);

// Lines: the local part of the sender, the name in HELO, and what names are answered in turn: a digit, and texts
// with `|` between.
fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|octet| *octet == b'\n');
    let mut word = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (local, helo) = (word(), word());
    let records: Vec<(u8, Vec<&[u8]>)> = lines
        .filter_map(|line| line.split_first())
        .map(|(kind, texts)| (*kind, texts.split(|octet| *octet == b'|').collect()))
        .collect();
    let answer = |question: &Question| {
        let name = question.name().map(|name| name.as_str().len()).unwrap_or_default();
        let Some((kind, texts)) = records.get(name % records.len().max(1)) else {
            return Answer::NoSuchName;
        };
        let named =
            || texts.iter().filter_map(|text| Name::try_from(str::from_utf8(text).ok()?).ok());
        match (kind % 4, question) {
            (0, _) => Answer::Unknown(Why::Late),
            (1, _) => Answer::NoSuchName,
            (_, Question::Txt(_)) => {
                Answer::Found(Records::Txt(texts.iter().map(|text| (*text).into()).collect()))
            }
            (_, Question::A(_)) => {
                Answer::Found(Records::A([Ipv4Addr::new(203, 0, 113, 66)].into()))
            }
            (_, Question::Mx(_)) => Answer::Found(Records::Mx(
                named().map(|exchange| Mx { preference: 0, exchange }).collect(),
            )),
            (_, Question::Ptr(_)) => Answer::Found(Records::Ptr(named().collect())),
            _ => Answer::NoData,
        }
    };
    let envelope = Envelope {
        client: Some([203, 0, 113, 66].into()),
        helo: Some(helo),
        sender: Some(Address::new(&format!("{local}@evil.example"))),
        ..Envelope::default()
    };
    let authenticator = &*AUTHENTICATOR;
    let mut answers = Answers::default();
    let mut rounds = 0;
    let spf = loop {
        match authenticator.spf(&envelope, &answers) {
            Verified::Done(spf) => break spf,
            Verified::Needs { questions, .. } => {
                for question in questions {
                    let told = answer(&question);
                    answers.insert(question, told);
                }
            }
        }
        rounds += 1;
        assert!(rounds < 200 && answers.len() < 400, "{} questions", answers.len());
    };
    let message = Message::parse(MAIL, &Bounds::default());
    while let Verified::Needs { questions, .. } = authenticator.verify(
        &envelope,
        &message,
        Extent::Whole,
        spf.clone(),
        &answers,
        1_795_000_000,
    ) {
        for question in questions {
            let told = answer(&question);
            answers.insert(question, told);
        }
        rounds += 1;
        assert!(rounds < 300 && answers.len() < 500, "{} questions", answers.len());
    }
});
