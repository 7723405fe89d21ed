//! The scan finds what each regular expression would find on its own.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test")]

use std::collections::HashSet;

use proptest::prelude::*;
use regex_automata::meta::Regex;
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_rules::{RuleFile, RuleSet};
use tidegate_signal::{Catalogue, Signals};

/// Letters whose cases are more than two, or of other lengths, and such as end words in no way.
const LETTERS: &[&str] = &[
    "a", "b", "k", "K", "s", "S", "\u{17f}", "\u{212a}", "é", "É", "ß", "ẞ", "σ", "ς", "Σ", "İ",
    "ı", "и", "И", "µ", "中", "1", "_",
];

fn expression() -> impl Strategy<Value = String> {
    let letter = proptest::sample::select(LETTERS).prop_map(str::to_owned);
    let word = proptest::collection::vec(proptest::sample::select(LETTERS), 1..6)
        .prop_map(|letters| letters.concat());
    let other = proptest::sample::select(vec![
        r"\b",
        r"\B",
        r"\w",
        r"\s",
        r".",
        r"\d",
        r"[^a]",
        r"[a-ks]",
        r"\b{start-half}",
        r"(?m:^)",
        r"$",
        r" ",
        r"\p{Greek}",
        r"(?i:[éß])",
    ])
    .prop_map(str::to_owned);
    let leaf = prop_oneof![3 => word, 1 => letter, 3 => other];
    let tree = leaf.prop_recursive(3, 24, 5, |inner| {
        let parts = proptest::collection::vec(inner.clone(), 1..5);
        prop_oneof![
            3 => parts.clone().prop_map(|parts| parts.concat()),
            2 => parts.prop_map(|parts| format!("(?:{})", parts.join("|"))),
            1 => (inner.clone(), 0..3_u32, 0..4_u32)
                .prop_map(|(part, min, more)| format!("(?:{part}){{{min},{}}}", min + more)),
            1 => (inner.clone(), proptest::sample::select(vec!["?", "*", "+", "+?"]))
                .prop_map(|(part, repeat)| format!("(?:{part}){repeat}")),
            1 => inner.prop_map(|part| format!("(?i:{part})")),
        ]
    });
    (any::<bool>(), tree)
        .prop_map(|(any_case, tree)| if any_case { format!("(?i){tree}") } else { tree })
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => proptest::sample::select(LETTERS).prop_map(|letter| letter.as_bytes().to_vec()),
        3 => proptest::sample::select(vec![" ", "\n", ".", "\t", "\u{a0}"])
            .prop_map(|space| space.as_bytes().to_vec()),
        1 => proptest::sample::select(vec![&b"\xff"[..], b"\xc3", b"\xe2\x84", b"\0", b"\xf0\x9f"])
            .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_rule_fires_exactly_when_its_expression_matches(
        expressions in proptest::collection::vec(expression(), 1..12),
        texts in proptest::collection::vec(text(), 1..4),
    ) {
        let mut rules = String::new();
        let mut oracle = Vec::new();
        for expression in expressions {
            let name = format!("R{}", oracle.len());
            let rule = format!(
                "[rules.{name}]\nsays = \"x\"\nscore = 1\nfamily = \"content\"\nin = \"raw\"\npattern = '{expression}'\n"
            );
            if compile(&rule).is_some() {
                rules.push_str(&rule);
                oracle.push((name, Regex::new(&expression).unwrap(), expression));
            }
        }
        let rules = compile(&rules).unwrap();
        for text in texts {
            let message = Message::parse(&text, &Bounds::default());
            let mut signals = Signals::new();
            rules.judge(&message, &Envelope::default(), &mut signals);
            for (name, regex, expression) in &oracle {
                prop_assert_eq!(
                    signals.has(name), regex.is_match(&text[..]),
                    "{} in {:?}", expression, String::from_utf8_lossy(&text)
                );
            }
        }
    }

    #[test]
    fn words_are_found_however_they_are_wrapped(
        before in "[ .,!]{0,3}",
        spaces in proptest::collection::vec("[ \t\n]{1,3}", 2),
        upper in any::<bool>(),
    ) {
        let rules = compile(
            "[rules.PHRASE]\nsays = \"x\"\nscore = 1\nfamily = \"content\"\nin = \"body\"\nwords = [\"act now please\"]\n"
        ).unwrap();
        let phrase = format!("act{}now{}please", spaces[0], spaces[1]);
        let phrase = if upper { phrase.to_uppercase() } else { phrase };
        let text = format!("Subject: x\n\nSo{before} {phrase}. Yes\n");
        let mut signals = Signals::new();
        rules.judge(&Message::parse(text.as_bytes(), &Bounds::default()), &Envelope::default(), &mut signals);
        prop_assert!(signals.has("PHRASE"), "{:?}", text);
    }

    #[test]
    fn no_toml_makes_the_compiler_panic(text in any_toml()) {
        let _ = compile(&text);
    }
}

/// Words of the language in no order, so that most of what is read is nearly right.
fn any_toml() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(vec![
        "[rules.A]\n",
        "[rules.B]\n",
        "[rules]\n",
        "[[rules]]\n",
        "family = ",
        "says = ",
        "score = ",
        "in = ",
        "pattern = ",
        "patterns = ",
        "words = ",
        "at_least = ",
        "when = ",
        "unless = ",
        "value = ",
        "over = ",
        "private = true\n",
        "matches = ",
        "\"text\"\n",
        "\"A and (B or not C)\"\n",
        "\"count(A, B) >= 1\"\n",
        "'(?i)a|b{3'\n",
        "'\\bq{1,9}x'\n",
        "[\"x\", \"y z\"]\n",
        "[]\n",
        "{}\n",
        "1.5\n",
        "-1e999\n",
        "nan\n",
        "0x10\n",
        "\"links.count\"\n",
        "\"content\"\n",
        "\"\"\"\n",
        "'",
        "\n",
        "\"",
        "é",
        "\0",
        "[",
        "=",
        "#",
    ]);
    proptest::collection::vec(word, 0..40).prop_map(|words| words.concat())
}

fn compile(text: &str) -> Option<RuleSet> {
    let file = RuleFile { name: "a.toml".to_owned(), text: text.to_owned() };
    RuleSet::compile(&[file], &Catalogue::default(), &HashSet::new()).ok()
}
