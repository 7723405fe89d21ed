//! What the HTML of a message consists of.

/// What the HTML of a message consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HtmlFacts {
    /// Start tags.
    pub tags: u32,
    /// Start tags with names that HTML doesn't have.
    pub unknown_tags: u32,
    /// Comments; those of Office programs' own are not counted.
    pub comments: u32,
    /// Words broken by a comment or an unknown tag.
    pub broken_words: u32,
    /// Images to be fetched.
    pub images_remote: u32,
    /// Images that came with the message.
    pub images_embedded: u32,
    /// Images to be fetched of 2 × 2 pixels or less.
    pub tracking_pixels: u32,
    /// Forms.
    pub forms: u32,
    /// Inputs for passwords.
    pub password_inputs: u32,
    /// Scripts.
    pub scripts: u32,
    /// Frames, objects and embedded programs.
    pub frames: u32,
    /// Attributes such as `onclick`.
    pub event_handlers: u32,
    /// Elements hidden by their style or attribute, with text in them.
    pub styles_hidden: u32,
    /// Elements with letters too small to read, with text in them.
    pub styles_tiny: u32,
    /// Elements with letters in the colour of their background, with text in them.
    pub styles_invisible_colour: u32,
    /// Whether the page sends its reader elsewhere by itself.
    pub refresh: bool,
    /// Whether relative links have a base.
    pub base: bool,
}

impl HtmlFacts {
    /// Of several HTML parts the sum counts.
    pub(crate) fn add(&mut self, more: Self) {
        self.tags += more.tags;
        self.unknown_tags += more.unknown_tags;
        self.comments += more.comments;
        self.broken_words += more.broken_words;
        self.images_remote += more.images_remote;
        self.images_embedded += more.images_embedded;
        self.tracking_pixels += more.tracking_pixels;
        self.forms += more.forms;
        self.password_inputs += more.password_inputs;
        self.scripts += more.scripts;
        self.frames += more.frames;
        self.event_handlers += more.event_handlers;
        self.styles_hidden += more.styles_hidden;
        self.styles_tiny += more.styles_tiny;
        self.styles_invisible_colour += more.styles_invisible_colour;
        self.refresh |= more.refresh;
        self.base |= more.base;
    }
}
