//! The fixed set: so many of each kind of mail that a message has 5 to 6 kB on average, with the fields that real
//! mail has on its way, and signatures where real mail has them.

use std::net::IpAddr;
use std::path::Path;

use tidegate_mail::{Address, Envelope};

use crate::letters::Chance;
use crate::signing::{with_ed25519, with_rsa};

/// The hosts that mail comes from, with their domains and addresses; the last one sends spam.
pub(crate) const SENDERS: [(&str, &str); 5] = [
    ("berg-partner.example", "198.51.100.17"),
    ("lists.openboard.example", "203.0.113.66"),
    ("shop.example", "203.0.113.9"),
    ("mail.university.example", "198.51.100.140"),
    ("cheap-deals-4u.example", "192.0.2.99"),
];
const RECIPIENT: &str = "bert@example.test";

/// A message with the envelope it came in.
pub struct Sample {
    /// What it stands for.
    pub kind: &'static str,
    /// What SMTP said.
    pub envelope: Envelope,
    /// Header section, empty line, body.
    pub raw: Vec<u8>,
}

/// The set, always the same.
#[must_use]
pub fn samples() -> Vec<Sample> {
    more_samples(0)
}

/// The same mix once more, in other words; of round 0 it is the set itself.
#[must_use]
pub fn more_samples(round: u64) -> Vec<Sample> {
    let mut made = Vec::new();
    let mut add = |count: u64, kind: &'static str, from: usize, make: fn(&mut Draft) -> String| {
        for number in 0..count {
            let seed = made.len() as u64 + round * 1_000;
            let mut draft = Draft { chance: Chance::new(seed), from, number };
            let mail = make(&mut draft);
            made.push(sample(kind, from, mail.into_bytes()));
        }
    };
    add(9, "letter", 0, letter);
    add(7, "reply", 3, reply);
    add(6, "list", 1, list);
    add(1, "newsletter", 2, newsletter);
    add(2, "alternative", 2, alternative);
    add(1, "attachment", 0, attachment);
    add(6, "spam", 4, spam);
    for name in ["clean", "phishing", "gtube"] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/mail");
        let text =
            std::fs::read_to_string(Path::new(path).join(name).with_extension("eml")).unwrap();
        made.push(sample("short", 3, text.replace('\n', "\r\n").into_bytes()));
    }
    made
}

fn sample(kind: &'static str, from: usize, raw: Vec<u8>) -> Sample {
    let (domain, address) = SENDERS[from];
    let envelope = Envelope {
        client: Some(address.parse::<IpAddr>().unwrap()),
        client_name: Some(format!("mx1.{domain}")),
        helo: Some(format!("mx1.{domain}")),
        sender: Some(Address::new(&format!("bounces@{domain}"))),
        recipients: vec![Address::new(RECIPIENT)],
        queue_id: Some("4Xv7Tq2YkMz9sPw".to_owned()),
        receiver: Some("mx.example.test".to_owned()),
        ..Envelope::default()
    };
    Sample { kind, envelope, raw }
}

/// What a message is made of.
struct Draft {
    chance: Chance,
    from: usize,
    number: u64,
}

