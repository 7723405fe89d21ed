//! The mail that tells a user what is held for them: composed, not sent.
//!
//! Plain text and HTML say the same (RFC 2046, section 5.1.4). The HTML has no picture, script or style from
//! anywhere, reads well without any style, and names each link by what it does.
//!
//! Invariant: a pure function of its input; nothing in it that strangers wrote is live.

use std::fmt::Write as _;

use chrono::{DateTime, FixedOffset};

use crate::plain::one_line;

/// Bytes of a sender, a subject and a reason that are shown.
const LONGEST: usize = 200;
/// Columns of quoted-printable (RFC 2045, section 6.7).
const COLUMNS: usize = 76;

/// What a digest is made of.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// To whom it goes.
    pub to: &'a str,
    /// Of whom it comes.
    pub from: &'a str,
    /// The Message-ID, without angle brackets.
    pub id: &'a str,
    /// When it is written, in seconds since 1970, and how many seconds clocks here are ahead of UTC.
    pub now: u64,
    /// See `now`.
    pub offset: i32,
    /// What is held newly, the newest first.
    pub lines: &'a [Line],
    /// How many more there are.
    pub more: usize,
    /// The page of the quarantine.
    pub page: Option<&'a str>,
}

/// One held message, in a digest.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The author.
    pub from: String,
    /// The subject.
    pub subject: String,
    /// When it was held, in seconds since 1970.
    pub held_at: u64,
    /// Until when it is kept.
    pub keep_until: u64,
    /// Points.
    pub score: f32,
    /// Why it is held.
    pub reason: String,
    /// Where it can be released.
    pub link: Option<String>,
}

impl Letter<'_> {
    /// The mail, with CRLF line ends.
    #[must_use]
    pub fn compose(&self) -> Vec<u8> {
        let count = self.lines.len() + self.more;
        let messages = if count == 1 { "message" } else { "messages" };
        let boundary = format!("=_{}", self.id.replace(|c: char| !c.is_ascii_alphanumeric(), ""));
        let mut mail = format!(
            "Date: {}\r\nFrom: Mail quarantine <{}>\r\nTo: <{}>\r\nMessage-ID: <{}>\r\n\
             Subject: {count} new {messages} in your quarantine\r\n\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative;\r\n\tboundary=\"{boundary}\"\r\n\r\n",
            self.time(self.now).to_rfc2822(),
            self.from,
            self.to,
            self.id,
        );
        for (kind, text) in [("plain", self.text(count)), ("html", self.html(count))] {
            let _ = write!(
                mail,
                "--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                quoted_printable(&text)
            );
        }
        let _ = write!(mail, "--{boundary}--\r\n");
        mail.into_bytes()
    }

    fn text(&self, count: usize) -> String {
        let mut text = format!("{}\n", self.greeting(count));
        for (nth, line) in self.lines.iter().enumerate() {
            let said = self.said(line);
            let _ = write!(
                text,
                "\n{}. {}\n   From: {}\n   Held: {}, until {}\n   Why: {}\n",
                nth + 1,
                said.subject,
                said.from,
                said.held,
                said.until,
                said.why
            );
            if let Some(link) = &line.link {
                let _ = writeln!(text, "   Release it: {link}");
            }
        }
        if self.more > 0 {
            let _ = write!(text, "\nAnd {} more.\n", self.more);
        }
        if let Some(page) = self.page {
            let _ = write!(text, "\nAll that is held for you: {page}\n");
        }
        text + "\n" + FAREWELL + "\n"
    }

    fn html(&self, count: usize) -> String {
        let greeting = escaped(&self.greeting(count));
        let mut html = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
             <title>Your quarantine</title></head>\n<body>\n<h1>Your quarantine</h1>\n<p>{greeting}</p>\n<ol>\n"
        );
        for line in self.lines {
            let said = self.said(line);
            let subject = escaped(&said.subject);
            let _ = write!(
                html,
                "<li>\n<p><strong>{subject}</strong><br>\nFrom: {}<br>\nHeld: {}, until {}<br>\nWhy: {}</p>\n",
                escaped(&said.from),
                said.held,
                said.until,
                escaped(&said.why)
            );
            if let Some(link) = &line.link {
                let _ =
                    writeln!(html, "<p><a href=\"{}\">Release “{subject}”</a></p>", escaped(link));
            }
            html.push_str("</li>\n");
        }
        html.push_str("</ol>\n");
        if self.more > 0 {
            let _ = writeln!(html, "<p>And {} more.</p>", self.more);
        }
        if let Some(page) = self.page {
            let _ =
                writeln!(html, "<p><a href=\"{}\">All that is held for you</a></p>", escaped(page));
        }
        let _ = write!(html, "<p>{}</p>\n</body>\n</html>\n", escaped(FAREWELL));
        html
    }

    fn greeting(&self, count: usize) -> String {
        match count {
            1 => "1 message to you was held, because it looks like spam.".to_owned(),
            many => format!("{many} messages to you were held, because they look like spam."),
        }
    }

    fn said(&self, line: &Line) -> Said {
        let or = |text: &str, none: &str| match without_links(&one_line(text, LONGEST)) {
            text if text.is_empty() => none.to_owned(),
            text => text,
        };
        let time = |time| self.time(time).format("%a %-d %b %Y, %H:%M").to_string();
        Said {
            subject: or(&line.subject, "(no subject)"),
            from: or(&line.from, "(nobody named)"),
            held: time(line.held_at),
            until: self.time(line.keep_until).format("%-d %b %Y").to_string(),
            why: or(&line.reason, &format!("{:.1} points", line.score)),
        }
    }

    fn time(&self, time: u64) -> DateTime<FixedOffset> {
        let utc = DateTime::from_timestamp(i64::try_from(time).unwrap_or(0), 0).unwrap_or_default();
        let zone = FixedOffset::east_opt(self.offset);
        zone.map_or_else(|| utc.fixed_offset(), |zone| utc.with_timezone(&zone))
    }
}

