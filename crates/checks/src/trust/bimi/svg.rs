//! The picture of a mark: out of its `data:` URI (RFC 2397), and within the limits of SVG Tiny Portable/Secure
//! (draft-svg-tiny-ps-abrotman): no script, nothing from outside, nothing that moves.
//!
//! Invariant: what is read, expanded and walked through is bounded, whatever was compressed into it.

use std::io::Read;

use data_encoding::BASE64;
use flate2::read::GzDecoder;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

/// Bytes of a picture, expanded. The draft asks for 32 KiB at most; certifiers have let larger ones pass.
const MOST_BYTES: usize = 128 * 1_024;
/// Elements of a picture, how deep they may lie in each other, and attributes of one.
const MOST_ELEMENTS: usize = 20_000;
const DEEPEST: usize = 64;
const MOST_ATTRIBUTES: usize = 100;
/// Letters of a title.
const LONGEST_TITLE: usize = 256;

const NAMESPACE: &[u8] = b"http://www.w3.org/2000/svg";
/// How compressed data begins (RFC 1952).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Elements that the profile has.
const ELEMENTS: [&str; 25] = [
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "mask",
    "metadata",
    "path",
    "pattern",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "solidColor",
    "stop",
    "svg",
    "switch",
    "tbreak",
    "text",
    "textArea",
    "title",
    "use",
];
/// Elements that do something, show something from elsewhere or lead somewhere.
const ACTIVE: [&str; 17] = [
    "a",
    "animate",
    "animateColor",
    "animateMotion",
    "animateTransform",
    "animation",
    "audio",
    "discard",
    "foreignObject",
    "handler",
    "iframe",
    "image",
    "listener",
    "prefetch",
    "script",
    "set",
    "video",
];

/// What is wrong with a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// It does something, or shows something from elsewhere.
    Active(&'static str),
    /// It is not of the profile, and harmless.
    OutsideProfile(&'static str),
}

/// The bytes that a `data:` URI carries.
///
/// # Errors
/// When it is none, or too much.
pub(super) fn carried(location: &str) -> Result<Vec<u8>, &'static str> {
    let is_data = location.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
    let (about, data) = location
        .get(5..)
        .filter(|_| is_data)
        .and_then(|rest| rest.split_once(','))
        .ok_or("the logotype is not in the certificate itself")?;
    if !about.to_ascii_lowercase().ends_with(";base64") {
        return Err("the logotype is not in base64");
    }
    // Four letters carry three bytes.
    if data.len() / 4 * 3 > MOST_BYTES {
        return Err("the logotype is too large");
    }
    BASE64.decode(data.as_bytes()).map_err(|_| "the logotype is not in base64")
}

/// The document, expanded where it is compressed.
///
/// # Errors
/// When it can't be, or is too large.
pub(super) fn expanded(carried: &[u8]) -> Result<Vec<u8>, &'static str> {
    if !carried.starts_with(&GZIP) {
        return Ok(carried.to_vec());
    }
    let mut document = Vec::new();
    let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX);
    let mut bounded = GzDecoder::new(carried).take(most + 1);
    bounded.read_to_end(&mut document).map_err(|_| "the logotype can't be expanded")?;
    if document.len() > MOST_BYTES {
        return Err("the logotype is too large");
    }
    Ok(document)
}

/// Looks at a document by the limits of the profile; its title.
///
/// # Errors
/// The first thing that is wrong, the worst kind before the other where both are seen.
pub fn inspect(document: &[u8]) -> Result<String, Unfit> {
    use Unfit::{Active, OutsideProfile};
    if document.len() > MOST_BYTES {
        return Err(OutsideProfile("the picture is too large"));
    }
    let text =
        std::str::from_utf8(document).map_err(|_| OutsideProfile("the picture is not in UTF-8"))?;
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{feff}'));
    let mut walk = Walk::default();
    loop {
        let (namespace, event) =
            reader.read_resolved_event().map_err(|_| OutsideProfile("the picture is no XML"))?;
        match event {
            Event::Start(element) => {
                walk.element(&namespace, &element)?;
                walk.depth += 1;
            }
            Event::Empty(element) => walk.element(&namespace, &element)?,
            Event::End(_) => {
                walk.depth = walk.depth.saturating_sub(1);
                walk.in_title = false;
            }
            Event::Text(text) => walk.text(&String::from_utf8_lossy(&text)),
            Event::CData(text) => walk.text(&String::from_utf8_lossy(&text)),
            // Entities are how a document grows, or reads files.
            Event::DocType(_) => return Err(OutsideProfile("the picture has a document type")),
            Event::GeneralRef(name) => {
                let known = [&b"amp"[..], b"lt", b"gt", b"quot", b"apos"];
                if !name.is_char_ref() && !known.contains(&&name[..]) {
                    return Err(OutsideProfile("the picture has entities"));
                }
            }
            Event::PI(instruction) if instruction.starts_with(b"xml-stylesheet") => {
                return Err(Active("the picture has a style sheet from elsewhere"));
            }
            Event::PI(_) | Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof => break,
        }
    }
    match walk {
        Walk { depth: 1.., .. } => Err(OutsideProfile("the picture is no XML")),
        Walk { elements: 0, .. } => Err(OutsideProfile("the picture is no SVG")),
        Walk { foreign: Some(why), .. } => Err(OutsideProfile(why)),
        Walk { title, .. } if title.trim().is_empty() => {
            Err(OutsideProfile("the picture has no title"))
        }
        Walk { title, .. } => Ok(title.trim().to_owned()),
    }
}

