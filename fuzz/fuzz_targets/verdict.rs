//! Any message through all that is shipped: a verdict comes, what is added to the message are header fields
//! and nothing else, and what spoke in our name is gone from it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tidegate_mail::{Bounds, Envelope, Message};
use tidegate_policy::Form;
use tokio::runtime::Runtime;
use yardstick::{Sample, Shipped, shipped};

static SHIPPED: LazyLock<(Shipped, Runtime)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    (shipped(), runtime.expect("a runtime"))
});

fuzz_target!(|raw: &[u8]| {
    let (shipped, runtime) = &*SHIPPED;
    let envelope = Envelope::infer(&Message::parse(raw, &Bounds::default()));
    let sample = Sample { kind: "any", envelope: envelope.clone(), raw: raw.to_vec() };
    let ready = shipped.ready(&sample);
    assert!(runtime.block_on(shipped.whole(&ready)).is_finite());
    let judged = runtime.block_on(shipped.engine().judge(envelope, raw, 1_795_000_000));
    assert!(judged.decision.score.is_finite());

    let before = shipped.parse(raw);
    for form in [Form::Marked, Form::Tagged, Form::TaggedSubject("[spam] ".into())] {
        let changes = judged.fields.in_form(&form);
        let subject = changes.subject.iter().map(|subject| subject.value.as_str());
        for value in changes.add.iter().map(|field| field.value.as_str()).chain(subject) {
            let mut lines = value.split('\n');
            let folded = lines.next().is_some() && lines.all(|line| line.starts_with([' ', '\t']));
            assert!(folded && !value.contains(['\r', '\0']), "{value:?}");
        }
        let made = changes.made_to(raw);
        let after = shipped.parse(&made);
        let removed = changes.remove.iter().filter(|field| field.name == "X-Spam-Score").count();
        assert!(after.count("X-Spam-Score") <= before.count("X-Spam-Score") - removed + 1);
        assert_eq!(after.body_bytes(), before.body_bytes());
    }
});
