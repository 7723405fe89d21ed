//! Mail that the pages send.
//!
//! RFC 5322 for its form; RFC 3834, section 5, so that no vacation program answers it.
//!
//! Invariant: nothing that a stranger wrote stands in it but the address it goes to.

/// The message with a link to sign in.
pub(super) fn sign_in(site: &str, to: &str, link: &str, now: u64) -> Vec<u8> {
    let site: String = site.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
    let domain = to.rsplit('@').next().unwrap_or_default();
    let date = crate::calendar::rfc5322(now);
    // The link is as good as a password: its end is not in the id.
    let id = format!("{now:x}.{:x}@{domain}", std::process::id());
    let text = format!(
        "From: \"{site} mail filter\" <postmaster@{domain}>\n\
         To: <{to}>\n\
         Subject: Your link to sign in\n\
         Date: {date}\n\
         Message-ID: <{id}>\n\
         Auto-Submitted: auto-generated\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=us-ascii\n\
         \n\
         Hello,\n\
         \n\
         somebody, most likely you, asked to see the mail that is held for\n\
         {to}. To sign in, open this address:\n\
         \n\
         {link}\n\
         \n\
         It works once, for a quarter of an hour. If you did not ask for it, there is\n\
         nothing to do: without this message nobody can sign in as you.\n"
    );
    text.replace('\n', "\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_message_is_well_formed_and_answered_by_no_program() {
        let letter = super::sign_in(
            "mx.example.org",
            "anna@example.org",
            "https://mail.example.org/sign-in?link=abc",
            1_795_662_600,
        );
        let text = String::from_utf8(letter).unwrap();
        assert!(text.contains("\r\nAuto-Submitted: auto-generated\r\n"));
        assert!(text.contains("\r\nDate: Thu, 26 Nov 2026 03:10:00 +0000\r\n"));
        assert!(text.contains("\r\n\r\nHello,\r\n"));
        assert!(text.contains("\r\nhttps://mail.example.org/sign-in?link=abc\r\n"));
        assert!(text.lines().all(|line| line.len() <= 78));
    }
}
