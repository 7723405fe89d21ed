//! The logotype extension of a certificate (RFC 9399): the picture that the certifier vouches for.
//!
//! Read is the image of the subject, in direct form. Pictures of issuers, of communities, in sound and
//! by reference are not looked at.
//!
//! Invariant: what is read has a digest of a kind that is not broken, and the picture fits it.

use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use x509_parser::asn1_rs::{Any, Class, FromDer, Oid, Tag, oid};

use super::svg;

/// Its object identifier, `id-pe-logotype`.
pub(super) const LOGOTYPE: Oid<'static> = oid!(1.3.6.1.5.5.7.1.12);
/// The one type of picture that mark certificates have, and its name when it is compressed.
const MEDIA_TYPES: [&str; 2] = ["image/svg+xml", "image/svg+xml+gzip"];
/// Digests of one picture that are compared.
const MOST_DIGESTS: usize = 8;

/// A picture as the certificate has it.
#[derive(Debug, PartialEq, Eq)]
struct Image<'c> {
    media_type: &'c str,
    digests: Vec<(Oid<'c>, &'c [u8])>,
    location: &'c str,
}

/// The SVG document of the subject's logotype, its digest compared.
///
/// # Errors
/// What is wrong with the extension, in words.
pub fn subject_svg(extension: &[u8]) -> Result<Vec<u8>, &'static str> {
    let image = subject_image(extension).ok_or("the logotype can't be read")?;
    if !MEDIA_TYPES.iter().any(|known| image.media_type.eq_ignore_ascii_case(known)) {
        return Err("the logotype is no SVG");
    }
    let carried = svg::carried(image.location)?;
    let document = svg::expanded(&carried)?;
    // Compressed data is hashed as it is carried by some certifiers, and expanded by others; either
    // binds the picture.
    let fits = |algorithm: &'static Algorithm, value: &[u8]| {
        [&carried, &document].iter().any(|data| digest(algorithm, data).as_ref() == value)
    };
    let mut known = image
        .digests
        .iter()
        .filter_map(|(name, value)| Some((algorithm(name)?, *value)))
        .peekable();
    if known.peek().is_none() {
        return Err("the logotype has no digest of a kind that is safe");
    }
    match known.all(|(algorithm, value)| fits(algorithm, value)) {
        true => Ok(document),
        false => Err("the logotype is not the one that was certified"),
    }
}

fn algorithm(name: &Oid<'_>) -> Option<&'static Algorithm> {
    let known = [
        (oid!(2.16.840.1.101.3.4.2.1), &SHA256),
        (oid!(2.16.840.1.101.3.4.2.2), &SHA384),
        (oid!(2.16.840.1.101.3.4.2.3), &SHA512),
    ];
    known.into_iter().find(|(oid, _)| oid == name).map(|(_, algorithm)| algorithm)
}

/// `LogotypeExtn`, down to the details of the first image.
fn subject_image(extension: &[u8]) -> Option<Image<'_>> {
    let (logotypes, rest) = sequence(extension)?;
    if !rest.is_empty() {
        return None;
    }
    // subjectLogo [2] EXPLICIT LogotypeInfo; direct [0] LogotypeData
    let info = children(logotypes).find_map(|any| tagged(&any, 2))?;
    let (direct, _) = element(info)?;
    let (images, _) = sequence(tagged(&direct, 0)?)?;
    let (image, _) = sequence(images)?;
    let (details, _) = sequence(image)?;
    let (media_type, rest) = element(details)?;
    let (digests, rest) = sequence(rest)?;
    let (locations, _) = sequence(rest)?;
    let (location, _) = element(locations)?;
    let digests = children(digests).take(MOST_DIGESTS).map(|any| {
        let (algorithm, rest) = sequence(any.data)?;
        let (name, _) = element(algorithm)?;
        let (value, _) = element(rest)?;
        let is_value = value.class() == Class::Universal && value.tag() == Tag::OctetString;
        is_value.then_some((name.oid().ok()?, value.data))
    });
    Some(Image {
        media_type: text(&media_type)?,
        digests: digests.collect::<Option<_>>()?,
        location: text(&location)?,
    })
}

/// The first element of `bytes`, and what follows it.
fn element(bytes: &[u8]) -> Option<(Any<'_>, &[u8])> {
    let (rest, any) = Any::from_der(bytes).ok()?;
    Some((any, rest))
}

/// What is in the sequence that `bytes` begin with, and what follows it.
fn sequence(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (any, rest) = element(bytes)?;
    let is_sequence = any.class() == Class::Universal && any.tag() == Tag::Sequence;
    is_sequence.then_some((any.data, rest))
}

/// The elements of which `bytes` are made, up to one that can't be read.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = Any<'_>> {
    std::iter::from_fn(move || {
        let (any, rest) = element(bytes)?;
        bytes = rest;
        Some(any)
    })
}

/// What is in an element with the context-specific tag `number`.
fn tagged<'c>(any: &Any<'c>, number: u32) -> Option<&'c [u8]> {
    let is_it = any.class() == Class::ContextSpecific && any.tag().0 == number;
    is_it.then_some(any.data)
}

fn text<'c>(any: &Any<'c>) -> Option<&'c str> {
    let is_text = any.class() == Class::Universal && any.tag() == Tag::Ia5String;
    std::str::from_utf8(any.data).ok().filter(|_| is_text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{self, Logo};
    use super::*;

    #[track_caller]
    fn check(logo: &Logo, expect: Result<&str, &str>) {
        let read = subject_svg(&logo.extension());
        assert_eq!(read, expect.map(|text| text.as_bytes().to_vec()));
    }

    #[test]
    fn the_picture_is_the_one_that_was_certified() {
        let good = Logo::default();
        check(&good, Ok(testing::SVG));
        check(&Logo { compressed: false, ..Logo::default() }, Ok(testing::SVG));
        check(&Logo { of_expanded: true, ..Logo::default() }, Ok(testing::SVG));
        let other = Logo { digest_of: Some("another picture".to_owned()), ..Logo::default() };
        check(&other, Err("the logotype is not the one that was certified"));
        let png = Logo { media_type: "image/png", ..Logo::default() };
        check(&png, Err("the logotype is no SVG"));
        let sha1 = Logo { digest_kind: &[1, 3, 14, 3, 2, 26], ..Logo::default() };
        check(&sha1, Err("the logotype has no digest of a kind that is safe"));
    }

    #[test]
    fn what_is_no_logotype_is_refused() {
        let good = Logo::default().extension();
        for length in 0..good.len().min(200) {
            assert!(subject_svg(&good[..length]).is_err(), "{length}");
        }
        assert!(subject_svg(&[&good[..], b"\x05\x00"].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_logotype_or_none(at in 0_usize..300, byte: u8, junk: Vec<u8>) {
            let _ = subject_svg(&junk);
            let mut bytes = Logo::default().extension();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = subject_svg(&bytes);
        }
    }
}