impl Draft {
    fn domain(&self) -> &'static str {
        SENDERS[self.from].0
    }

    /// The hops of the sender's side; the last one, to us, is what the milter is asked about.
    fn hops(&mut self, count: usize) -> String {
        let domain = self.domain();
        let hops = (0..count).map(|hop| {
            let (id, second) = (self.chance.id(15), 59 - hop);
            format!(
                "Received: from relay{hop}.{domain} (relay{hop}.{domain} [10.20.{hop}.14])\r\n\
                 \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\
                 \t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n\
                 \t(No client certificate requested)\r\n\
                 \tby mx{hop}.{domain} (Postfix) with ESMTPS id {id}\r\n\
                 \tfor <{RECIPIENT}>; Tue, 24 Nov 2026 09:14:{second:02} +0000 (UTC)\r\n"
            )
        });
        hops.collect()
    }

    fn head(&mut self, name: &str, subject: &str) -> String {
        let (domain, number, id) = (self.domain(), self.number, self.chance.id(24));
        format!(
            "From: \"{name}\" <{}@{domain}>\r\nTo: Bert Example <{RECIPIENT}>\r\nSubject: {subject}\r\n\
             Date: Tue, 24 Nov 2026 09:14:{:02} +0000\r\nMessage-ID: <{id}.{number}@{domain}>\r\n\
             MIME-Version: 1.0\r\n",
            name.split(' ').next().unwrap_or(name).to_lowercase(),
            10 + number,
        )
    }

    fn exchange_fields(&mut self) -> String {
        let ids = [self.chance.id(64), self.chance.id(64), self.chance.id(64)];
        format!(
            "X-Mailer: Microsoft Outlook 16.0\r\nThread-Index: {}\r\nAccept-Language: en-GB, en-US\r\n\
             X-MS-Has-Attach: \r\nX-MS-TNEF-Correlator: \r\nX-Originating-IP: [10.1.7.44]\r\n\
             X-Microsoft-Antispam-Message-Info: {}\r\n {}\r\n",
            ids[0], ids[1], ids[2]
        )
    }
}

fn letter(draft: &mut Draft) -> String {
    let hops = draft.hops(2);
    let head = draft.head("Anna Berg", "The delivery of next week, and the minutes");
    let client =
        if draft.number.is_multiple_of(3) { draft.exchange_fields() } else { String::new() };
    let body = draft.chance.letter(1_900);
    let mail = format!(
        "{hops}{head}{client}User-Agent: Mozilla Thunderbird\r\nContent-Language: en-GB\r\n\
         Content-Type: text/plain; charset=UTF-8; format=flowed\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
         Hello Bert,\r\n\r\n{body}Viele Grüße\r\nAnna\r\n\r\n-- \r\nBerg & Partner, 12 Quay Street\r\n\
         https://www.berg-partner.example/contact\r\n"
    );
    if draft.number.is_multiple_of(3) { mail } else { with_rsa(&mail, draft.domain()) }
}

fn reply(draft: &mut Draft) -> String {
    let hops = draft.hops(3);
    let head = draft.head("Clara Duval", "Re: Re: [project] Results of the second machine");
    let references: String =
        (0..5).map(|_| format!(" <{}@mail.university.example>\r\n", draft.chance.id(22))).collect();
    let (first, second) = (draft.chance.letter(500), draft.chance.letter(300));
    let quoted = |text: &str, mark: &str| -> String {
        text.lines().map(|line| format!("{mark}{line}\r\n")).collect()
    };
    let old = quoted(&draft.chance.letter(900), "> ");
    let older = quoted(&draft.chance.letter(700), "> > ");
    let mail = format!(
        "{hops}{head}In-Reply-To: <{}@mail.university.example>\r\nReferences:{references}\
         User-Agent: Mutt/2.2.12 (2023-09-09)\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Disposition: inline\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
         On Mon, Nov 23, 2026 at 05:31:07PM +0100, Bert Example wrote:\r\n{older}{old}\r\n{first}\
         See =C2=A7 4 of https://docs.university.example/handbook/part-2.html=20\r\nas well.\r\n\r\n{second}",
        draft.chance.id(22)
    );
    if draft.number.is_multiple_of(2) { with_rsa(&mail, draft.domain()) } else { mail }
}

