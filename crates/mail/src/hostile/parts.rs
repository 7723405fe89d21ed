//! Parts: nesting, boundaries that lie, parameters that continue, and encodings.

use super::{Class, each, section, single};

pub(super) const CLASSES: &[Class] = &[
    Class {
        name: "nested-multiparts",
        of: "multiparts, each in the one before",
        large: 10_000,
        make: nested,
    },
    Class {
        name: "nested-one-boundary",
        of: "multiparts that share one boundary",
        large: 10_000,
        make: one_boundary,
    },
    Class {
        name: "nested-messages",
        of: "messages, each attached to the one before",
        large: 100_000,
        make: messages,
    },
    Class {
        name: "nested-smime",
        of: "S/MIME envelopes, each in the one before",
        large: 10_000,
        make: smime,
    },
    Class { name: "sibling-parts", of: "parts side by side", large: 200_000, make: siblings },
    Class {
        name: "alternatives",
        of: "pairs of plain text and HTML in 15 multiparts",
        large: 20_000,
        make: alternatives,
    },
    Class {
        name: "boundary-prefixes",
        of: "lines that begin like the delimiter",
        large: 1_000_000,
        make: prefixes,
    },
    Class {
        name: "boundary-unused",
        of: "dashes, where the boundary is dashes",
        large: 4_000_000,
        make: dashes,
    },
    Class {
        name: "boundary-parameters",
        of: "boundary= in one field",
        large: 50_000,
        make: boundaries,
    },
    Class {
        name: "delimiter-blanks",
        of: "blanks behind each delimiter",
        large: 20_000,
        make: blanks,
    },
    Class {
        name: "rfc2231-one-name",
        of: "continuations of one parameter",
        large: 100_000,
        make: continued,
    },
    Class {
        name: "rfc2231-names",
        of: "continued parameters of one field",
        large: 100_000,
        make: continued_names,
    },
    Class {
        name: "rfc2231-parts",
        of: "parts with a thousand continued parameters each",
        large: 2_000,
        make: continued_parts,
    },
    Class {
        name: "dispositions",
        of: "Content-Disposition fields of one part",
        large: 2_000,
        make: dispositions,
    },
    Class {
        name: "rfc2047-parameters",
        of: "parts with unended encoded words in parameters",
        large: 2_000,
        make: worded,
    },
    Class {
        name: "charsets",
        of: "parts, each in another character set",
        large: 20_000,
        make: charsets,
    },
    Class {
        name: "charset-stateful",
        of: "shifts of a stateful character set",
        large: 1_000_000,
        make: stateful,
    },
    Class { name: "charset-utf7", of: "shifts of UTF-7", large: 1_000_000, make: utf7 },
    Class { name: "overlong", of: "overlong sequences of UTF-8", large: 2_000_000, make: overlong },
    Class {
        name: "base64-endless",
        of: "letters of base64 in one line",
        large: 40_000_000,
        make: base64,
    },
    Class {
        name: "base64-of-nothing",
        of: "letters that base64 skips",
        large: 20_000_000,
        make: nothing,
    },
    Class { name: "soft-breaks", of: "soft line breaks", large: 5_000_000, make: soft_breaks },
    Class {
        name: "soft-breaks-blank",
        of: "blanks between `=` and no line end",
        large: 2_000,
        make: blank_breaks,
    },
];

