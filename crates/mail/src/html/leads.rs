//! Where the links of a page lead.

use std::borrow::Cow;

use super::tag::{Attribute, Tag};
use super::token::{Token, Tokens};
use super::{Anchor, Renderer};
use crate::defects::Defect;
use crate::links::LinkKind;
use crate::unseen::seen;
use crate::url::Url;

/// Bytes of a link's text.
const LONGEST_LINK_TEXT: usize = 200;
/// Bytes of a base: each relative link is joined to it, and only its host matters.
const LONGEST_BASE: usize = 512;

impl Renderer<'_> {
    /// Takes up where the tag leads.
    pub(super) fn follow(&mut self, tag: &Tag<'_>) {
        match tag.name.letters() {
            b"a" => {
                self.end_anchor();
                let url = tag.get(Attribute::Href).and_then(|href| self.url(&href));
                self.anchor = Some(Anchor { url, begin: self.visible.len() });
            }
            b"area" => self.link(tag, Attribute::Href, LinkKind::Href),
            b"base" => {
                self.facts.base = true;
                let cut =
                    |base: Cow<'_, str>| base[..base.floor_char_boundary(LONGEST_BASE)].to_owned();
                self.base = self.base.take().or_else(|| tag.get(Attribute::Href).map(cut));
            }
            b"form" => self.link(tag, Attribute::Action, LinkKind::Form),
            b"img" | b"input" => self.link(tag, Attribute::Src, LinkKind::Image),
            b"body" | b"table" | b"td" | b"tr" => {
                self.link(tag, Attribute::Background, LinkKind::Image)
            }
            b"iframe" | b"frame" | b"embed" => self.link(tag, Attribute::Src, LinkKind::Frame),
            b"object" => self.link(tag, Attribute::Data, LinkKind::Frame),
            b"meta" => self.refresh(tag),
            _ => {}
        }
    }

    fn link(&mut self, tag: &Tag<'_>, attribute: Attribute, kind: LinkKind) {
        if let Some(url) = tag.get(attribute).and_then(|reference| self.url(&reference))
            && !url.text.starts_with("cid:")
            && !(kind == LinkKind::Image && url.text.starts_with("data:"))
        {
            self.links.add(url, kind, None, self.defects);
        }
    }

    /// `<meta http-equiv=refresh content="0; url=http://…">`
    fn refresh(&mut self, tag: &Tag<'_>) {
        let is_refresh = tag
            .get(Attribute::HttpEquiv)
            .is_some_and(|it| it.trim().eq_ignore_ascii_case("refresh"));
        let content = tag.get(Attribute::Content).unwrap_or_default();
        let Some((_, target)) = content.split_once('=').filter(|_| is_refresh) else { return };
        self.facts.refresh = true;
        if let Some(url) = self.url(target.trim().trim_matches(['\'', '"'])) {
            self.links.add(url, LinkKind::Refresh, None, self.defects);
        }
    }

    fn url(&mut self, reference: &str) -> Option<Url> {
        if self.links.is_full() {
            self.defects.note(Defect::LinksCut);
            return None;
        }
        Url::parse(reference, self.base.as_deref())
    }

    pub(super) fn end_anchor(&mut self) {
        let Some(Anchor { url, begin }) = self.anchor.take() else { return };
        let end = self.visible.len();
        // Only the link's claim was between: elements that end may have taken blanks off.
        let text = self.visible.get(begin.min(end)..).unwrap_or_default();
        if let Some(url) = url {
            let text = seen(text, LONGEST_LINK_TEXT);
            self.links.add(url, LinkKind::Href, Some(&text), self.defects);
            self.anchored.push((begin.min(end), end));
        }
    }

    /// Programs make links of what is written out, too.
    pub(super) fn links_outside_anchors(&mut self) {
        let mut from = self.begin;
        let ends = [(self.visible.len(), self.visible.len())];
        for &(begin, end) in self.anchored.iter().chain(&ends) {
            if let Some(between) = self.visible.get(from..begin) {
                self.links.in_text(between, self.defects);
            }
            from = end;
        }
    }

    /// Outlook reads what stands between `<!--[if mso]>` and `<![endif]-->`: mostly frames and buttons for it, which say
    /// what the page says. So only where they lead is taken up.
    pub(super) fn links_of_a_condition(&mut self, text: &str) {
        let mut tag = None;
        for token in Tokens::of(text) {
            match token {
                Token::Start(name) => tag = Some(Tag::new(name)),
                Token::Attribute(name, value) => {
                    if let Some(tag) = &mut tag {
                        tag.add(name, value);
                    }
                }
                Token::StartEnd { .. } => {
                    if let Some(tag) = tag.take().filter(|tag| tag.has(Attribute::Href)) {
                        self.link(&tag, Attribute::Href, LinkKind::Href);
                    }
                }
                _ => {}
            }
        }
    }
}