fn list(draft: &mut Draft) -> String {
    let hops = draft.hops(4);
    let head = draft.head("Development list", "[dev] [PATCH v2 3/7] drivers: return early");
    let (said, id) = (draft.chance.letter(700), draft.chance.id(40));
    let patch: String = (0..40)
        .map(|line| {
            let mark = ["+", "-", " ", " "][draft.chance.below(4)];
            format!(
                "{mark}\tif (state->count[{line}] > limit_{line})\r\n{mark}\t\treturn -EINVAL;\r\n"
            )
        })
        .collect();
    let mail = format!(
        "{hops}{head}X-BeenThere: dev@lists.openboard.example\r\nX-Mailman-Version: 2.1.39\r\nPrecedence: list\r\n\
         List-Id: Development <dev.lists.openboard.example>\r\n\
         List-Unsubscribe: <https://lists.openboard.example/options/dev>,\r\n \
         <mailto:dev-request@lists.openboard.example?subject=unsubscribe>\r\n\
         List-Archive: <http://lists.openboard.example/pipermail/dev/>\r\n\
         List-Post: <mailto:dev@lists.openboard.example>\r\n\
         List-Help: <mailto:dev-request@lists.openboard.example?subject=help>\r\n\
         Errors-To: dev-bounces@lists.openboard.example\r\nSender: \"dev\" <dev-bounces@lists.openboard.example>\r\n\
         Content-Type: text/plain; charset=\"us-ascii\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
         {said}Signed-off-by: A Developer <dev@lists.openboard.example>\r\n---\r\n drivers/{id}.c | 12 ++++--\r\n\
         {patch}\r\n_______________________________________________\r\ndev mailing list\r\n\
         https://lists.openboard.example/listinfo/dev\r\n"
    );
    // Every other one is signed by the author's host as well.
    let once = with_rsa(&mail, draft.domain());
    if draft.number.is_multiple_of(2) { with_rsa(&once, "mail.university.example") } else { once }
}

fn newsletter(draft: &mut Draft) -> String {
    let html = draft.offers(78);
    let (hops, head) =
        (draft.hops(2), draft.head("The Shop", "=?utf-8?q?This_week=E2=80=99s_offers?="));
    let mail = format!(
        "{hops}{head}{}Content-Type: text/html; charset=utf-8\r\n\r\n{html}",
        bulk_fields()
    );
    with_ed25519(&with_rsa(&mail, draft.domain()), "esp.example")
}

fn alternative(draft: &mut Draft) -> String {
    let (plain, html) = (draft.chance.letter(3_000), draft.offers(10));
    let (hops, head) = (draft.hops(2), draft.head("The Shop", "Your order has been sent"));
    let mail = format!(
        "{hops}{head}{}Content-Type: multipart/alternative;\r\n boundary=\"=_part_4711_0815\"\r\n\r\n\
         This is a message in MIME format.\r\n--=_part_4711_0815\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         {plain}\r\n--=_part_4711_0815\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{}\r\n--=_part_4711_0815--\r\n",
        bulk_fields(),
        html.replace('=', "=3D"),
    );
    with_rsa(&mail, draft.domain())
}

fn attachment(draft: &mut Draft) -> String {
    let mut file = b"%PDF-1.7\n".to_vec();
    file.extend((0..9_000).map(|_| draft.chance.below(256) as u8));
    let coded = data_encoding::BASE64_MIME.encode(&file);
    let (hops, head) = (draft.hops(2), draft.head("Anna Berg", "Offer 2026-117"));
    let text = draft.chance.letter(600);
    let mail = format!(
        "{hops}{head}{}Content-Type: multipart/mixed; boundary=\"----=_NextPart_000_0042\"\r\n\r\n\
         ------=_NextPart_000_0042\r\nContent-Type: text/plain; charset=\"iso-8859-1\"\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n{text}Gr=FC=DFe\r\n\r\n\
         ------=_NextPart_000_0042\r\nContent-Type: application/pdf; name=\"Offer 2026-117.pdf\"\r\n\
         Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"Offer 2026-117.pdf\"\r\n\r\n\
         {coded}\r\n------=_NextPart_000_0042--\r\n",
        draft.exchange_fields(),
    );
    with_rsa(&mail, draft.domain())
}

