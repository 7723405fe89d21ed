//! The documented file and the types of the settings say the same.

use serde::de::{self, Deserialize, Visitor};
use serde::forward_to_deserialize_any;

use super::*;

fn defaults(text: &str) -> Settings {
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let source = sources.add(Kind::BuiltIn("tidegate.toml"), text.to_owned());
    let mut root = tree::parse(&sources, source, text, &mut findings);
    let written = root.clone();
    let settings = Settings::read(&mut root, &written, &sources, &mut findings);
    assert!(findings.mistakes.is_empty(), "{:#?}", findings.mistakes);
    settings
}

#[test]
fn the_documented_defaults_are_those_of_the_types() {
    let (documented, built_in) = (defaults(built_in::DEFAULTS), Settings::default());
    assert_eq!(documented.server, built_in.server);
    assert_eq!(documented.milter, built_in.milter);
    assert_eq!(documented.http, built_in.http);
    assert_eq!(documented.dns, built_in.dns);
    assert_eq!(documented.store, built_in.store);
    assert_eq!(documented.quarantine, built_in.quarantine);
    assert_eq!(documented.message, built_in.message);
    assert_eq!(documented.rules, built_in.rules);
    assert_eq!(documented.log, built_in.log);
    assert_eq!(documented.journal, built_in.journal);
    assert_eq!(documented.shadow, built_in.shadow);
    assert_eq!(documented.guard, built_in.guard);
    assert_eq!(documented.correspondents, built_in.correspondents);
    assert_eq!(documented.policy, built_in.policy);
    assert_eq!(documented.lists.enabled, built_in.lists.enabled);
    assert_eq!(documented.trust.enabled, built_in.trust.enabled);
    assert!(documented.network.trusted.is_empty());
    let policy = tidegate_policy::Policy::try_from(&documented.verdict).unwrap();
    assert_eq!(policy, tidegate_policy::Policy::default(), "caps and thresholds");
    let verdict = tidegate_policy::Config { caps: Default::default(), ..documented.verdict };
    assert_eq!(verdict, built_in.verdict);
}

#[test]
fn every_setting_is_documented() {
    documented::<settings::Server>("server");
    documented::<tidegate_milter::Config>("milter");
    documented::<settings::Http>("http");
    documented::<tidegate_dns::Config>("dns");
    documented::<settings::Store>("store");
    documented::<tidegate_policy::Config>("verdict");
    documented::<tidegate_policy::guard::Config>("guard");
    documented::<tidegate_policy::correspondents::Config>("correspondents");
    documented::<tidegate_quarantine::Config>("quarantine");
    documented::<tidegate_quarantine::DigestConfig>("quarantine.digest");
    documented::<policies::PolicySettings>("policy");
    documented::<tidegate_policy::Layer>("policy.default");
    documented::<settings::Networks>("network");
    documented::<settings::Rules>("rules");
    documented::<settings::Statistics>("statistics");
    documented::<tidegate_bayes::AutoLearn>("statistics.auto_learn");
    documented::<tidegate_bayes::Limits>("statistics.learning");
    documented::<tidegate_mail::Bounds>("message");
    documented::<crate::journal::Config>("journal");
    documented::<crate::shadow::Config>("shadow");
    documented::<settings::Log>("log");
    for section in settings::SECTIONS {
        assert!(
            built_in::DEFAULTS.contains(&format!("[{section}")),
            "[{section}] is not documented"
        );
    }
}

/// Each field of `T` stands in its section, switched off by a `#` or not.
#[track_caller]
fn documented<T: for<'de> Deserialize<'de>>(section: &str) {
    let mut rest = built_in::DEFAULTS.lines().skip_while(|line| *line != format!("[{section}]"));
    rest.next();
    let lines: Vec<&str> = rest.take_while(|line| !line.starts_with('[')).collect();
    for field in fields_of::<T>() {
        let is_it = |line: &&str| {
            line.trim_start_matches(['#', ' '])
                .strip_prefix(field)
                .is_some_and(|l| l.starts_with(" ="))
        };
        let has_table = built_in::DEFAULTS.contains(&format!("\n[{section}.{field}]\n"));
        assert!(lines.iter().any(is_it) || has_table, "[{section}] {field} is not documented");
    }
}

/// The names of the fields of a struct, as it asks a deserializer for them.
fn fields_of<T: for<'de> Deserialize<'de>>() -> &'static [&'static str] {
    struct Fields<'f>(&'f mut &'static [&'static str]);

    impl<'de> de::Deserializer<'de> for Fields<'_> {
        type Error = de::value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(de::Error::custom("no struct"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            Err(de::Error::custom("seen"))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
            ignored_any
        }
    }

    let mut fields: &'static [&'static str] = &[];
    let _ = T::deserialize(Fields(&mut fields));
    assert!(!fields.is_empty(), "{} has fields", std::any::type_name::<T>());
    fields
}

#[test]
fn the_built_in_configuration_has_no_mistake() {
    let options = Options { offline: true, ..Options::default() };
    match load(&options) {
        Ok(loaded) => assert_eq!(loaded.warnings, []),
        Err(mistakes) => panic!("{mistakes:#?}"),
    }
}
