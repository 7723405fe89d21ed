//! The role a feature plays in its message.
//!
//! Invariant: numbers are for ever; they stand in the lowest bits of every feature.

/// What a feature was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A word of the visible text.
    Word = 0,
    /// Two words of the visible text, with the words between them left out.
    Pair = 1,
    /// Characters in a row, of a script that puts no spaces between words.
    Run = 2,
    /// A word of the subject.
    Subject = 3,
    /// Two words of the subject.
    SubjectPair = 4,
    /// The name or the address the message says it is from.
    Sender = 5,
    /// A link: host, domain, words of the path, form.
    Link = 6,
    /// The form of the header section.
    Header = 7,
    /// The structure of the parts.
    Structure = 8,
    /// Names and types of attached files.
    Attachment = 9,
    /// What the HTML is made of.
    Html = 10,
    /// A word disguised so that only a person reads it.
    Disguise = 11,
    /// Measures of the text: length, capitals, digits.
    Shape = 12,
    /// Characters in a row of any script.
    Gram = 13,
    /// What a check or a rule said of the message.
    Signal = 14,
}

impl Kind {
    /// All of them, by number.
    pub const ALL: [Self; 15] = [
        Self::Word,
        Self::Pair,
        Self::Run,
        Self::Subject,
        Self::SubjectPair,
        Self::Sender,
        Self::Link,
        Self::Header,
        Self::Structure,
        Self::Attachment,
        Self::Html,
        Self::Disguise,
        Self::Shape,
        Self::Gram,
        Self::Signal,
    ];

    /// The kind of a feature.
    #[must_use]
    pub fn of(feature: u64) -> Self {
        Self::ALL.get((feature & 0xf) as usize).copied().unwrap_or(Self::Word)
    }

    /// The words before a feature of this kind, for a person.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Word | Self::Pair | Self::Run | Self::Gram => "",
            Self::Subject | Self::SubjectPair => "subject ",
            Self::Sender => "from ",
            Self::Link => "link ",
            Self::Header => "header ",
            Self::Structure => "parts ",
            Self::Attachment => "file ",
            Self::Html => "HTML ",
            Self::Disguise => "disguised ",
            Self::Shape => "text ",
            Self::Signal => "signal ",
        }
    }
}