fn spam(draft: &mut Draft) -> String {
    let lure = draft.chance.lure(draft.number as usize, 1_400);
    let hops = draft.hops(1);
    let head = draft.head("Dr. Support Team", "URGENT: claim your prize NOW!!!");
    let link = format!("http://win.{}/claim.php?id={}", draft.domain(), draft.chance.id(12));
    let body = match draft.number % 2 {
        0 => format!("Content-Type: text/plain; charset=us-ascii\r\n\r\n{lure}{link}\r\n"),
        _ => format!(
            "Content-Type: text/html; charset=windows-1252\r\n\r\n<html><body bgcolor=#ffffff>\
             <font size=5 color=red><b>{}</b></font><p><a href=\"{link}\">http://www.bank.example/login</a>\
             <font color=#ffffff size=1>{}</font></body></html>\r\n",
            lure.replace("\r\n\r\n", "<br><br>\r\n"),
            draft.chance.letter(400),
        ),
    };
    let mail = format!(
        "{hops}{head}Reply-To: claims@mailbox.example\r\nX-Priority: 1 (Highest)\r\n{body}"
    );
    if draft.number == 3 { with_rsa(&mail, draft.domain()) } else { mail }
}

/// What a mailing service adds.
fn bulk_fields() -> &'static str {
    "List-Unsubscribe: <https://shop.example/u/8f3a?m=1>, <mailto:u@shop.example?subject=8f3a>\r\n\
     List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: Offers <offers.shop.example>\r\n\
     Precedence: bulk\r\nFeedback-ID: 4711:offers:2026w48:esp\r\nX-Campaign: 2026-48\r\n"
}

impl Draft {
    /// HTML as mailing services make it: tables in tables, a style on each cell, links that count.
    fn offers(&mut self, count: usize) -> String {
        let mut html = String::from(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Offers</title><style>\r\n\
             .btn{background:#0a5;color:#fff;padding:8px 16px} @media (max-width:600px){.col{width:100%}}\r\n\
             </style></head><body style=\"margin:0;background-color:#f4f4f4\"><table width=\"600\" align=\"center\">\r\n",
        );
        for number in 0..count {
            let (offer, id) = (self.chance.offer(), self.chance.id(32));
            html.push_str(&format!(
                "<tr><td style=\"padding:8px;font-family:Arial,sans-serif;color:#333333\">\r\n\
                 <a href=\"https://click.esp.example/t/{id}?utm_source=news&amp;n={number}\">\r\n\
                 <img src=\"https://cdn.shop.example/i/{number}.jpg\" width=\"200\" height=\"120\" alt=\"Offer\"></a></td>\r\n\
                 <td style=\"padding:8px;font-size:14px\"><b>Offer {number}</b><br>{offer} Now {number}.90 &euro; \r\n\
                 <a class=\"btn\" href=\"https://shop.example/p/{number}\">See it</a></td></tr>\r\n"
            ));
        }
        html.push_str(
            "</table><p style=\"font-size:11px\">You get this since you have an account with us. \r\n\
             <a href=\"https://shop.example/u/8f3a\">Unsubscribe</a></p></body></html>\r\n",
        );
        html
    }
}

/// Letters of which each brings names of its own, so that no cache helps: the author's domain and a mailing
/// service's sign, and five links go to five domains.
#[must_use]
pub fn letters_of_strangers(count: u64) -> Vec<Vec<u8>> {
    let letter = |number: u64| {
        let mut draft = Draft { chance: Chance::new(number), from: 0, number: number % 40 };
        let (hops, text) = (draft.hops(2), draft.chance.letter(1_500));
        let links: String = (0..5)
            .map(|link| format!("https://www.link{link}-{number}.example/page\r\n"))
            .collect();
        let mail = format!(
            "{hops}From: Anna Berg <anna@sender{number}.example>\r\nTo: Bert Example <{RECIPIENT}>\r\n\
             Subject: What we spoke of\r\nDate: Tue, 24 Nov 2026 09:14:00 +0000\r\n\
             Message-ID: <{}@sender{number}.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n{text}{links}",
            draft.chance.id(24)
        );
        let once = with_rsa(&mail, &format!("service{number}.example"));
        with_rsa(&once, &format!("sender{number}.example")).into_bytes()
    };
    (0..count).map(letter).collect()
}