const FAREWELL: &str =
    "Open a link only for a message that you expect. What you leave alone is deleted by itself.";

/// A line, in words.
struct Said {
    subject: String,
    from: String,
    held: String,
    until: String,
    why: String,
}

/// Mail programs make links of what looks like one; those of strangers must not be.
fn without_links(text: &str) -> String {
    text.replace("://", ": //").replace("www.", "www .").replace("WWW.", "WWW .")
}

/// Text between tags and in attributes with quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Lines end in `\n` and are written with CRLF; long ones are broken softly.
fn quoted_printable(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() + text.len() / 8);
    for line in text.lines() {
        let mut column = 0;
        let bytes = line.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            let is_last = at + 1 == bytes.len();
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || *byte == b' ' && !is_last;
            // A dot that begins a line is what SMTP ends a message by.
            let is_plain = is_plain && !(*byte == b'.' && column == 0);
            let width = if is_plain { 1 } else { 3 };
            if column + width >= COLUMNS {
                encoded.push_str("=\r\n");
                column = 0;
            }
            if is_plain {
                encoded.push(char::from(*byte));
            } else {
                let _ = write!(encoded, "={byte:02X}");
            }
            column += width;
        }
        encoded.push_str("\r\n");
    }
    encoded
}

#[cfg(test)]
mod tests {
    use tidegate_mail::{Bounds, Message};

    use super::*;

    fn lines() -> [Line; 2] {
        let line = Line {
            from: "Anna <anna@shop.example>".to_owned(),
            subject: "Grüße & <script>alert(1)</script>".to_owned(),
            held_at: 1_795_600_000,
            keep_until: 1_798_192_000,
            score: 9.2,
            reason: "9.20 points, at or over 8.0 because of: A \"block\" list".to_owned(),
            link: Some("https://mail.example.test/q/release?token=abc-def".to_owned()),
        };
        let plain = Line {
            from: String::new(),
            subject: "\r\nBcc: x\u{202e} at https://www.evil.example/".to_owned(),
            reason: String::new(),
            link: None,
            ..line.clone()
        };
        [line, plain]
    }

    fn letter(lines: &[Line], more: usize) -> String {
        let letter = Letter {
            to: "bert@example.test",
            from: "postmaster@example.test",
            id: "digest.20783.abc@mx.example.test",
            now: 1_795_676_400,
            offset: 3_600,
            lines,
            more,
            page: Some("https://mail.example.test/q"),
        };
        String::from_utf8(letter.compose()).unwrap()
    }

    #[test]
    fn a_digest_reads_well() {
        insta::assert_snapshot!(letter(&lines(), 12).replace('\r', ""));
    }

    #[test]
    fn both_forms_say_the_same_and_nothing_is_live() {
        let mail = letter(&lines()[..1], 0);
        assert!(mail.lines().all(|line| line.len() <= 100), "{mail}");
        let message = Message::parse(mail.as_bytes(), &Bounds::default());
        assert_eq!(message.defects(), []);
        assert_eq!(message.subject(), Some("1 new message in your quarantine"));
        assert_eq!(message.html().scripts + message.html().images_remote, 0);
        insta::assert_snapshot!("what_a_reader_sees", message.text());
        insta::assert_snapshot!("what_a_reader_of_text_sees", message.plain().replace('\r', ""));
    }
}
