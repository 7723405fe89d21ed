//! What a client wants to be told of the delivery (RFC 3461, sections 4.1 to 4.4), passed on with a copy.
//!
//! Invariant: nothing is passed on but these arguments, and none that could end a command.

/// Bytes of the longest argument: an ORCPT, of an address in xtext.
const LONGEST: usize = 1_500;

/// The arguments, as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notices {
    mail: String,
    recipients: Vec<String>,
}

impl Notices {
    /// Of what MAIL and each RCPT had; arguments that are not about notices are left out.
    pub fn new<'a>(
        mail: impl IntoIterator<Item = &'a [u8]>,
        recipients: impl IntoIterator<Item: IntoIterator<Item = &'a [u8]>>,
    ) -> Self {
        let of_recipient = |arguments| taken(arguments, &["NOTIFY=", "ORCPT="]);
        Self {
            mail: taken(mail, &["RET=", "ENVID="]),
            recipients: recipients.into_iter().map(of_recipient).collect(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.mail.is_empty() && self.recipients.iter().all(String::is_empty)
    }

    /// Behind MAIL FROM, each with a space before it.
    pub(crate) fn of_mail(&self) -> &str {
        &self.mail
    }

    /// Behind RCPT TO.
    pub(crate) fn of_recipient(&self, at: usize) -> &str {
        self.recipients.get(at).map_or("", String::as_str)
    }
}

fn taken<'a>(arguments: impl IntoIterator<Item = &'a [u8]>, names: &[&str]) -> String {
    let mut text = String::new();
    for argument in arguments {
        let Ok(argument) = str::from_utf8(argument) else { continue };
        let is_named = names.iter().any(|name| {
            argument.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name))
        });
        let is_sound =
            argument.len() <= LONGEST && argument.bytes().all(|byte| byte.is_ascii_graphic());
        if is_named && is_sound {
            text.push(' ');
            text.push_str(argument);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_arguments_about_notices_are_passed_on() {
        let mail: [&[u8]; 4] = [b"SIZE=100", b"RET=HDRS", b"envid=QQ314159", b"BODY=8BITMIME"];
        let anna: [&[u8]; 2] = [b"NOTIFY=SUCCESS,FAILURE", b"ORCPT=rfc822;anna@example.test"];
        let bert: [&[u8]; 3] = [b"NOTIFY=NEVER\r\nRCPT TO:<x@y>", b"ORCPT=rfc822;a b", b"X=1"];
        let notices = Notices::new(mail, [anna.to_vec(), bert.to_vec()]);
        assert_eq!(notices.of_mail(), " RET=HDRS envid=QQ314159");
        assert_eq!(
            notices.of_recipient(0),
            " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;anna@example.test"
        );
        assert_eq!((notices.of_recipient(1), notices.of_recipient(2)), ("", ""));
        assert!(!notices.is_empty() && Notices::default().is_empty());
    }
}
