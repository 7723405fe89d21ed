//! Programs find what automata find, and where.

use proptest::prelude::*;
use regex_automata::meta::Regex;

use super::*;

#[track_caller]
fn check(expression: &str, text: &str, expect: Option<&str>) {
    let program = Program::new(&regex_syntax::parse(expression).unwrap()).unwrap();
    let (mut memory, mut steps) = (Memory::default(), 10_000);
    memory.begin(&program);
    let view = Text::new(text.as_bytes());
    let found = (0..=text.len()).find_map(|at| {
        let end = match_at(&program, view, at, &mut memory, &mut steps).unwrap()?;
        Some(&text[at..end])
    });
    assert_eq!(found, expect, "{expression} in {text}");
}

#[test]
fn what_is_preferred_is_found() {
    check("a|ab", "ab", Some("a"));
    check("(?:a|ab|abc|abcd)c", "abcc", Some("abc"));
    check("a{2,3}", "caaaa", Some("aaa"));
    check("a{2,3}?", "caaaa", Some("aa"));
    check("a.{0,3}b", "axbxbxb", Some("axbxb"));
    check("a.{0,3}?b", "axbxb", Some("axb"));
    check("(?:ab)*c", "ababc", Some("ababc"));
    check("(?:ab){2,3}", "ababababab", Some("ababab"));
    check(r"(?i)\bskip\b", "a \u{17f}\u{212a}iP!", Some("\u{17f}\u{212a}iP"));
    check("[^a]é+", "aébéé", Some("béé"));
}

#[test]
fn ends_that_failed_are_not_tried_again() {
    let program = Program::new(&regex_syntax::parse("a.{0,500}b.{0,500}c").unwrap()).unwrap();
    let text = "ab".repeat(2_000);
    let (mut memory, mut steps) = (Memory::default(), 40 * text.len());
    memory.begin(&program);
    let view = Text::new(text.as_bytes());
    for at in 0..text.len() {
        assert_eq!(match_at(&program, view, at, &mut memory, &mut steps), Ok(None));
    }
}

#[test]
fn an_attempt_that_takes_too_long_is_given_up() {
    let program = Program::new(&regex_syntax::parse("(?:aa|a){30}b").unwrap()).unwrap();
    let (mut memory, mut steps) = (Memory::default(), 1_000);
    memory.begin(&program);
    let text = "a".repeat(60);
    let found = match_at(&program, Text::new(text.as_bytes()), 0, &mut memory, &mut steps);
    assert_eq!(found, Err(TooLong));
}

/// Parts that are joined, repeated and put beside each other: such as share beginnings and ends, and
/// such as are one character but several bytes.
const PARTS: [&str; 22] = [
    "a",
    "ab",
    "b",
    "ba",
    "s",
    "k",
    "é",
    "(?i:k)",
    "(?i:sa)",
    "(?i:é)",
    "[ab]",
    "[^a]",
    r"\w",
    r"\W",
    r"\s",
    ".",
    r"\b",
    r"\B",
    r"\b{end-half}",
    "^",
    "$",
    "(?:a|ab|b|bab|sk)",
];
const TEXT: [&[u8]; 14] = [
    b"a",
    b"b",
    b"ab",
    b"s",
    b"k",
    b" ",
    b"\n",
    "é".as_bytes(),
    "É".as_bytes(),
    "\u{17f}".as_bytes(),
    "\u{212a}".as_bytes(),
    b"\xff",
    b"\xc3",
    b"_",
];
const REPEATS: [&str; 12] =
    ["", "", "", "?", "*", "+", "*?", "+?", "{0,3}", "{2}", "{1,20}", "{2,30}?"];

fn expression() -> impl Strategy<Value = String> {
    let repeat = proptest::sample::select(&REPEATS[..]);
    let part = proptest::sample::select(&PARTS[..]).prop_map(str::to_owned);
    let tree = part.prop_recursive(3, 16, 5, |inner| {
        let parts = proptest::collection::vec(inner, 1..6);
        prop_oneof![
            3 => parts.clone().prop_map(|parts| parts.concat()),
            1 => parts.prop_map(|parts| format!("(?:{})", parts.join("|"))),
        ]
    });
    let repeated = (tree, repeat).prop_map(|(tree, repeat)| format!("(?:{tree}){repeat}"));
    proptest::collection::vec(repeated, 1..4).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Not only whether, but where: evidence is quoted from it.
    #[test]
    fn a_program_finds_what_an_automaton_finds(
        expression in expression(),
        pieces in proptest::collection::vec(proptest::sample::select(&TEXT[..]), 0..40),
    ) {
        let text = pieces.concat();
        let hir = regex_syntax::parse(&expression).unwrap();
        // Of what is repeated without end and may be nothing, there is none.
        let Some(program) = Program::new(&hir) else { return Ok(()) };
        let config = Regex::config().utf8_empty(false);
        let regex = Regex::builder().configure(config).build(&expression).unwrap();
        let (mut memory, mut steps) = (Memory::default(), 200_000);
        memory.begin(&program);
        let view = Text::new(&text);
        let mut found = None;
        for at in 0..=text.len() {
            match match_at(&program, view, at, &mut memory, &mut steps) {
                Ok(Some(end)) => found = Some(at..end),
                Ok(None) => continue,
                // The automaton is asked then.
                Err(TooLong) => return Ok(()),
            }
            break;
        }
        let expect = regex.find(&text).map(|found| found.range());
        prop_assert_eq!(&found, &expect, "{} in {:?}", expression, String::from_utf8_lossy(&text));
        if let Some(found) = found.filter(|found| found.start > 0)
            && let Some(first) = text.get(found.start..found.start + program.lead.len())
        {
            let may_lead = first.iter().zip(&program.lead).all(|(&byte, set)| set.has(byte));
            prop_assert!(may_lead, "{} in {:?}", expression, String::from_utf8_lossy(&text));
        }
    }
}
