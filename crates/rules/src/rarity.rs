//! How rare a few bytes are in mail, so that the rarest ones of a literal are looked for.
//!
//! Counted in 1,500 messages of public corpora: English letters and HTML, folded. It need not be
//! right for other mail; a literal that is judged wrongly is found all the same.
//!
//! Invariant: nothing but speed depends on these figures.

use crate::edge::EDGE;

/// Kinds of bytes: 26 letters, digits, space or an edge of a word, ends of sentences, marks of HTML, other ASCII, others.
const KINDS: usize = 32;

/// Of each kind: minus twice the binary logarithm of how often one such byte is met, in base 36.
const FIRST: &[u8; KINDS] = b"9caa8ccb9hfab99bj998ceefdge6eeiv";

/// The same of each kind, behind a byte of the kind of the row.
const BEHIND: [&[u8; KINDS]; KINDS] = [
    b"g999fgbg8ie796ibl776bchebih9hhkz",
    b"9gfh6hdh7bi78g7il86g9jjl7jgchflz",
    b"7hbd5hl8anaadh4glab8bijjflhaghiz",
    b"9gfb5hhf8kdfdf9jjac9dgilcmh5ccix",
    b"ac97bcekanj9c7gdf679icecemk6dfjz",
    b"8gfc88hk7kkdfl4hm5eackhkfkg7hfkz",
    b"bgci6je88lkaa89cmaddbldlhji4ddiz",
    b"6jih4mkl7mkged6ijch8bkglfkl6fflz",
    b"ac98bb9mhmg8959ckc67i8mdmclcjinz",
    b"6gee5effbffe5h7dheag5gghhfgdfmlz",
    b"afcc4gbd6ihdfacged8ddhgifii5dfgz",
    b"7gib6cib5mf8fh7dojaabfjjaml7eijz",
    b"5c9g6idf7jlcdj89jga9dljeemj6eeiz",
    b"9ba87d7jajcehe9eml95bflmelm6dfiz",
    b"geabgacifkea65b9o59a8dbgjbo8flmz",
    b"6jcc6dfbalj8bj7am7abbfibfkk7efkz",
    b"dedededecedb9efbbedc2ddedegbeghz",
    b"9hbb5h8l7ncecb7djc9aceildkl6eejz",
    b"9jah7eha8nge9ha9jh859hgnffl6cgiz",
    b"9hec7dk68omdeg8ap99cblgjbml6degz",
    b"b8ab9g9kbmh7b7dal666lfmaijl9gioz",
    b"8hee2jeh6kkhgjaikhfjgjiiijgahekz",
    b"7igf6gi83kigea8gkaaiikakhki8fjkz",
    b"bgag7ejgbjjfbiiaiie7hiideje7chcz",
    b"bfgfbgjjdkj9ed68jgadgkgjagk3cfhz",
    b"bhhb4gie8jg4ghbihih7highe6gchkjz",
    b"efdaffllklkjiklelkjkllkgll86behz",
    b"899ab9db9efaacabia88de9cdkezkcfx",
    b"df8bgfegckiffb8fmhcdikijklb2igmz",
    b"aabcdafddfidcedblcb9egfiijc4fajz",
    b"abbbbbcdafe9acc9hb8abcdfiid5hgfv",
    b"elhgeihjenkgieihkfdeihlpnnk6jknc",
];

/// How often `literal` is met, in as many places as a `u64` counts; of a long one, once.
pub(crate) fn frequency(literal: &[u8]) -> u64 {
    let first = literal.first().map_or(0, |&byte| rarity(FIRST[kind(byte)]));
    let pairs = literal.windows(2).map(|pair| rarity(BEHIND[kind(pair[0])][kind(pair[1])]));
    1 << (63 - (pairs.fold(first, u32::saturating_add) / 2).min(63))
}

fn rarity(digit: u8) -> u32 {
    char::from(digit).to_digit(36).unwrap_or(0)
}

fn kind(byte: u8) -> usize {
    match byte {
        b'a'..=b'z' => usize::from(byte - b'a'),
        b'0'..=b'9' => 26,
        b' ' | EDGE => 27,
        b'.' | b',' | b';' | b':' | b'!' | b'?' => 28,
        b'<' | b'>' | b'=' | b'"' | b'\'' | b'/' => 29,
        _ if byte.is_ascii() => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_is_told_from_what_is_in_every_text() {
        assert!(frequency(b" the") > 20 * frequency(b"viag"));
        assert!(frequency(b"tion") > 20 * frequency(b"sexy"));
        assert!(frequency(b"the") > frequency(b"them"));
    }
}
