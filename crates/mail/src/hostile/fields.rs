//! The header section: fields without end, encoded words, addresses, traces and signatures.

use super::{Class, each, section, single};

pub(super) const CLASSES: &[Class] = &[
    Class { name: "fields", of: "header fields", large: 1_000_000, make: fields },
    Class {
        name: "no-fields",
        of: "lines of the header section that are none",
        large: 1_000_000,
        make: no_fields,
    },
    Class { name: "long-field", of: "bytes of one field", large: 50_000_000, make: long },
    Class { name: "long-subject", of: "bytes of the Subject", large: 50_000_000, make: subject },
    Class { name: "folds", of: "folds of one field", large: 1_000_000, make: folds },
    Class { name: "encoded-words", of: "encoded words that join", large: 100_000, make: words },
    Class {
        name: "encoded-words-unended",
        of: "encoded words without an end",
        large: 100_000,
        make: unended,
    },
    Class {
        name: "encoded-words-broken",
        of: "encoded words that break at the last",
        large: 100_000,
        make: broken,
    },
    Class {
        name: "encoded-words-folded",
        of: "folds within one encoded word",
        large: 100_000,
        make: folded_word,
    },
    Class { name: "from-fields", of: "From fields", large: 100_000, make: from_fields },
    Class { name: "addresses", of: "addresses of To", large: 500_000, make: addresses },
    Class { name: "address-groups", of: "groups of To", large: 100_000, make: groups },
    Class {
        name: "address-comments",
        of: "comments, each in the one before",
        large: 500_000,
        make: comments,
    },
    Class { name: "address-quotes", of: "quotation marks of To", large: 1_000_000, make: quotes },
    Class { name: "address-angles", of: "angle brackets of To", large: 1_000_000, make: angles },
    Class {
        name: "address-words",
        of: "To fields of unended encoded words",
        large: 20,
        make: worded,
    },
    Class { name: "received", of: "Received fields", large: 10_000, make: received },
    Class {
        name: "received-comments",
        of: "comments in each of 50 Received fields",
        large: 2_000,
        make: received_comments,
    },
    Class { name: "references", of: "Message-IDs of References", large: 500_000, make: references },
    Class {
        name: "unsubscribe",
        of: "ways out in List-Unsubscribe",
        large: 300_000,
        make: unsubscribe,
    },
    Class {
        name: "results",
        of: "Authentication-Results with nested comments",
        large: 20_000,
        make: results,
    },
    Class { name: "signatures", of: "DKIM-Signature fields", large: 1_000, make: signatures },
    Class {
        name: "signed-names",
        of: "names in the h= of 32 signatures",
        large: 3_000,
        make: signed_names,
    },
    Class {
        name: "body-hashes",
        of: "signatures whose bh= and b= have odd lengths",
        large: 1_000,
        make: body_hashes,
    },
    Class {
        name: "signed-lengths",
        of: "signatures, each with another l=",
        large: 1_000,
        make: signed_lengths,
    },
    Class { name: "arc-sets", of: "ARC sets", large: 1_000, make: arc },
    Class { name: "dates", of: "bytes of Date", large: 1_000_000, make: date },
    Class {
        name: "nul-bytes",
        of: "NUL bytes, in header section and body",
        large: 5_000_000,
        make: nuls,
    },
    Class {
        name: "lone-cr",
        of: "lone CRs that would end the message",
        large: 2_000_000,
        make: lone_cr,
    },
    Class {
        name: "lone-lf",
        of: "lone LFs that would end the message",
        large: 2_000_000,
        make: lone_lf,
    },
    Class {
        name: "bare-8bit",
        of: "bytes over 127 in the header section",
        large: 2_000_000,
        make: eight_bit,
    },
    Class {
        name: "bidi-fields",
        of: "controls of direction in From and Subject",
        large: 500_000,
        make: bidi,
    },
    Class {
        name: "tag-characters",
        of: "tag characters in From and Subject",
        large: 500_000,
        make: tags,
    },
];