fn nested(n: usize) -> Vec<u8> {
    let open =
        each(n, |at| format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n"));
    let close: String = (0..n).rev().map(|at| format!("\r\n--b{at}--")).collect();
    (section("Subject: x\r\n") + &open + "\r\nhello" + &close).into_bytes()
}

fn one_boundary(n: usize) -> Vec<u8> {
    let open = each(n, |_| "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".to_owned());
    (section("Subject: x\r\n") + &open + "\r\nhello" + &"\r\n--b--".repeat(n)).into_bytes()
}

fn messages(n: usize) -> Vec<u8> {
    let open = "Subject: x\r\nContent-Type: message/rfc822\r\n\r\n".repeat(n);
    (section("") + &open + "Subject: y\r\n\r\nhello").into_bytes()
}

/// PKCS #7 within PKCS #7, and content of no length: nothing of it is opened here.
fn smime(n: usize) -> Vec<u8> {
    let open =
        "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n\r\n";
    (section("Subject: x\r\n") + &open.repeat(n) + "MAAG").into_bytes()
}

fn siblings(n: usize) -> Vec<u8> {
    let parts = "--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n".repeat(n);
    single("multipart/mixed; boundary=b", &(parts + "--b--"))
}

fn alternatives(n: usize) -> Vec<u8> {
    let open = each(15, |at| {
        format!("--a{at}\r\nContent-Type: multipart/alternative; boundary=a{}\r\n\r\n", at + 1)
    });
    let pair = "--a15\r\n\r\nplain\r\n--a15\r\nContent-Type: text/html\r\n\r\n<p>page\r\n";
    single("multipart/mixed; boundary=a0", &(open + &pair.repeat(n)))
}

fn prefixes(n: usize) -> Vec<u8> {
    single("multipart/mixed; boundary=b", &("--b\r\n\r\n".to_owned() + &"--bb\r\n".repeat(n)))
}

fn dashes(n: usize) -> Vec<u8> {
    single(&format!("multipart/mixed; boundary=\"{}\"", "-".repeat(60)), &"-".repeat(n))
}

fn boundaries(n: usize) -> Vec<u8> {
    single(&format!("multipart/mixed{}", each(n, |at| format!(";\r\n boundary=b{at}"))), "--b1\r\n")
}

fn blanks(n: usize) -> Vec<u8> {
    let line = format!("--b{}x\r\n", " ".repeat(n));
    single("multipart/mixed; boundary=b", &line.repeat(200))
}

fn continued(n: usize) -> Vec<u8> {
    let name = each(n, |at| format!(";\r\n name*{at}=x"));
    single(&format!("application/pdf{name}"), "x")
}

fn continued_names(n: usize) -> Vec<u8> {
    single(&format!("application/pdf{}", each(n, |at| format!(";\r\n a{at:x}*1=x"))), "x")
}

fn continued_parts(n: usize) -> Vec<u8> {
    let parameters = each(1_000, |at| format!(";a{at:x}*1="));
    let part = format!(
        "--b\r\nContent-Type: a/b{parameters}\r\nContent-Disposition: a{parameters}\r\n\r\n\r\n"
    );
    single("multipart/mixed; boundary=b", &part.repeat(n))
}

fn dispositions(n: usize) -> Vec<u8> {
    let parameters = each(1_000, |at| format!(";a{at:x}*1=x"));
    let fields = format!("Content-Disposition: a{parameters}\r\n").repeat(n);
    (section("Subject: x\r\n") + &fields + "\r\nhello").into_bytes()
}

fn worded(n: usize) -> Vec<u8> {
    let words = "=?a0?q?x".repeat(1_000);
    let part = format!("--b\r\nContent-Type: a/b; name=\"{words}\"\r\n\r\n\r\n");
    single("multipart/mixed; boundary=b", &part.repeat(n))
}

fn charsets(n: usize) -> Vec<u8> {
    const LABELS: [&str; 12] = [
        "utf-7",
        "utf-16",
        "utf-16be",
        "utf-32",
        "iso-2022-jp",
        "iso-2022-kr",
        "hz-gb-2312",
        "gb18030",
        "big5-hkscs",
        "koi8-u",
        "x-user-defined",
        "no-such-thing",
    ];
    let parts = each(n, |at| {
        let label = LABELS[at % LABELS.len()];
        format!(
            "--b\r\nContent-Type: text/plain; charset={label}\r\n\r\n+AGE-~{{\x1b$B:\x0e\u{fe}\r\n"
        )
    });
    single("multipart/mixed; boundary=b", &parts)
}

fn stateful(n: usize) -> Vec<u8> {
    single("text/plain; charset=iso-2022-jp", &"\x1b$B\x1b(B\x1b$@\x1b(J".repeat(n))
}

fn utf7(n: usize) -> Vec<u8> {
    single("text/plain; charset=utf-7", &"+AGE-+".repeat(n))
}

fn overlong(n: usize) -> Vec<u8> {
    let mut raw = single("text/html; charset=utf-8", "");
    raw.extend(b"\xc0\xbc\xe0\x80\xbc\xf0\x80\x80\xbc\xff".repeat(n / 3));
    raw
}

fn base64(n: usize) -> Vec<u8> {
    single("text/plain\r\nContent-Transfer-Encoding: base64", &"aGVsbG8g".repeat(n / 8))
}

fn nothing(n: usize) -> Vec<u8> {
    single("application/zip\r\nContent-Transfer-Encoding: base64", &"!".repeat(n))
}

fn soft_breaks(n: usize) -> Vec<u8> {
    single("text/plain\r\nContent-Transfer-Encoding: quoted-printable", &"=\r\n".repeat(n))
}

fn blank_breaks(n: usize) -> Vec<u8> {
    let line = "=".to_owned() + &" ".repeat(n) + "x";
    single("text/plain\r\nContent-Transfer-Encoding: quoted-printable", &line.repeat(1_000))
}
