//! Any zone and any answer of it: a mistake or a listing, and a listing only by a documented code.

#![no_main]

use std::net::Ipv4Addr;

use libfuzzer_sys::fuzz_target;
use tidegate_dns::{
    Answer, CodeConfig, Kind, Listing, Name, Records, Side, Subject, Zone, ZoneConfig,
};

fuzz_target!(|input: (&str, &str, &str, Vec<[u8; 4]>)| {
    let (name, pattern, subject, answers) = input;
    let Ok(name) = Name::try_from(name) else { return };
    for (kind, side) in [(Kind::Ip, Side::Block), (Kind::Domain, Side::Allow)] {
        let code = CodeConfig {
            matches: pattern.to_owned(),
            signal: "LISTED".to_owned(),
            score: 1.0,
            says: String::new(),
        };
        let written = ZoneConfig {
            zone: name.clone(),
            kind,
            side,
            operator: String::new(),
            ipv6: true,
            codes: vec![code],
            listed: None,
            unlisted: None,
            note: String::new(),
        };
        let Ok(zone) = Zone::try_from(written) else { continue };
        let subjects = [subject.parse().ok().map(Subject::Ip), Some(Subject::Domain(subject))];
        for question in subjects.into_iter().flatten().filter_map(|it| zone.question(&it)) {
            assert!(question.name().is_ok_and(|asked| asked.as_str().ends_with(name.as_str())));
        }
        let answers: Vec<Ipv4Addr> = answers.iter().map(|octets| Ipv4Addr::from(*octets)).collect();
        let answer = Answer::Found(Records::A(answers.as_slice().into()));
        if let Listing::Listed(codes) = zone.read(&answer) {
            assert_eq!(codes, [0]);
            assert!(answers.iter().all(Ipv4Addr::is_loopback));
            assert!(!answers.iter().any(|answer| answer.octets()[..3] == [127, 255, 255]));
        }
    }
});
