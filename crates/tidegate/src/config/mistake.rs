//! A mistake in the configuration: where it is, what is wrong, and what to write instead.
//!
//! Invariant: one line a mistake, and each says what would be right.

use std::fmt;

use tidegate_signal::nearest;

use super::source::Place;

/// One mistake. Displays as `file:line:column: what; remedy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Where.
    pub(crate) place: Place,
    /// What is wrong.
    pub(crate) what: String,
    /// What to write instead; may be empty where `what` says it.
    pub(crate) remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}

/// Everything found while a configuration was read and built.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What keeps it from being used.
    pub(crate) mistakes: Vec<Mistake>,
    /// What is allowed, and most likely not meant.
    pub(crate) warnings: Vec<Mistake>,
    /// Where something is no TOML; what is found on these lines afterwards only follows from that.
    broken: Vec<Mistake>,
    /// Lines of which the same is true as a whole.
    following: Vec<Place>,
}

impl Findings {
    /// Notes that something is no TOML.
    pub(crate) fn syntax(&mut self, place: Place, what: String, remedy: &str) {
        let mistake = Mistake { place, what, remedy: remedy.to_owned() };
        self.broken.push(mistake.clone());
        self.mistakes.push(mistake);
    }

    /// Notes that what is found on the line of `place` follows from something that is no TOML.
    pub(crate) fn follows(&mut self, place: Place) {
        self.following.push(place);
    }

    /// Notes a mistake.
    pub(crate) fn mistake(
        &mut self,
        place: Place,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.mistakes.push(Mistake { place, what: what.into(), remedy: remedy.into() });
    }

    /// Notes a warning.
    pub(crate) fn warning(
        &mut self,
        place: Place,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.warnings.push(Mistake { place, what: what.into(), remedy: remedy.into() });
    }

    /// The mistakes in the order of the files and lines, when there are any.
    pub(crate) fn into_mistakes(mut self) -> Vec<Mistake> {
        let Self { broken, following, .. } = self;
        let lines: Vec<&Place> = broken.iter().map(|it| &it.place).chain(&following).collect();
        self.mistakes.retain(|mistake| {
            broken.contains(mistake) || lines.iter().all(|line| !line.is_on_line_of(&mistake.place))
        });
        self.mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        self.mistakes.dedup();
        self.mistakes
    }
}

/// `did you mean 'x'?` when a known word is near, else the whole list of them.
pub(crate) fn suggest<'a>(
    word: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    kind: &str,
) -> String {
    match nearest(word, known.clone()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("{kind}: {}", known.collect::<Vec<_>>().join(", ")),
    }
}
