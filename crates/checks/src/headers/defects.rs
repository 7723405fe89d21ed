//! How the defects of a message become signals: one table a family of them, `headers.form` and
//! `content.form`.
//!
//! Invariant: a defect has one signal, in one of the two tables.

/// Declares a `static` signal for each defect, the list `ALL` of them, `tell`, and `signal`, which finds the
/// one of a defect.
macro_rules! signals_of_defects {
    ($family:expr; $($defect:ident => $name:ident, $score:literal, $says:literal;)*) => {
        $(
            #[doc = $says]
            pub static $name: SignalDef =
                SignalDef::new(stringify!($name), $family, $score, $says);
        )*

        const ALL: &[&SignalDef] = &[$(&$name),*];

        fn signal(defect: Defect) -> Option<&'static SignalDef> {
            match defect {
                $(Defect::$defect => Some(&$name),)*
                _ => None,
            }
        }

        /// Tells those defects of the message that stand in this table.
        fn tell(known: &Known<'_>, signals: &mut Signals) {
            let Some(message) = known.message else { return };
            for def in message.defects().iter().filter_map(|defect| signal(*defect)) {
                signals.raise(def, "");
            }
        }
    };
}

pub(crate) use signals_of_defects;