fn with(fields: &str) -> Vec<u8> {
    (section(fields) + "\r\nhello\r\n").into_bytes()
}

fn fields(n: usize) -> Vec<u8> {
    with(&each(n, |at| format!("X-{}: {at}\r\n", at % 1_000)))
}

fn no_fields(n: usize) -> Vec<u8> {
    with(&"no field at all\r\n".repeat(n))
}

fn long(n: usize) -> Vec<u8> {
    with(&format!("X-Long: {}\r\n", "=?x ".repeat(n / 4)))
}

fn subject(n: usize) -> Vec<u8> {
    with(&format!("Subject: {}\r\n", "Free mo.ney ".repeat(n / 12)))
}

fn folds(n: usize) -> Vec<u8> {
    with(&format!("Subject: x{}\r\n", "\r\n \r\n\tx".repeat(n / 2)))
}

fn words(n: usize) -> Vec<u8> {
    with(&format!("Subject: {}\r\n", "=?utf-8?b?8J+YgPCfmIA=?=\r\n ".repeat(n)))
}

/// Such that each can be read to the end of the field, since what follows `=` is hexadecimal.
fn unended(n: usize) -> Vec<u8> {
    with(&format!("Subject: {}\r\n", "=?a0?q?x".repeat(n)))
}

fn broken(n: usize) -> Vec<u8> {
    with(&format!("Subject: {}=zz?=\r\n", "=?a0?q?x".repeat(n)))
}

fn folded_word(n: usize) -> Vec<u8> {
    with(&format!("Subject: =?utf-8?q?{}?=\r\n", "a_\r\n ".repeat(n)))
}

fn from_fields(n: usize) -> Vec<u8> {
    with(&each(n, |at| format!("From: a{at}@evil.example\r\n")))
}

fn addresses(n: usize) -> Vec<u8> {
    with(&format!("To: {}x@y.example\r\n", each(n, |at| format!("a{at} <a{at}@b.example>,\r\n "))))
}

fn groups(n: usize) -> Vec<u8> {
    with(&format!("To: {}\r\n", each(n, |at| format!("g{at}:;\r\n "))))
}

fn comments(n: usize) -> Vec<u8> {
    with(&format!("To: {}x{}\r\nReply-To: {}\r\n", "(".repeat(n), ")".repeat(n), "(x\\".repeat(n)))
}

fn quotes(n: usize) -> Vec<u8> {
    with(&format!("To: {}\r\n", "\"a\\\"".repeat(n / 2)))
}

fn angles(n: usize) -> Vec<u8> {
    with(&format!("To: {}\r\nCc: {}\r\n", "<".repeat(n), "a<b>@".repeat(n / 2)))
}

fn worded(n: usize) -> Vec<u8> {
    with(&format!("To: {}\r\n", "=?a0?q?x".repeat(8_000)).repeat(n))
}

fn received(n: usize) -> Vec<u8> {
    with(&each(n, |at| {
        format!(
            "Received: from a{at}.example (b{at}.example [192.0.2.{}])\r\n\tby c.example with ESMTPS id {at}\
             \r\n\tfor <x@y.example>; Tue, 24 Nov 2026 09:15:00 +0000\r\n",
            at % 250
        )
    }))
}

fn received_comments(n: usize) -> Vec<u8> {
    let comment = format!("{}x{}", "(".repeat(n), ")[".repeat(n));
    with(&format!("Received: from {comment} by {comment} with {comment}; {comment}\r\n").repeat(50))
}

fn references(n: usize) -> Vec<u8> {
    let ids = each(n, |at| format!("<{at}@a.example>\r\n "));
    with(&format!("References: {ids}\r\nIn-Reply-To: {ids}\r\n"))
}

