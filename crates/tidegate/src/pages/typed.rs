//! What stands in the form of choices: typed by a person, read into a policy, and told again in words.
//!
//! Invariant: what was typed is shown as it was typed, right or wrong, and what is wrong is told beside it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tidegate_policy::{Language, Layer, SenderPattern, UserPolicy};

/// Settings by key.
pub(super) type Values = BTreeMap<String, Value>;

/// The bands of the score: threshold, its action, and what they are called.
pub(super) const BANDS: [(&str, &str, &str); 3] = [
    ("tag", "at_tag", "Mail that may be spam"),
    ("quarantine", "at_quarantine", "Mail that is very likely spam"),
    ("reject", "at_reject", "Mail that is spam without doubt"),
];

pub(super) const ACTIONS: [(&str, &str); 5] = [
    ("accept", "Deliver it like any other mail"),
    ("tag", "Deliver it, marked for mail programs"),
    ("tag-subject", "Deliver it, marked in its subject"),
    ("quarantine", "Hold it here"),
    ("reject", "Refuse it"),
];

pub(super) const BULK: [(&str, &str); 5] = [
    ("want", "Deliver them like any other mail"),
    ("tag", "Treat them as mail that may be spam"),
    ("quarantine", "Treat them as mail that is very likely spam"),
    (
        "tag-unwanted",
        "Treat unwanted ones as mail that may be spam: not asked for, or without a way out",
    ),
    ("quarantine-unwanted", "Treat unwanted ones as mail that is very likely spam"),
];

/// Most points that can be asked for, and days that mail can be kept for.
const MOST_POINTS: f64 = 1_000.0;
const MOST_DAYS: u64 = 3_650;

/// The fields of the form.
pub(super) struct Typed(BTreeMap<String, String>);

impl Typed {
    pub(super) fn new(fields: BTreeMap<String, String>) -> Self {
        Self(fields)
    }

