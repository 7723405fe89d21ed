//! Any header section and any key or policy in DNS: signatures end in a result, after so many questions,
//! and what is told of them is one header field.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_checks::auth::{Authenticator, Verified, results};
use tidegate_checks::authentication::Spf;
use tidegate_checks::trust::Trust;
use tidegate_dns::{Answer, Answers, Question, Records};
use tidegate_mail::{Bounds, Envelope, Message};

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(Authenticator::new);

// A message, and what DNS says where a key or a policy is looked for, with NUL between.
fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|octet| *octet == 0);
    let raw = [b"From: a@evil.example\r\n", pieces.next().unwrap_or_default()].concat();
    let texts: Vec<&[u8]> = pieces.collect();
    let message = Message::parse(&raw, &Bounds::default());
    let envelope = Envelope { client: Some([203, 0, 113, 66].into()), ..Envelope::default() };
    let (authenticator, mut answers) = (&*AUTHENTICATOR, Answers::default());
    let (mut rounds, spf) = (0, Spf::default());
    let authentication = loop {
        match authenticator.verify(&envelope, &message, spf.clone(), &answers, 1_795_000_000) {
            Verified::Done(authentication) => break authentication,
            Verified::Needs { questions, .. } => {
                for question in questions {
                    let texts = || texts.iter().map(|text| (*text).into()).collect();
                    let answer = match question {
                        Question::Txt(_) => Answer::Found(Records::Txt(texts())),
                        _ => Answer::NoSuchName,
                    };
                    answers.insert(question, answer);
                }
            }
        }
        rounds += 1;
        assert!(rounds < 50 && answers.len() < 100, "{} questions", answers.len());
    };
    let told = results::format("mx.site.example", &authentication, &Trust::default());
    assert!(told.lines().skip(1).all(|line| line.starts_with([' ', '\t'])), "{told:?}");
    assert!(!told.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{told:?}");
});
