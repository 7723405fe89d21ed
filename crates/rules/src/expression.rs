//! Meta rules: `A and not (B or C) and count(D, E, F) >= 2`.
//!
//! `or` binds least, then `and`, then `not`; `count` compares how many of its items hold.
//! Invariant: an expression nests at most [`DEEPEST`] levels, so reading and judging one is bounded.

use std::ops::Range;

/// An expression over names of type `N`: as written they are words, as run they are places in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression<N> {
    Name(N),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Count { of: Vec<Self>, at_least: usize, at_most: usize },
}

/// A name as written, and where it stands in the expression's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) name: String,
    pub(crate) at: Range<usize>,
}

/// Why an expression can't be read, at a byte of its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) at: Range<usize>,
    pub(crate) what: String,
    pub(crate) remedy: &'static str,
}

/// Nobody writes deeper; a hostile file could.
const DEEPEST: usize = 32;

impl Expression<Word> {
    pub(crate) fn parse(text: &str) -> Result<Self, Unreadable> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        let whole = parser.any()?;
        match parser.peek() {
            (Token::End, _) => Ok(whole),
            (_, at) => Err(parser.unexpected(at, "join the parts with 'and' or 'or'")),
        }
    }
}

impl<N> Expression<N> {
    /// Whether it holds, when `holds` says so of each name.
    pub(crate) fn eval(&self, holds: &impl Fn(&N) -> bool) -> bool {
        match self {
            Self::Name(name) => holds(name),
            Self::Not(inner) => !inner.eval(holds),
            Self::All(parts) => parts.iter().all(|part| part.eval(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.eval(holds)),
            Self::Count { of, at_least, at_most } => {
                let count = of.iter().filter(|item| item.eval(holds)).count();
                (*at_least..=*at_most).contains(&count)
            }
        }
    }

    /// Every name in it, in the order in which they are written.
    pub(crate) fn names<'e>(&'e self, found: &mut Vec<&'e N>) {
        match self {
            Self::Name(name) => found.push(name),
            Self::Not(inner) => inner.names(found),
            Self::All(parts) | Self::Any(parts) | Self::Count { of: parts, .. } => {
                parts.iter().for_each(|part| part.names(found));
            }
        }
    }

