//! What no match can be without.

use super::*;

/// `expect`: the nearest ones of each alternative.
/// Edges of words as bars.
fn plain(literal: &[u8]) -> String {
    String::from_utf8_lossy(literal).replace('\u{fffd}', "|")
}

#[track_caller]
fn check(pattern: &str, expect: &[&[&str]]) {
    let hir = regex_syntax::parse(pattern).unwrap();
    let text = |one: Vec<u8>| plain(&one);
    let found: Vec<Vec<String>> = alternatives(&hir)
        .into_iter()
        .filter_map(|(_, one)| Some(one?.near.literals.into_iter().map(text).collect()))
        .collect();
    assert_eq!(found, expect, "{pattern}");
}

fn only(pattern: &str) -> Required {
    let hir = regex_syntax::parse(pattern).unwrap();
    alternatives(&hir).remove(0).1.unwrap()
}

#[test]
fn the_rarest_required_literals_are_found() {
    check("PayPal", &[&["paypal"]]);
    check(r"(?i)\bpaypal\b", &[&["|paypal|"]]);
    check(r"(?i)\bpay[a-z]*pal\b", &[&["|pay"]]);
    check(r"(?i)\b\$\bpay pal\b\.", &[&["$pay pal."]]);
    check(r"(?i)\ba verylongliteralofmorethanlongest\b", &[&["|a verylongliteralofmoret"]]);
    check(r"(?i)kiss", &[&["kiss"]]);
    check(r"(?i)verify.{0,30}\byour account", &[&["verify"]]);
    check(r"(?i)\w+ your account", &[&[" your account"]]);
    check(r"(?:see|read) .*below", &[&["read ", "see "]]);
    check(r"(?i)(?:cheap|discount)\s+meds", &[&["cheap meds", "discount meds"]]);
    check(r"act\s* now,\s*please", &[&["act now, please", "act now,please"]]);
    check(r"colou?r scheme", &[&["color scheme", "colour scheme"]]);
    check(r"(?:foo|bar)+baz", &[&["bar", "foo"]]);
    check(r"[fb]o{1,9}baz", &[&["baz"]]);
    check(r"[a-z]{2}abc", &[&["abc"]]);
    check(r"(?i)счёт", &[&["счёт"]]);
    check(r"(?i)\b(?:[0-9]+ pills|buy [a-z]+ now)", &[&[" pills"], &["|buy "]]);
    check(r"x{4,}", &[&["xxxx"]]);
}

#[test]
fn a_pattern_without_a_rare_literal_has_none() {
    for pattern in [r"\d+", r".*", r"(?:abc)?", r"ab", r"[a-z]{5}", "", r"   +"] {
        check(pattern, &[]);
    }
}

#[test]
fn an_inner_literal_is_not_far_from_where_a_match_begins() {
    for (pattern, expect) in [
        (r"[a-z]{1,3}million", 10),
        (r"[a-z]{2}(?:abc|abcdef)x", 9),
        (r"(?:[a-z]{4}|[0-9])(?:[a-c]{3}yes|[a-c]no-)", 10),
        (r"\w+ million", 8),
        (r"million", 0),
    ] {
        assert_eq!(only(pattern).near.reach.chars, expect, "{pattern}");
    }
}

#[test]
fn a_pattern_of_several_parts_needs_the_rarest_literal_of_the_others_too() {
    let required = only(r"(?i)\b(?:card|account) .{0,30}\bsuspended.{0,9}\b(?:today|now)");
    let near: Vec<_> = required.near.literals.iter().map(|one| plain(one)).collect();
    assert_eq!(near, ["|account ", "|card "]);
    assert!(required.near.reach.is_nothing());
    let also = required.also.iter().map(|set| (plain(&set.literals.concat()), set.reach.chars));
    assert_eq!(also.collect::<Vec<_>>(), [("|suspended".to_owned(), 47)]);
}