/// How far a document was read.
#[derive(Default)]
struct Walk {
    elements: usize,
    depth: usize,
    /// In the title of the whole.
    in_title: bool,
    title: String,
    /// The first thing that the profile doesn't have.
    foreign: Option<&'static str>,
}

impl Walk {
    fn element(
        &mut self,
        namespace: &ResolveResult<'_>,
        element: &BytesStart<'_>,
    ) -> Result<(), Unfit> {
        self.elements += 1;
        if self.elements > MOST_ELEMENTS || self.depth >= DEEPEST {
            return Err(Unfit::OutsideProfile("the picture has too many elements"));
        }
        // XML 1.0, sections 2.3 and 3.1: neither names nor values have one, and what a lenient reader would make of
        // it is anybody's guess.
        if element.contains(&b'<') {
            return Err(Unfit::OutsideProfile("the picture is no XML"));
        }
        let local = element.local_name();
        let name = std::str::from_utf8(local.as_ref()).unwrap_or_default();
        // By its name alone: a reader that knows no namespaces must not be misled.
        if ACTIVE.iter().any(|active| active.eq_ignore_ascii_case(name)) {
            return Err(Unfit::Active("the picture has script, moves or shows what is elsewhere"));
        }
        let is_svg =
            matches!(namespace, ResolveResult::Bound(bound) if bound.as_ref() == NAMESPACE);
        let is_root = self.elements == 1;
        if is_root && !(is_svg && name == "svg") {
            return Err(Unfit::OutsideProfile("the picture is no SVG"));
        }
        if is_svg && !ELEMENTS.contains(&name) {
            self.foreign.get_or_insert("the picture has an element that the profile hasn't");
        }
        self.attributes(element, is_root)?;
        self.in_title = self.depth == 1 && is_svg && name == "title" && self.title.is_empty();
        Ok(())
    }

    fn attributes(&mut self, element: &BytesStart<'_>, is_root: bool) -> Result<(), Unfit> {
        let (mut version, mut profile) = (false, false);
        // Names that stand twice are looked at twice; comparing each with each is not bounded.
        for (count, attribute) in element.attributes().with_checks(false).enumerate() {
            let broken = Unfit::OutsideProfile("the picture is no XML");
            let attribute = attribute.map_err(|_| broken)?;
            if count >= MOST_ATTRIBUTES {
                return Err(Unfit::OutsideProfile("an element has too many attributes"));
            }
            let local = attribute.key.local_name();
            let name = std::str::from_utf8(local.as_ref()).unwrap_or_default().to_ascii_lowercase();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| broken)?;
            let is_namespace = attribute.key.as_namespace_binding().is_some();
            if name.starts_with("on") {
                return Err(Unfit::Active("the picture has script"));
            }
            if !is_namespace && leads_out(&name, &value) {
                return Err(Unfit::Active("the picture shows what is elsewhere"));
            }
            version |= name == "version" && value == "1.2";
            profile |= name == "baseprofile" && value == "tiny-ps";
            if is_root && matches!(name.as_str(), "x" | "y") {
                self.foreign.get_or_insert("the picture has a place");
            }
        }
        if is_root && !(version && profile) {
            self.foreign.get_or_insert("the picture is not said to be of the profile tiny-ps");
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.in_title {
            self.title
                .extend(text.chars().take(LONGEST_TITLE - self.title.len().min(LONGEST_TITLE)));
        }
    }
}

