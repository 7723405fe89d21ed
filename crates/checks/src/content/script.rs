//! Letters that look like others, and characters that nobody sees (Unicode Technical Standard 39).
//!
//! Invariant: what a script needs is never counted: joiners in Persian, Arabic and Indian words, in
//! emoji, tags in flags, soft hyphens, marks of direction that only embed, and U+FEFF, by which
//! newsletters keep programs from making links of dates and prices.

/// The Latin small letter or digit that a letter of another script can be mistaken for.
pub(crate) const fn latin_twin(c: char) -> Option<char> {
    Some(match c {
        'а' | 'А' | 'α' | 'Α' => 'a',
        'В' | 'Β' | 'Ь' => 'b',
        'с' | 'С' | 'ϲ' | 'Ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'Ε' | 'є' | 'ё' | 'Ё' => 'e',
        'ɡ' => 'g',
        'Н' | 'Η' | 'һ' | 'Һ' => 'h',
        'і' | 'І' | 'ι' | 'Ι' | 'ı' | 'ї' | 'Ї' => 'i',
        'ј' | 'Ј' | 'ϳ' => 'j',
        'к' | 'К' | 'κ' | 'Κ' => 'k',
        'ӏ' | 'Ӏ' => 'l',
        'М' | 'Μ' => 'm',
        'Ν' | 'ո' => 'n',
        'о' | 'О' | 'ο' | 'Ο' | 'σ' | 'օ' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ԛ' | 'Ԛ' => 'q',
        'ѕ' | 'Ѕ' => 's',
        'т' | 'Т' | 'τ' | 'Τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'Ԝ' | 'ω' | 'ѡ' => 'w',
        'х' | 'Х' | 'χ' | 'Χ' => 'x',
        'у' | 'У' | 'Υ' | 'ү' | 'Ү' => 'y',
        'Ζ' => 'z',
        _ => return None,
    })
}

const fn is_latin(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Scripts whose words need no invisible character.
const fn is_plain_script(c: char) -> bool {
    is_latin(c) || matches!(c, '0'..='9' | '\u{370}'..='\u{52f}')
}

/// Words of Latin letters in which some letters are look-alikes of another script. A Latin word
/// with an ending of another language, or a unit such as `μm`, isn't one: not all of its strange
/// letters look Latin, or they are too few.
pub(crate) fn mixed_words(text: &str) -> impl Iterator<Item = &str> {
    let text = if has_twins(text) { text } else { "" };
    text.split(|c: char| !c.is_alphabetic()).filter(|word| is_mixed(word))
}

/// Whether a text may have letters that look like Latin ones: those of [`latin_twin`] lie between U+0100
/// and U+05BF, whose first bytes in UTF-8 are these.
fn has_twins(text: &str) -> bool {
    has_byte(text, |byte| matches!(byte, 0xc4..=0xd6))
}

/// Whether a text may have characters that nobody sees: all lie beyond U+17FF.
fn has_unseen(text: &str) -> bool {
    has_byte(text, |byte| byte > 0xe0)
}

/// Whether a text has a byte of some. All are looked at, many at once: for most texts there is none.
pub(super) fn has_byte(text: &str, is: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |has, byte| has | is(byte))
}

fn is_mixed(word: &str) -> bool {
    if word.is_ascii() {
        return false;
    }
    let (mut latin, mut twins) = (0_u32, 0_u32);
    for c in word.chars() {
        if is_latin(c) {
            latin += 1;
        } else if latin_twin(c).is_some() {
            twins += 1;
        } else {
            return false;
        }
    }
    latin >= 1 && twins >= 1 && latin + twins >= 4
}

/// How many characters of each kind a text has that nobody sees and no script asks for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// Zero-width characters within words and numbers.
    pub(crate) zero_width: u32,
    /// Those of them in words that have several: one alone keeps programs from making links of
    /// dates, and newsletters use it.
    pub(crate) torn: u32,
    /// Letters turned round by force.
    pub(crate) overrides: u32,
    /// Tags: a hidden copy of ASCII.
    pub(crate) tags: u32,
}