    /// The same expression over other names.
    pub(crate) fn map<M>(self, to: &mut impl FnMut(N) -> M) -> Expression<M> {
        let mut each =
            |parts: Vec<Self>| parts.into_iter().map(|part| part.map(&mut *to)).collect();
        match self {
            Self::All(parts) => Expression::All(each(parts)),
            Self::Any(parts) => Expression::Any(each(parts)),
            Self::Count { of, at_least, at_most } => {
                Expression::Count { of: each(of), at_least, at_most }
            }
            Self::Name(name) => Expression::Name(to(name)),
            Self::Not(inner) => Expression::Not(Box::new(inner.map(to))),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Word(&'t str),
    /// One of `(`, `)`, `,`.
    Mark(u8),
    /// One of `<`, `<=`, `=`, `==`, `>=`, `>`.
    Compare(&'t str),
    Other,
    End,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Expression<Word>, Unreadable> {
        self.joined("or", Self::all, Expression::Any)
    }

    fn all(&mut self) -> Result<Expression<Word>, Unreadable> {
        self.joined("and", Self::one, Expression::All)
    }

    fn joined(
        &mut self,
        word: &str,
        part: fn(&mut Self) -> Result<Expression<Word>, Unreadable>,
        join: fn(Vec<Expression<Word>>) -> Expression<Word>,
    ) -> Result<Expression<Word>, Unreadable> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take(Token::Word(word)) {
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { join(parts) })
    }

    fn one(&mut self) -> Result<Expression<Word>, Unreadable> {
        let (token, at) = self.peek();
        if self.depth >= DEEPEST {
            return Err(self.fail(at, "it nests too deep", "name a part of it as a private rule"));
        }
        self.depth += 1;
        self.at = at.end;
        let one = match token {
            Token::Word("not") => Expression::Not(Box::new(self.one()?)),
            Token::Word("count") => self.count()?,
            Token::Word("and" | "or") => {
                return Err(self.unexpected(at, "a name stands on both sides of it"));
            }
            Token::Word("AND" | "OR" | "NOT" | "COUNT") => {
                return Err(self.unexpected(at, "write it in small letters"));
            }
            Token::Word(name) => Expression::Name(Word { name: name.to_owned(), at }),
            Token::Mark(b'(') => {
                let inner = self.any()?;
                self.expect(b')')?;
                inner
            }
            _ => return Err(self.unexpected(at, "write the name of a rule or signal here")),
        };
        self.depth -= 1;
        Ok(one)
    }

    fn count(&mut self) -> Result<Expression<Word>, Unreadable> {
        self.expect(b'(')?;
        let mut of = vec![self.any()?];
        while self.take(Token::Mark(b',')) {
            of.push(self.any()?);
        }
        self.expect(b')')?;
        let (compare, at) = self.peek();
        self.at = at.end;
        let (number, number_at) = self.peek();
        self.at = number_at.end;
        let number = match number {
            Token::Word(digits) => digits.parse::<u16>().ok().map(usize::from),
            _ => None,
        };
        let remedy = "write count(A, B, C) >= 2";
        if !matches!(compare, Token::Compare(_)) {
            return Err(self.fail(at, "count is compared with nothing", remedy));
        }
        let Some(number) = number else {
            return Err(self.fail(number_at, "count is compared with no number", remedy));
        };
        let (at_least, at_most) = match compare {
            Token::Compare(">=") => (number, usize::MAX),
            Token::Compare(">") => (number + 1, usize::MAX),
            Token::Compare("<=") => (0, number),
            Token::Compare("<") if number > 0 => (0, number - 1),
            Token::Compare("=" | "==") => (number, number),
            _ => return Err(self.fail(at, "count can't be compared like this", remedy)),
        };
        if at_least > of.len() {
            return Err(self.fail(number_at, "count can't reach this number", remedy));
        }
        Ok(Expression::Count { of, at_least, at_most })
    }

    fn expect(&mut self, mark: u8) -> Result<(), Unreadable> {
        if self.take(Token::Mark(mark)) {
            return Ok(());
        }
        let (_, at) = self.peek();
        Err(self.unexpected(at, if mark == b'(' { "write '(' here" } else { "close the '('" }))
    }

    fn take(&mut self, wanted: Token<'_>) -> bool {
        let (token, at) = self.peek();
        let found = token == wanted;
        if found {
            self.at = at.end;
        }
        found
    }

    fn peek(&self) -> (Token<'t>, Range<usize>) {
        let text: &'t str = self.text;
        let rest = text[self.at..].trim_start();
        let start = text.len() - rest.len();
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let compare = rest.find(|c: char| !matches!(c, '<' | '=' | '>')).unwrap_or(rest.len());
        let (token, length) = match rest.chars().next() {
            None => (Token::End, 0),
            Some(mark @ ('(' | ')' | ',')) => (Token::Mark(mark as u8), 1),
            Some(_) if word > 0 => (Token::Word(&rest[..word]), word),
            Some(_) if compare > 0 => (Token::Compare(&rest[..compare]), compare),
            Some(other) => (Token::Other, other.len_utf8()),
        };
        (token, start..start + length)
    }

    fn unexpected(&self, at: Range<usize>, remedy: &'static str) -> Unreadable {
        let what = match &self.text[at.clone()] {
            "" => "the expression ends too early".to_owned(),
            found => format!("'{found}' can't stand here"),
        };
        self.fail(at, what, remedy)
    }

    fn fail(&self, at: Range<usize>, what: impl Into<String>, remedy: &'static str) -> Unreadable {
        Unreadable { at, what: what.into(), remedy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, held: &[&str], expect: bool) {
        let expression = Expression::parse(text).unwrap();
        assert_eq!(expression.eval(&|word| held.contains(&word.name.as_str())), expect, "{text}");
    }

    #[test]
    fn an_expression_holds_as_it_reads() {
        check("A", &["A"], true);
        check("not A", &["A"], false);
        check("A or B and C", &["A"], true);
        check("(A or B) and C", &["A"], false);
        check("A and not (B or C)", &["A"], true);
        check("A and not (B or C)", &["A", "C"], false);
        check("not not A", &["A"], true);
    }

    #[test]
    fn count_compares_how_many_hold() {
        let held = ["A", "B"];
        for (compare, expect) in [
            (">= 2", true),
            (">= 3", false),
            ("> 1", true),
            ("> 2", false),
            ("<= 2", true),
            ("< 2", false),
            ("= 2", true),
            ("==1", false),
        ] {
            check(&format!("count(A, B, C) {compare}"), &held, expect);
        }
        check("count(A and B, not C, D) >= 2 and A", &held, true);
    }

    #[test]
    fn a_mistake_is_told_where_it_is() {
        for (text, at, what) in [
            ("", 0, "ends too early"),
            ("A B", 2, "'B' can't stand here"),
            ("A and", 5, "ends too early"),
            ("A AND B", 2, "'AND'"),
            ("(A or B", 7, "ends too early"),
            ("A + B", 2, "'+'"),
            ("count(A, B)", 11, "with nothing"),
            ("count(A, B) 2", 12, "with nothing"),
            ("count(A, B) >= C", 15, "no number"),
            ("count(A, B) >= 3", 15, "can't reach"),
            ("count(A) < 0", 9, "like this"),
            ("and A", 0, "'and'"),
        ] {
            let error = Expression::parse(text).unwrap_err();
            assert_eq!(error.at.start, at, "{text}: {error:?}");
            assert!(error.what.contains(what), "{text}: {error:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_recursed_into() {
        for open in ["(", "not ", "count("] {
            let error = Expression::parse(&open.repeat(100_000)).unwrap_err();
            assert_eq!(error.what, "it nests too deep");
        }
    }
}
