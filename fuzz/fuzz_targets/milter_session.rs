//! Any stream drives a session without a panic, and never makes it keep more than its limits.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_milter::{
    Actions, Disposition, Event, Outcome, Reply, Session, SessionLimits, Steps, Wants, decode,
};

const LIMITS: SessionLimits = SessionLimits {
    frame_octets: 1 << 16,
    header_octets: 256,
    header_fields: 8,
    body_octets: 256,
    recipients: 4,
    envelope_octets: 256,
};

fuzz_target!(|bytes: &[u8]| {
    // The first octet chooses which steps are answered early.
    let Some((&early, mut rest)) = bytes.split_first() else { return };
    let early = Steps::from_bits_truncate(u16::from(early));
    let wants = Wants { early, optional: Actions::all(), ..Wants::default() };
    let mut session = Session::new(wants, LIMITS);
    let mut sent = Vec::new();
    while let Ok(Some((command, used))) = decode(rest, LIMITS.frame_octets) {
        rest = &rest[used..];
        match session.handle(command, &mut sent) {
            Ok(Event::Message) => {
                session.finish(&Outcome::default(), &mut sent).expect("nothing to refuse");
            }
            Ok(Event::Quit) | Err(_) => break,
            Ok(_) => session.answer(&Disposition::TempFail, &mut sent),
        }
        let received = session.received();
        assert!(received.raw.len() <= LIMITS.header_octets + 2 + LIMITS.body_octets);
        assert!(received.envelope.recipients().len() <= LIMITS.recipients);
    }
    let mut sent = sent.as_slice();
    while let Some((_, used)) = Reply::decode(sent, u32::MAX).expect("only replies are sent") {
        sent = &sent[used..];
    }
    assert!(sent.is_empty());
});
