//! Any header section and any key or policy in DNS: signatures end in a result, after so many questions,
//! and what is told of them is one header field.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_checks::auth::{Authenticator, Extent, Verified, results};
use tidegate_checks::authentication::{Authentication, Spf};
use tidegate_checks::trust::Trust;
use tidegate_dns::{Answer, Answers, Question, Records};
use tidegate_mail::{Bounds, Envelope, Message};

static AUTHENTICATOR: LazyLock<Authenticator> = LazyLock::new(Authenticator::new);

// A message, and what DNS says where a key or a policy is looked for, with NUL between.
fuzz_target!(|input: &[u8]| {
    let mut pieces = input.split(|octet| *octet == 0);
    let raw = [b"From: a@evil.example\r\n", pieces.next().unwrap_or_default()].concat();
    let texts: Vec<&[u8]> = pieces.collect();
    let (authenticator, bounds) = (&*AUTHENTICATOR, Bounds::default());
    let message = Message::parse(&raw, &bounds);
    let answer = |question: &Question| match question {
        Question::Txt(_) => {
            Answer::Found(Records::Txt(texts.iter().map(|text| (*text).into()).collect()))
        }
        _ => Answer::NoSuchName,
    };
    let authentication = verified(&message, Extent::Whole, &answer);

    // A body that is hashed as it comes, and not kept, verifies as the whole does.
    let (header, body) = (message.header_bytes(), message.body_bytes());
    if header.ends_with(b"\r\n\r\n") {
        let view = Message::parse(header, &bounds);
        let mut hashes = authenticator.hash_body(&view);
        body.chunks(3).for_each(|piece| hashes.write(piece));
        let streamed = verified(&view, Extent::Hashed(&hashes.finish()), &answer);
        assert_eq!(streamed.dkim, authentication.dkim);
        assert_eq!(streamed.arc, authentication.arc);
    }

    let told = results::format("mx.site.example", &authentication, &Trust::default());
    assert!(told.lines().skip(1).all(|line| line.starts_with([' ', '\t'])), "{told:?}");
    assert!(!told.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{told:?}");
});

fn verified(
    message: &Message<'_>,
    extent: Extent<'_>,
    answer: &dyn Fn(&Question) -> Answer,
) -> Authentication {
    let envelope = Envelope { client: Some([203, 0, 113, 66].into()), ..Envelope::default() };
    let (mut answers, mut rounds) = (Answers::default(), 0);
    loop {
        let spf = Spf::default();
        match AUTHENTICATOR.verify(&envelope, message, extent, spf, &answers, 1_795_000_000) {
            Verified::Done(authentication) => return authentication,
            Verified::Needs { questions, .. } => {
                for question in questions {
                    let told = answer(&question);
                    answers.insert(question, told);
                }
            }
        }
        rounds += 1;
        assert!(rounds < 50 && answers.len() < 100, "{} questions", answers.len());
    }
}
