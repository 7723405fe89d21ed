//! Any octets on the wire answer a question or don't, and what they say is of the type that was asked for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_dns::testing::told;
use tidegate_dns::{Answer, Name, Question, Records};

// Octets: which type is asked for, two of flags, six of the counts of answers, authorities and more; then what
// follows the question.
fuzz_target!(|input: &[u8]| {
    let Some(([kind, flag, code, counts @ ..], rest)) = input.split_first_chunk::<9>() else {
        return;
    };
    let name = || Name::try_from("evil.example").unwrap();
    let (question, kind) = match kind % 5 {
        0 => (Question::A(name()), 1),
        1 => (Question::Aaaa(name()), 28),
        2 => (Question::Mx(name()), 15),
        3 => (Question::Txt(name()), 16),
        _ => (Question::Ptr([192, 0, 2, 1].into()), 12),
    };
    let mut response = vec![0, 7, flag | 0x80, *code, 0, 1];
    response.extend(counts);
    for label in question.name().unwrap().labels() {
        response.push(label.len() as u8);
        response.extend(label.as_bytes());
    }
    response.extend([0, 0, kind, 0, 1]);
    response.extend(rest);
    let _ = told(&question, rest);
    if let Some(Answer::Found(records)) = told(&question, &response) {
        let octets = match (question, records) {
            (Question::A(_), Records::A(all)) => 4 * all.len(),
            (Question::Aaaa(_), Records::Aaaa(all)) => 16 * all.len(),
            (Question::Mx(_), Records::Mx(all)) => 2 * all.len(),
            (Question::Txt(_), Records::Txt(all)) => all.iter().map(|text| text.len()).sum(),
            (Question::Ptr(_), Records::Ptr(all)) => all.len(),
            (question, records) => panic!("{question} is not answered by {records:?}"),
        };
        assert!(octets <= response.len());
    }
});
