//! The languages that a recipient reads, and the one that a message is written in.
//!
//! Codes are those of ISO 639-1 (`de`) or 639-3 (`deu`). A language is told by [`whatlang`], from the
//! letters and their triples.
//!
//! Invariant: a text that is short, or of which two languages are about as likely, is in no language;
//! and languages that programs mistake for each other count as one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use whatlang::Lang;

/// A language that can be told from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(Lang);

/// Codes of two letters that people write, and those of three that they stand for. Norwegian,
/// Chinese and Persian are named by what they are most often written in.
const SHORT: [(&str, &str, &str); 69] = [
    ("af", "afr", "Afrikaans"),
    ("ak", "aka", "Akan"),
    ("am", "amh", "Amharic"),
    ("ar", "ara", "Arabic"),
    ("az", "aze", "Azerbaijani"),
    ("be", "bel", "Belarusian"),
    ("bg", "bul", "Bulgarian"),
    ("bn", "ben", "Bengali"),
    ("ca", "cat", "Catalan"),
    ("cs", "ces", "Czech"),
    ("cy", "cym", "Welsh"),
    ("da", "dan", "Danish"),
    ("de", "deu", "German"),
    ("el", "ell", "Greek"),
    ("en", "eng", "English"),
    ("eo", "epo", "Esperanto"),
    ("es", "spa", "Spanish"),
    ("et", "est", "Estonian"),
    ("fa", "pes", "Persian"),
    ("fi", "fin", "Finnish"),
    ("fr", "fra", "French"),
    ("gu", "guj", "Gujarati"),
    ("he", "heb", "Hebrew"),
    ("hi", "hin", "Hindi"),
    ("hr", "hrv", "Croatian"),
    ("hu", "hun", "Hungarian"),
    ("hy", "hye", "Armenian"),
    ("id", "ind", "Indonesian"),
    ("it", "ita", "Italian"),
    ("ja", "jpn", "Japanese"),
    ("jv", "jav", "Javanese"),
    ("ka", "kat", "Georgian"),
    ("km", "khm", "Khmer"),
    ("kn", "kan", "Kannada"),
    ("ko", "kor", "Korean"),
    ("la", "lat", "Latin"),
    ("lt", "lit", "Lithuanian"),
    ("lv", "lav", "Latvian"),
    ("mk", "mkd", "Macedonian"),
    ("ml", "mal", "Malayalam"),
    ("mr", "mar", "Marathi"),
    ("my", "mya", "Burmese"),
    ("nb", "nob", "Norwegian"),
    ("ne", "nep", "Nepali"),
    ("nl", "nld", "Dutch"),
    ("no", "nob", "Norwegian"),
    ("or", "ori", "Oriya"),
    ("pa", "pan", "Punjabi"),
    ("pl", "pol", "Polish"),
    ("pt", "por", "Portuguese"),
    ("ro", "ron", "Romanian"),
    ("ru", "rus", "Russian"),
    ("si", "sin", "Sinhala"),
    ("sk", "slk", "Slovak"),
    ("sl", "slv", "Slovenian"),
    ("sn", "sna", "Shona"),
    ("sr", "srp", "Serbian"),
    ("sv", "swe", "Swedish"),
    ("ta", "tam", "Tamil"),
    ("te", "tel", "Telugu"),
    ("th", "tha", "Thai"),
    ("tk", "tuk", "Turkmen"),
    ("tl", "tgl", "Tagalog"),
    ("tr", "tur", "Turkish"),
    ("uk", "ukr", "Ukrainian"),
    ("ur", "urd", "Urdu"),
    ("uz", "uzb", "Uzbek"),
    ("vi", "vie", "Vietnamese"),
    ("zh", "cmn", "Chinese"),
];

/// Languages so near to each other that one is often taken for another.
const ALIKE: [&[Lang]; 6] = [
    &[Lang::Nob, Lang::Dan, Lang::Swe],
    &[Lang::Hrv, Lang::Srp, Lang::Slv, Lang::Mkd, Lang::Bul],
    &[Lang::Ces, Lang::Slk],
    &[Lang::Rus, Lang::Ukr, Lang::Bel],
    &[Lang::Nld, Lang::Afr],
    &[Lang::Ind, Lang::Jav, Lang::Tgl],
];

/// Letters below which a text says too little.
const FEWEST_LETTERS: usize = 200;
/// Bytes of a text that are looked at: more make it no surer.
const LONGEST_LOOK: usize = 8_192;