fn unsubscribe(n: usize) -> Vec<u8> {
    let ways = each(n, |at| format!("<https://a.example/{at}>,\r\n "));
    with(&format!("List-Id: x\r\nList-Unsubscribe: {ways}\r\nList-Unsubscribe-Post: {ways}\r\n"))
}

fn results(n: usize) -> Vec<u8> {
    let field =
        format!("Authentication-Results: {}mx{}; dmarc=pass\r\n", "(".repeat(50), ")".repeat(50));
    with(&field.repeat(n))
}

fn signature(at: usize, names: &str, more: &str) -> String {
    format!(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=d{at}.example; s=s{at}; h=from{names};\r\n\t{more}\r\n"
    )
}

const HASHES: &str = "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAAAAAAAAAAAAAA";

fn signatures(n: usize) -> Vec<u8> {
    with(&each(n, |at| signature(at, ":to:subject", HASHES)))
}

fn signed_names(n: usize) -> Vec<u8> {
    let names = each(n, |at| format!(":x{}", at % 7));
    with(&each(32, |at| signature(at, &names, HASHES)))
}

fn body_hashes(n: usize) -> Vec<u8> {
    with(&each(n, |at| {
        let odd = "A".repeat(at % 90);
        signature(at, "", &format!("bh={odd}; b={odd}==="))
    }))
}

fn signed_lengths(n: usize) -> Vec<u8> {
    let signatures = each(n, |at| signature(at, "", &format!("l={at}; {HASHES}")));
    (section(&signatures) + "\r\n" + &"hello \t \r\n".repeat(n * 100)).into_bytes()
}

fn arc(n: usize) -> Vec<u8> {
    with(&each(n, |at| {
        let at = at + 1;
        format!(
            "ARC-Seal: i={at}; a=rsa-sha256; cv=pass; d=a.example; s=s; b=AAAA\r\n\
             ARC-Message-Signature: i={at}; a=rsa-sha256; c=relaxed/relaxed; d=a.example; s=s; h=from; {HASHES}\r\n\
             ARC-Authentication-Results: i={at}; mx (i=7; x); dmarc=pass\r\n"
        )
    }))
}

fn date(n: usize) -> Vec<u8> {
    (format!("Date: {}1 Jan {}\r\n", "(".repeat(n / 2), "9".repeat(n / 2)) + &section("\r\nhello"))
        .into_bytes()
}

fn nuls(n: usize) -> Vec<u8> {
    let nuls = "\0".repeat(n / 4);
    (section(&format!("Sub\0ject: a{nuls}b\r\nX-\0: {nuls}\r\n")) + "\r\n" + &nuls + "a\0b" + &nuls)
        .into_bytes()
}

/// SMTP smuggling: what one program takes for the end of the message another does not.
fn lone_cr(n: usize) -> Vec<u8> {
    single("text/plain", &"\r.\r".repeat(n / 2))
}

fn lone_lf(n: usize) -> Vec<u8> {
    single("text/plain", &"a\n.\nMAIL FROM:<x@y.example>\n".repeat(n / 3))
}

fn eight_bit(n: usize) -> Vec<u8> {
    let mut raw = section("Subject: ").into_bytes();
    raw.extend(b"\xff\xe9\x80 ".repeat(n / 3));
    raw.extend(b"\r\nFrom: \xe9 <\xe9@evil.example>\r\n\r\nhello");
    raw
}

fn bidi(n: usize) -> Vec<u8> {
    let turned = "\u{202e}a\u{2066}b\u{202c}\u{2069}".repeat(n / 4);
    with(&format!("Subject: {turned}\r\nFrom: \"{turned}\" <a@evil.example>\r\n"))
}

fn tags(n: usize) -> Vec<u8> {
    let tags = "a\u{e0041}\u{e0020}\u{e007f}".repeat(n / 3);
    with(&format!("Subject: {tags}\r\nFrom: \"{tags}\" <a@evil.example>\r\n"))
}
