//! Characters as a reader sees them: letters that look alike are one, what takes no space is none.
//!
//! Source: the look-alikes are those of Unicode's confusables (UTS #39) that spam makes use of.
//!
//! Invariant: text that nobody disguised keeps its words; only case and accents are lost.

/// What a character is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A letter of the Latin alphabet, lower case, accents aside.
    Latin(u8),
    /// A Latin letter or digit drawn by another character that is meant for show: 𝐯, ｖ, ⓥ.
    Fancy(u8),
    /// A letter of another alphabet, lower case; with the Latin one it looks like, if any.
    Letter(char, Option<u8>),
    /// A character of a script that puts no spaces between words.
    Dense(char),
    /// Takes no space.
    Nothing,
    /// A picture.
    Picture(char),
    /// A sign of money.
    Money(char),
    /// Ends a word.
    Other,
}

/// What a character beyond ASCII is to a reader.
pub(crate) fn see(c: char) -> Seen {
    match c {
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{300}'..='\u{36f}'
        | '\u{e0000}'..='\u{e01ef}' => Seen::Nothing,
        '¢'..='¥' | '\u{20a0}'..='\u{20c0}' => Seen::Money(c),
        '\u{c0}'..='\u{17f}' => match without_accent(c) {
            Some(ascii) => Seen::Latin(ascii),
            None if c.is_alphabetic() => letter(c),
            None => Seen::Other,
        },
        '\u{1e00}'..='\u{1eff}' => Seen::Letter(lower(c), None),
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = (u32::from(c) - 0xff01 + 0x21) as u8;
            if ascii.is_ascii_alphanumeric() {
                Seen::Fancy(ascii.to_ascii_lowercase())
            } else {
                Seen::Other
            }
        }
        '\u{1d400}'..='\u{1d6a3}' => Seen::Fancy(b'a' + ((u32::from(c) - 0x1d400) % 26) as u8),
        '\u{1d7ce}'..='\u{1d7ff}' => Seen::Fancy(b'0' + ((u32::from(c) - 0x1d7ce) % 10) as u8),
        '\u{24b6}'..='\u{24e9}' => Seen::Fancy(b'a' + ((u32::from(c) - 0x24b6) % 26) as u8),
        '\u{1f110}'..='\u{1f129}'
        | '\u{1f130}'..='\u{1f149}'
        | '\u{1f150}'..='\u{1f169}'
        | '\u{1f170}'..='\u{1f189}' => Seen::Fancy(b'a' + ((u32::from(c) - 0x1f110) % 32) as u8),
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Seen::Dense(c),
        '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => Seen::Picture(c),
        _ if c.is_alphanumeric() => letter(c),
        _ => Seen::Other,
    }
}

fn letter(c: char) -> Seen {
    let c = lower(c);
    Seen::Letter(c, look_alike(c))
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The letter under the accent, of Latin-1 and Latin Extended-A.
fn without_accent(c: char) -> Option<u8> {
    const LATIN_1: &[u8; 64] = b"aaaaaaaceeeeiiiidnooooo~ouuuuypsaaaaaaaceeeeiiiidnooooo~ouuuuypy";
    const EXTENDED: &[u8; 128] = b"aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
    let code = u32::from(c) as usize;
    let folded = if code < 0x100 { LATIN_1.get(code - 0xc0) } else { EXTENDED.get(code - 0x100) };
    folded.copied().filter(u8::is_ascii_lowercase)
}

/// The Latin letter that a lower-case letter of another alphabet is drawn like.
fn look_alike(c: char) -> Option<u8> {
    Some(match c {
        'а' | 'α' | 'ɑ' => b'a',
        'в' | 'β' => b'b',
        'с' | 'ϲ' => b'c',
        'ԁ' => b'd',
        'е' | 'ε' | 'є' => b'e',
        'һ' | 'н' | 'η' => b'h',
        'і' | 'ι' | 'ı' | 'ɩ' => b'i',
        'ј' => b'j',
        'к' | 'κ' => b'k',
        'ӏ' | 'ⅼ' => b'l',
        'м' | 'μ' => b'm',
        'п' | 'ո' => b'n',
        'о' | 'ο' | 'σ' | 'օ' => b'o',
        'р' | 'ρ' => b'p',
        'ԛ' => b'q',
        'г' => b'r',
        'ѕ' => b's',
        'т' | 'τ' => b't',
        'υ' | 'ս' => b'u',
        'ѵ' | 'ν' => b'v',
        'ԝ' | 'ω' => b'w',
        'х' | 'χ' => b'x',
        'у' | 'γ' | 'ү' => b'y',
        'ᴢ' | 'ζ' => b'z',
        _ => return None,
    })
}

/// The letter that a digit or sign stands for within a word: v1agra, fr33, ca$h.
pub(crate) const fn leet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'0' => b'o',
        b'1' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_finery_are_seen_through() {
        for (c, ascii) in [
            ('é', b'e'),
            ('Ü', b'u'),
            ('ñ', b'n'),
            ('ł', b'l'),
            ('Ž', b'z'),
            ('ı', b'i'),
            ('š', b's'),
        ] {
            assert_eq!(see(c), Seen::Latin(ascii), "{c}");
        }
        for (c, ascii) in
            [('ｖ', b'v'), ('𝐯', b'v'), ('𝓕', b'f'), ('ⓥ', b'v'), ('🅰', b'a'), ('𝟗', b'9')]
        {
            assert_eq!(see(c), Seen::Fancy(ascii), "{c}");
        }
        assert_eq!(see('А'), Seen::Letter('а', Some(b'a')));
        assert_eq!(see('ж'), Seen::Letter('ж', None));
        assert_eq!(
            (see('\u{200b}'), see('中'), see('€')),
            (Seen::Nothing, Seen::Dense('中'), Seen::Money('€'))
        );
        assert_eq!((see('×'), see('÷')), (Seen::Other, Seen::Other));
    }
}
