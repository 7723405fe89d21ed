//! Plain text: links written out, letters that nobody sees, and what expressions stumble over.

use super::{Class, each, single};

pub(super) const CLASSES: &[Class] = &[
    Class { name: "text-links", of: "links", large: 1_000_000, make: links },
    Class { name: "text-brackets", of: "dots in brackets", large: 1_000_000, make: brackets },
    Class { name: "text-schemes", of: "schemes without a host", large: 500_000, make: schemes },
    Class {
        name: "text-nested-urls",
        of: "URLs in the query of the one before",
        large: 100_000,
        make: nested,
    },
    Class { name: "text-escaped-urls", of: "escapes of an escape", large: 500_000, make: escaped },
    Class { name: "text-long-host", of: "labels of one host", large: 1_000_000, make: host },
    Class { name: "text-odd-hosts", of: "hosts that are numbers", large: 200_000, make: odd_hosts },
    Class { name: "text-at-signs", of: "`@` behind one scheme", large: 2_000_000, make: at_signs },
    Class { name: "text-www", of: "beginnings of `www.`", large: 1_000_000, make: www },
    Class { name: "text-one-letter", of: "the same letter", large: 5_000_000, make: one_letter },
    Class { name: "text-one-word", of: "bytes of one word", large: 5_000_000, make: one_word },
    Class { name: "text-words", of: "words, each another", large: 1_000_000, make: words },
    Class {
        name: "text-spaced",
        of: "letters with blanks between",
        large: 1_000_000,
        make: spaced,
    },
    Class { name: "text-digits", of: "digits", large: 5_000_000, make: digits },
    Class {
        name: "text-half-rules",
        of: "beginnings of what rules look for",
        large: 200_000,
        make: half_rules,
    },
    Class { name: "text-lines", of: "empty lines", large: 5_000_000, make: lines },
    Class { name: "text-quotes", of: "marks of quotation", large: 3_000_000, make: quotes },
    Class {
        name: "text-zero-width",
        of: "letters of no width",
        large: 1_000_000,
        make: zero_width,
    },
    Class { name: "text-bidi", of: "controls of direction", large: 1_000_000, make: bidi },
    Class { name: "text-tags", of: "tag characters", large: 1_000_000, make: tags },
    Class { name: "text-marks", of: "marks on one letter", large: 1_000_000, make: marks },
    Class {
        name: "text-mixed-scripts",
        of: "words of several scripts",
        large: 300_000,
        make: scripts,
    },
    Class {
        name: "text-growing-letters",
        of: "letters whose small form is longer",
        large: 1_000_000,
        make: growing,
    },
    Class { name: "text-binary", of: "bytes of every value", large: 5_000_000, make: binary },
];

fn text(body: &str) -> Vec<u8> {
    single("text/plain; charset=utf-8", body)
}

fn links(n: usize) -> Vec<u8> {
    text(&each(n, |at| format!("http://a{at}.example/\n")))
}

fn brackets(n: usize) -> Vec<u8> {
    text(&"[.]".repeat(n))
}

fn schemes(n: usize) -> Vec<u8> {
    text(&"http://".repeat(n))
}

fn nested(n: usize) -> Vec<u8> {
    text(&each(n, |at| format!("http://a{at}.example/?u=")))
}

fn escaped(n: usize) -> Vec<u8> {
    text(&format!("http://a.example/?u=http%3a//{} http://%{}", "%25".repeat(n), "2541".repeat(n)))
}

fn host(n: usize) -> Vec<u8> {
    text(&format!("http://{}example/", "a.".repeat(n)))
}

fn odd_hosts(n: usize) -> Vec<u8> {
    text(&each(n, |at| format!("http://0x{at:x}.0377.1/ http://%{:02x}.ｅ。x/\n", at % 128)))
}

fn at_signs(n: usize) -> Vec<u8> {
    text(&format!("http://{}evil.example", "a@".repeat(n / 2)))
}

fn www(n: usize) -> Vec<u8> {
    text(&"www. www.www.[.]".repeat(n / 3))
}

fn one_letter(n: usize) -> Vec<u8> {
    text(&"a".repeat(n))
}

fn one_word(n: usize) -> Vec<u8> {
    text(&"lorem-ipsum_dolor.sit@".repeat(n / 22))
}

fn words(n: usize) -> Vec<u8> {
    text(&each(n, |at| format!("word{at:x} ")))
}

fn spaced(n: usize) -> Vec<u8> {
    text(&"v i a g r a ".repeat(n / 6))
}

fn digits(n: usize) -> Vec<u8> {
    text(&"0123456789 12-34.56,78 ".repeat(n / 20))
}

fn half_rules(n: usize) -> Vec<u8> {
    text(&"dear click your account verify password bank transfer bitcoin million dollars lottery urgent ".repeat(n / 10))
}

fn lines(n: usize) -> Vec<u8> {
    text(&"\r\n".repeat(n / 2))
}

fn quotes(n: usize) -> Vec<u8> {
    text(&"> > >>\n".repeat(n / 4))
}

fn zero_width(n: usize) -> Vec<u8> {
    text(&"pay\u{200b}pal\u{200d}\u{feff}\u{ad}\u{2060} ".repeat(n / 5))
}

fn bidi(n: usize) -> Vec<u8> {
    text(&"\u{202e}gpj.exe\u{202c}\u{2067}x\u{2069}".repeat(n / 4))
}

fn tags(n: usize) -> Vec<u8> {
    text(&"a\u{e0041}\u{e007f}\u{fe0f}".repeat(n / 3))
}

fn marks(n: usize) -> Vec<u8> {
    text(&format!("a{}", "\u{301}\u{489}".repeat(n / 2)))
}

fn scripts(n: usize) -> Vec<u8> {
    text(&"pаypаl ωord 𝕙𝕖𝕝𝕝𝕠 ｆｒｅｅ Ⓐ ".repeat(n / 5))
}

/// U+023A and U+023E: two bytes, and three in lower case.
fn growing(n: usize) -> Vec<u8> {
    let letters = "ȺȾİ".repeat(n / 3);
    text(&format!("{letters} http://{letters}.example"))
}

fn binary(n: usize) -> Vec<u8> {
    let mut raw = text("");
    let mut state = 1u32;
    raw.extend((0..n).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    }));
    raw
}
