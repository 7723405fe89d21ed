//! An SMTP client that can claim to be any host, by Postfix's XCLIENT.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Who sends what to whom.
#[derive(Clone, Copy)]
pub struct Mail<'a> {
    pub client: &'a str,
    pub client_name: &'a str,
    pub helo: &'a str,
    pub from: &'a str,
    pub to: &'a [&'a str],
    pub data: &'a str,
}

impl<'a> Mail<'a> {
    /// From a well-kept server of `shop.example`.
    pub const fn new(data: &'a str) -> Self {
        Self {
            client: "203.0.113.9",
            client_name: "mail.shop.example",
            helo: "mail.shop.example",
            from: "anna@shop.example",
            to: &["bert@example.test"],
            data,
        }
    }
}

/// A connection to a server.
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut client = Self { stream: BufReader::new(stream) };
        client.reply();
        client
    }

    /// Sends one mail, and returns the reply that decided on it, all its lines.
    pub fn send(&mut self, mail: &Mail<'_>) -> String {
        self.claim(mail);
        self.transfer(mail)
    }

    /// Claims to be the client of a mail.
    pub fn claim(&mut self, mail: &Mail<'_>) {
        let Mail { client, client_name, helo, .. } = mail;
        let greeting =
            self.command(&format!("XCLIENT ADDR={client} NAME={client_name} HELO={helo}"));
        assert!(greeting.starts_with("220"), "{greeting}");
        self.command(&format!("EHLO {helo}"));
    }

    /// Sends `octets` as the data of a mail, with whatever line ends they have, and hangs up; all replies
    /// that came. A server that breaks off may take those back that were on their way.
    pub fn pour(mut self, octets: &str) -> String {
        for line in ["MAIL FROM:<anna@shop.example>", "RCPT TO:<bert@example.test>", "DATA"] {
            let reply = self.command(line);
            assert!(reply.starts_with(['2', '3']), "{reply}");
        }
        write!(self.stream.get_mut(), "{octets}\r\n.\r\nQUIT\r\n").unwrap();
        let mut replies = Vec::new();
        let _ = self.stream.read_to_end(&mut replies);
        String::from_utf8(replies).unwrap()
    }

    /// A further mail of the same client.
    pub fn transfer(&mut self, mail: &Mail<'_>) -> String {
        let reply = self.command(&format!("MAIL FROM:<{}>", mail.from));
        if !reply.starts_with("250") {
            return reply;
        }
        for to in mail.to {
            let reply = self.command(&format!("RCPT TO:<{to}>"));
            assert!(reply.starts_with("250"), "{reply}");
        }
        self.command("DATA");
        for line in mail.data.lines() {
            let dot = if line.starts_with('.') { "." } else { "" };
            write!(self.stream.get_mut(), "{dot}{line}\r\n").unwrap();
        }
        self.command(".")
    }

    pub fn command(&mut self, line: &str) -> String {
        write!(self.stream.get_mut(), "{line}\r\n").unwrap();
        self.reply()
    }

    fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).unwrap(), 0, "closed after: {reply}");
            let last = line.as_bytes().get(3) != Some(&b'-');
            reply.push_str(line.trim_end());
            if last {
                return reply;
            }
            reply.push('\n');
        }
    }
}