impl Language {
    /// Its code, of two letters where there is one.
    #[must_use]
    pub fn code(self) -> &'static str {
        let code = self.0.code();
        SHORT.iter().find(|(_, long, _)| *long == code).map_or(code, |(short, ..)| short)
    }

    /// Its English name; its code where it has none here.
    #[must_use]
    pub fn name(self) -> &'static str {
        let code = self.0.code();
        SHORT.iter().find(|(_, long, _)| *long == code).map_or(code, |(.., name)| name)
    }

    /// The names of all that can be told from others, in order.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<&str> = SHORT.iter().map(|(.., name)| *name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The language of `text`, where it can be told.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let end = (0..=text.len().min(LONGEST_LOOK)).rev().find(|&at| text.is_char_boundary(at))?;
        // Links and addresses are in no language, and make any text look like English.
        let words = text[..end].split_whitespace().filter(|word| !word.contains(['/', '@', '=']));
        let text = words.collect::<Vec<_>>().join(" ");
        // A letter of a script without an alphabet says more than one with.
        let weight = |c: char| if c as u32 >= 0x0e00 { 3 } else { 1 };
        let letters: usize = text.chars().filter(|c| c.is_alphabetic()).map(weight).sum();
        if letters < FEWEST_LETTERS {
            return None;
        }
        whatlang::detect(&text).filter(whatlang::Info::is_reliable).map(|info| Self(info.lang()))
    }

    /// Whether somebody who reads `other` is likely to read this.
    #[must_use]
    pub fn is_like(self, other: Self) -> bool {
        self == other
            || ALIKE.iter().any(|group| group.contains(&self.0) && group.contains(&other.0))
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        let code = code.to_ascii_lowercase();
        let named = |&&(short, _, name): &&(&str, &str, &str)| {
            short == code || name.eq_ignore_ascii_case(&code)
        };
        let long = SHORT.iter().find(named).map_or(&*code, |(_, long, _)| long);
        Lang::from_code(long).map(Self).ok_or_else(|| {
            let known: Vec<&str> = SHORT.iter().map(|(short, ..)| *short).collect();
            format!(
                "'{code}' is no language that can be told from others; write some of: {}",
                known.join(", ")
            )
        })
    }
}

impl TryFrom<String> for Language {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        code.parse()
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.code().to_owned()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENGLISH: &str = "The minutes of our meeting on Monday are attached. We agreed to order the \
        new shelves before the end of the month, and Bert will ask the two suppliers for a price. \
        Please tell me until Friday if something is missing or wrong, so that I can send them to the \
        others as well. See https://example.org/minutes?id=4711 for the earlier ones.";
    const GERMAN: &str = "Anbei das Protokoll unserer Besprechung vom Montag. Wir haben beschlossen, \
        die neuen Regale noch vor dem Ende des Monats zu bestellen, und Bert wird die beiden \
        Lieferanten nach einem Preis fragen. Bitte sagt mir bis Freitag, ob etwas fehlt oder falsch \
        ist, damit ich es auch den anderen schicken kann.";
    const RUSSIAN: &str = "Во вложении протокол нашего совещания в понедельник. Мы решили заказать \
        новые полки до конца месяца, а Берт спросит цену у двух поставщиков. Пожалуйста, сообщите \
        мне до пятницы, если что-то пропущено или неверно, чтобы я мог отправить его остальным.";

    #[test]
    fn a_long_text_is_in_its_language_and_a_short_one_in_none() {
        for (text, code) in [(ENGLISH, "en"), (GERMAN, "de"), (RUSSIAN, "ru")] {
            assert_eq!(Language::of(text).map(Language::code), Some(code));
        }
        assert_eq!(Language::of("Bitte um Antwort bis Freitag"), None);
        assert_eq!(Language::of(&"http://example.org/a/b?c=d ".repeat(50)), None);
        assert_eq!(Language::of(""), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        for before in ["", "x"] {
            let text = format!("{before}{}", RUSSIAN.repeat(40));
            assert!(Language::of(&text).is_some());
        }
    }

    #[test]
    fn codes_of_both_lengths_are_read() {
        for (short, long, _) in SHORT {
            let language: Language = short.parse().unwrap();
            assert_eq!(long.parse(), Ok(language));
        }
        let error = "xx".parse::<Language>().unwrap_err();
        assert!(error.contains("'xx'") && error.contains(" en,"), "{error}");
    }

    #[test]
    fn a_name_is_read_back() {
        for name in Language::names() {
            let language: Language = name.parse().unwrap();
            assert_eq!((language.name(), name.to_uppercase().parse()), (name, Ok(language)));
        }
    }

    #[test]
    fn neighbours_count_as_one() {
        let read = |code: &str| code.parse::<Language>().unwrap();
        assert!(read("no").is_like(read("da")));
        assert!(read("de").is_like(read("de")));
        assert!(!read("de").is_like(read("nl")));
    }
}