    /// What a person would have typed for these values.
    pub(super) fn of(values: &Values) -> Self {
        let text = |(key, value): (&String, &Value)| {
            let text = match (key.as_str(), value) {
                ("digest", Value::String(_)) => String::new(),
                ("languages", value) => names(value).join(", "),
                (_, Value::Array(_)) => words(value).join("\n"),
                (_, Value::String(text)) => text.clone(),
                (_, other) => other.as_f64().map_or_else(|| other.to_string(), |it| it.to_string()),
            };
            (key.clone(), text)
        };
        Self(values.iter().map(text).collect())
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// The values, and in plain words what is wrong with others. A key that the form left out has neither.
    pub(super) fn read(&self) -> (Values, BTreeMap<&'static str, String>) {
        let (mut values, mut errors) = (Values::new(), BTreeMap::new());
        for key in Layer::KEYS {
            let Some(text) = self.0.get(key) else { continue };
            match value(key, text.trim()) {
                Ok(value) => drop(values.insert(key.to_owned(), value)),
                Err(wrong) => drop(errors.insert(key, wrong)),
            }
        }
        for (milder, harder) in [("tag", "quarantine"), ("quarantine", "reject")] {
            let points = |key| values.get(key).and_then(Value::as_f64);
            if let (Some(low), Some(high)) = (points(milder), points(harder))
                && high < low
            {
                let wrong = format!(
                    "This must be {low} or more: the surer it is spam, the more points it has."
                );
                errors.insert(harder, wrong);
            }
        }
        (values, errors)
    }
}

/// The value of what was typed, or why there is none.
fn value(key: &str, text: &str) -> Result<Value, String> {
    match key {
        "filtering" => Ok(json!(text == "true")),
        "tag" | "quarantine" | "reject" => {
            let points = text.replace(',', ".").parse::<f64>().ok();
            let points = points.filter(|points| *points > 0.0 && *points <= MOST_POINTS);
            points.map(|points| json!(points)).ok_or_else(|| {
                format!("Write a number above 0 and up to {MOST_POINTS}, such as 5 or 7.5.")
            })
        }
        "keep_days" => {
            let days = text.parse::<u64>().ok().filter(|days| (1..=MOST_DAYS).contains(days));
            days.map(|days| json!(days))
                .ok_or_else(|| format!("Write a number of days from 1 to {MOST_DAYS}."))
        }
        "digest" if text.is_empty() => Ok(json!("never")),
        "digest" => {
            text.parse::<u8>().map(|hour| json!(hour)).map_err(|_| "Choose one.".to_owned())
        }
        "allowed" | "blocked" => each(text, |it| {
            it.parse::<SenderPattern>().map(|_| it.to_owned()).map_err(|_| {
                format!(
                    "“{it}” is neither a mail address nor a domain. Write it like \
                     friend@example.org or example.org."
                )
            })
        }),
        "languages" => each(text, |it| {
            it.parse::<Language>().map(|language| language.code().to_owned()).map_err(|_| {
                format!("“{it}” is no language that the filter knows; the list below has them all.")
            })
        }),
        "trusted_lists" => each(text, |it| {
            let alone = Layer { trusted_lists: Some(vec![it.to_owned()]), ..Layer::default() };
            match alone.mistakes(&UserPolicy::default()).is_empty() {
                true => Ok(it.trim_matches(['<', '>']).to_lowercase()),
                false => Err(format!(
                    "“{it}” is not the name of a list. It looks like friends.lists.example.org."
                )),
            }
        }),
        // What has no letters but a blank at its end is not trimmed: it divides the mark from the subject.
        "subject_prefix" => {
            let text = format!("{text} ");
            let alone = Layer { subject_prefix: Some(text.clone()), ..Layer::default() };
            match alone.mistakes(&UserPolicy::default()).is_empty() {
                true => Ok(json!(text)),
                false => Err("Write a short word of plain letters, such as [SPAM].".to_owned()),
            }
        }
        _ => Ok(json!(text)),
    }
}

/// A list, a line each or with commas.
fn each(text: &str, read: impl Fn(&str) -> Result<String, String>) -> Result<Value, String> {
    let each = text.split(['\n', '\r', ',', ';']).map(str::trim).filter(|it| !it.is_empty());
    each.map(read).collect::<Result<Vec<_>, _>>().map(|list| json!(list))
}

fn words(value: &Value) -> Vec<String> {
    let each = value.as_array().into_iter().flatten();
    each.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn names(value: &Value) -> Vec<String> {
    let name = |code: String| code.parse().map_or(code, |it: Language| it.name().to_owned());
    words(value).into_iter().map(name).collect()
}

/// Whether two values are the same choice: 5 is 5.0, and a mark is one with or without its blank.
pub(super) fn is_same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let trimmed = |value: &Value| value.as_str().map(|text| text.trim().to_owned());
    match (one, other) {
        (Some(one), Some(other)) => {
            one == other
                || one.as_f64().zip(other.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-4)
                || trimmed(one).is_some_and(|one| Some(one) == trimmed(other))
        }
        (one, other) => one == other,
    }
}

/// What a setting is called where it is told that it was changed.
pub(super) fn name(key: &str) -> &str {
    match key {
        "filtering" => "Filtering",
        "tag" => "May be spam, from points",
        "quarantine" => "Very likely spam, from points",
        "reject" => "Spam without doubt, from points",
        "at_tag" => BANDS[0].2,
        "at_quarantine" => BANDS[1].2,
        "at_reject" => BANDS[2].2,
        "subject_prefix" => "Mark in front of the subject",
        "allowed" => "Always let through",
        "blocked" => "Never let through",
        "languages" => "Languages",
        "trusted_lists" => "Mailing lists",
        "bulk" => "Newsletters",
        "keep_days" => "Days that held mail is kept",
        "digest" => "Daily summary",
        other => other,
    }
}

/// A value in words.
pub(super) fn told(key: &str, value: &Value) -> String {
    let word = |table: &[(&str, &str)]| {
        let found = table.iter().find(|(word, _)| Some(*word) == value.as_str());
        found.map(|(_, words)| (*words).to_owned())
    };
    let found = match key {
        "at_tag" | "at_quarantine" | "at_reject" => word(&ACTIONS),
        "bulk" => word(&BULK),
        _ => None,
    };
    if let Some(words) = found {
        return words;
    }
    match value {
        Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Value::Array(list) if list.is_empty() => match key {
            "languages" => "all".to_owned(),
            _ => "none".to_owned(),
        },
        Value::Array(_) if key == "languages" => names(value).join(", "),
        Value::Array(_) => words(value).join(", "),
        Value::String(text) => text.trim().to_owned(),
        hour if key == "digest" => format!("at {hour}:00"),
        other => other.as_f64().map_or_else(|| other.to_string(), |it| it.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Typed {
        Typed::new(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    #[test]
    fn what_is_typed_for_a_value_is_read_as_that_value() {
        let values = serde_json::to_value(Layer::from(&UserPolicy {
            subject_prefix: "[X] ".into(),
            allowed: [("a@b.example".parse()).unwrap(), ("c.example".parse()).unwrap()].into(),
            languages: ["de".parse().unwrap(), "no".parse().unwrap()].into(),
            digest: Some(7),
            ..UserPolicy::default()
        }));
        let values: Values = serde_json::from_value(values.unwrap()).unwrap();
        let typed = Typed::of(&values);
        assert_eq!((typed.text("languages"), typed.text("tag")), ("German, Norwegian", "5"));
        let (read, errors) = typed.read();
        assert_eq!(errors, BTreeMap::new());
        for (key, value) in &values {
            assert!(is_same(read.get(key), Some(value)), "{key}: {:?} {value}", read.get(key));
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_field() {
        for (text, key, words) in [
            ("tag=lots", "tag", "above 0"),
            ("reject=-1", "reject", "above 0"),
            ("tag=nan", "tag", "above 0"),
            ("tag=9&quarantine=8,5", "quarantine", "9 or more"),
            ("allowed=a.example%0D%0Afriend", "allowed", "“friend” is neither"),
            ("languages=German,+Klingon", "languages", "“Klingon”"),
            ("trusted_lists=my+friends", "trusted_lists", "lists.example.org"),
            ("keep_days=0", "keep_days", "1 to 3650"),
            ("subject_prefix=", "subject_prefix", "[SPAM]"),
            ("digest=noon", "digest", "Choose"),
        ] {
            let (_, errors) = form(text).read();
            assert!(errors.len() == 1 && errors[key].contains(words), "{text}: {errors:?}");
        }
    }

    #[test]
    fn every_setting_has_a_name_and_every_value_words() {
        let values = serde_json::to_value(Layer::from(&UserPolicy::default())).unwrap();
        for key in Layer::KEYS {
            assert!(name(key).starts_with(char::is_uppercase), "{key}");
            assert!(!told(key, &values[key]).is_empty(), "{key}");
        }
        assert_eq!(told("at_tag", &json!("quarantine")), "Hold it here");
        assert_eq!(told("digest", &json!(7)), "at 7:00");
    }
}