/// Whether an attribute names something outside of the document.
fn leads_out(name: &str, value: &str) -> bool {
    let value = value.trim_ascii().to_ascii_lowercase();
    let is_reference = matches!(name, "href" | "src");
    let mut within =
        value.split("url(").skip(1).map(|rest| rest.trim_start_matches([' ', '"', '\'']));
    is_reference && !value.starts_with('#')
        || within.any(|target| !target.starts_with('#'))
        || value.contains("javascript:")
        || value.contains("@import")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::SVG;
    use super::*;

    #[track_caller]
    fn check(document: &str, expect: Result<&str, bool>) {
        let found = inspect(document.as_bytes());
        let short = found.as_deref().map_err(|unfit| matches!(unfit, Unfit::Active(_)));
        assert_eq!(short, expect, "{found:?}: {document}");
    }

    fn with(content: &str) -> String {
        SVG.replace("</svg>", &format!("{content}</svg>"))
    }

    const ACTIVE: Result<&str, bool> = Err(true);
    const OUTSIDE: Result<&str, bool> = Err(false);

    #[test]
    fn a_picture_of_the_profile_is_fit() {
        check(SVG, Ok("Shop"));
        check(&format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{SVG}"), Ok("Shop"));
        check(
            &with("<defs><linearGradient id='g'><stop offset='0'/></linearGradient></defs>"),
            Ok("Shop"),
        );
        check(&with("<path fill='url(#g)'/><use href='#g'/>"), Ok("Shop"));
        check(&with("<g><title>of a part</title></g><!-- drawn by hand -->"), Ok("Shop"));
    }

    #[test]
    fn nothing_acts_and_nothing_comes_from_elsewhere() {
        for active in [
            "<script>alert(1)</script>",
            "<s:script xmlns:s='http://www.w3.org/2000/svg'/>",
            "<g onload='alert(1)'/>",
            "<animate attributeName='x'/>",
            "<image href='https://tracker.example/'/>",
            "<use href='https://tracker.example/#x'/>",
            "<use xlink:href='data:image/svg+xml;base64,AAAA' xmlns:xlink='http://www.w3.org/1999/xlink'/>",
            "<path fill='url(https://tracker.example/)'/>",
            "<path fill='url&#40;https://tracker.example/)'/>",
            "<path style=\"fill: URL( 'https://tracker.example/')\"/>",
            "<a href='#x'><path/></a>",
            "<foreignObject/>",
        ] {
            check(&with(active), ACTIVE);
        }
    }

    #[test]
    fn what_is_not_of_the_profile_is_told() {
        check("", OUTSIDE);
        check("hello", OUTSIDE);
        check("<html/>", OUTSIDE);
        check("<svg/>", OUTSIDE);
        check(&SVG.replace("tiny-ps", "tiny"), OUTSIDE);
        check(&SVG.replace("1.2", "1.1"), OUTSIDE);
        check(&SVG.replace("<title>Shop</title>", ""), OUTSIDE);
        check(&SVG.replace("<title>Shop</title>", "<title> </title>"), OUTSIDE);
        check(&SVG.replace("<svg ", "<svg x='1' "), OUTSIDE);
        check(&with("<filter/>"), OUTSIDE);
        check(&with("&logo;"), OUTSIDE);
        check(&format!("<!DOCTYPE svg [<!ENTITY a 'b'>]>{SVG}"), OUTSIDE);
        check(&with(&"<g>".repeat(DEEPEST)), OUTSIDE);
        check(&with(&"<g/>".repeat(MOST_ELEMENTS)), OUTSIDE);
        check(&with(&" ".repeat(MOST_BYTES)), OUTSIDE);
        check(&with("<g"), OUTSIDE);
        check(&with("<path d='<script>'/>"), OUTSIDE);
        check(&with("<x:g<script/>"), OUTSIDE);
    }

    #[test]
    fn what_is_compressed_is_expanded_within_bounds() {
        use std::io::Write;
        let packed = |bytes: &[u8]| {
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            packed.write_all(bytes).unwrap();
            packed.finish().unwrap()
        };
        let uri = |bytes: &[u8]| format!("data:image/svg+xml;base64,{}", BASE64.encode(bytes));
        let open = |location: &str| carried(location).and_then(|carried| expanded(&carried));
        assert_eq!(open(&uri(&packed(SVG.as_bytes()))).as_deref(), Ok(SVG.as_bytes()));
        assert_eq!(open(&uri(SVG.as_bytes())).as_deref(), Ok(SVG.as_bytes()));
        let bomb = packed(&vec![b' '; 64 << 20]);
        assert!(bomb.len() < MOST_BYTES);
        assert_eq!(open(&uri(&bomb)), Err("the logotype is too large"));
        assert_eq!(open(&uri(&GZIP)), Err("the logotype can't be expanded"));
        assert!(open("https://shop.example/logo.svg").is_err());
        assert!(open("data:image/svg+xml,<svg/>").is_err());
        assert!(open(&uri(&vec![b' '; MOST_BYTES + 8])).is_err());
    }

    proptest! {
        #[test]
        fn any_document_is_looked_at(text in "\\PC{0,200}", tags in "[<>/a-z ='\"#&;!\\[\\]-]{0,200}") {
            let _ = inspect(text.as_bytes());
            let _ = inspect(with(&tags).as_bytes());
            let _ = carried(&text);
            let _ = expanded(&[&GZIP[..], text.as_bytes()].concat());
        }
    }
}