/// Counts them.
pub(crate) fn unseen_kinds(text: &str) -> Unseen {
    let mut found = Unseen::default();
    if !has_unseen(text) {
        return found;
    }
    let mut in_flag = false;
    // The last character that is seen, zero-width ones since, and those before it in its word.
    let (mut before, mut pending, mut in_word) = (' ', 0, 0);
    let mut rest = text;
    loop {
        // Within ASCII nothing changes but what the last character is, once a word is done with.
        if pending == 0 && in_word == 0 {
            let ascii = rest.bytes().take_while(u8::is_ascii).count();
            if ascii > 0 {
                before = char::from(rest.as_bytes()[ascii - 1]);
                in_flag = false;
                rest = &rest[ascii..];
            }
        }
        let mut chars = rest.chars();
        let Some(c) = chars.next() else { break };
        rest = chars.as_str();
        match c {
            '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{180e}' => pending += 1,
            '\u{202d}' | '\u{202e}' => found.overrides += 1,
            '\u{e0020}'..='\u{e007f}' => found.tags += u32::from(!in_flag),
            '\u{feff}' => {}
            _ => {
                let joined = is_plain_script(before) && is_plain_script(c);
                if joined {
                    found.zero_width += pending;
                }
                if joined && c.is_alphabetic() && before.is_alphabetic() {
                    in_word += pending;
                } else {
                    found.torn += if in_word > 1 { in_word } else { 0 };
                    in_word = 0;
                }
                (before, pending) = (c, 0);
                in_flag = c == '\u{1f3f4}';
            }
        }
    }
    found.torn += if in_word > 1 { in_word } else { 0 };
    found
}

/// All kinds together.
pub(crate) fn unseen(text: &str) -> u32 {
    let Unseen { zero_width, overrides, tags, .. } = unseen_kinds(text);
    zero_width + overrides + tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_mixed(text: &str, expect: &[&str]) {
        assert_eq!(mixed_words(text).collect::<Vec<_>>(), expect, "{text}");
    }

    #[test]
    fn look_alikes_within_words_are_found() {
        check_mixed("your Pаypal account, аррle", &["Pаypal", "аррle"]);
        check_mixed("Αmazon", &["Αmazon"]);
        check_mixed("Grüße, naïve, Привет, Γειά", &[]);
        check_mixed("10 μm, Δt, PDFом, USB-кабель, α-Amylase", &[]);
    }

    #[test]
    fn a_text_that_is_passed_over_has_nothing_to_find() {
        for c in '\0'..=char::MAX {
            assert!(latin_twin(c).is_none() || has_twins(c.encode_utf8(&mut [0; 4])), "{c:?}");
        }
        for c in ['\u{180e}', '\u{200b}', '\u{202e}', '\u{2060}', '\u{e0020}', '\u{e007f}'] {
            assert!(has_unseen(c.encode_utf8(&mut [0; 4])), "{c:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_counted() {
        let check = |text: &str, zero_width, overrides, tags| {
            let found = unseen_kinds(text);
            assert_eq!(
                (found.zero_width, found.overrides, found.tags),
                (zero_width, overrides, tags)
            );
        };
        check("v\u{200b}i\u{200c}a", 2, 0, 0);
        check("one \u{200b}two three, 3\u{feff}4.9\u{feff}9", 0, 0, 0);
        check("می\u{200c}خواهم, क\u{94d}\u{200d}ष, 👨\u{200d}👩\u{200d}👧", 0, 0, 0);
        check("so\u{ad}ft", 0, 0, 0);
        check("\u{202e}cod.exe", 0, 1, 0);
        check("\u{200f}שלום\u{200e}", 0, 0, 0);
        check("a\u{e0041}\u{e0042}", 0, 0, 2);
        assert_eq!(unseen_kinds("v\u{200b}i\u{200c}a").torn, 2);
        assert_eq!(unseen_kinds("Ju\u{200c}ly 3\u{200c}0.2\u{200c}6, M\u{200c}ay").torn, 0);
        check("🏴\u{e0067}\u{e0062}\u{e007f}", 0, 0, 0);
    }
}
