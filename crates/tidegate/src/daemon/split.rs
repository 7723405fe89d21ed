//! Carrying out a plan: hold, send copies, and only then tell the MTA.
//!
//! Invariant: a recipient is taken off a message only once it is durably held for them, or a copy of it
//! was taken over; whatever fails or is late, they keep it.

use std::sync::Arc;
use std::time::Duration;

use tidegate_engine::{Judged, Recipient};
use tidegate_milter::{Actions, Mailbox, OneLine, Outcome, Received, Strings};
use tidegate_policy::{Form, Group, Means, Plan, Wish, plan, unheld};
use tidegate_quarantine::{CopyNote, EntryId, Notices, fault};
use tokio::time::{Instant, timeout_at};

use super::holder::{Copy, Copying, Holder, Holding, Unsettled};
use super::{Daemon, Running, answer, now};

/// A message that was judged, about to be answered.
pub(super) struct Parting<'p> {
    pub(super) daemon: &'p Daemon,
    pub(super) running: &'p Running,
    pub(super) judged: &'p Judged,
    pub(super) received: Received<'p>,
    pub(super) reference: &'p str,
}

/// What became of it.
#[derive(Default)]
pub(super) struct Parted {
    pub(super) outcome: Outcome,
    /// What is to be settled once the MTA was told.
    pub(super) unsettled: Unsettled,
    /// How many recipients went which way.
    pub(super) counts: Counts,
}

/// Recipients by what became of the message for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// They keep the message itself.
    pub(crate) kept: usize,
    /// They got a copy in another form.
    pub(crate) copied: usize,
    /// It is held for them.
    pub(crate) held: usize,
    /// It was refused.
    pub(crate) refused: usize,
    /// It was to be held, which failed.
    pub(crate) unheld: usize,
    /// They were to get a copy, which failed.
    pub(crate) uncopied: usize,
}

impl Counts {
    /// `kept=1,held=2`, without what nobody has.
    pub(crate) fn words(self) -> String {
        let each = [
            ("kept", self.kept),
            ("copied", self.copied),
            ("held", self.held),
            ("refused", self.refused),
            ("unheld", self.unheld),
            ("uncopied", self.uncopied),
        ];
        let there = each.iter().filter(|(_, count)| *count > 0);
        there.map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(",")
    }
}

impl Parting<'_> {
    /// Does what each recipient wants, as far as it can be done, and answers.
    pub(super) async fn part(&self) -> Parted {
        let recipients = &self.judged.recipients;
        if recipients.is_empty() {
            return self.for_nobody();
        }
        let mut wishes: Vec<Wish> = recipients.iter().map(Recipient::wish).collect();
        let (holder, removable) = self.holder().unzip();
        let removable: Vec<OneLine> = removable.unwrap_or_default();
        let mut means = Means { hold: holder.is_some(), copy: holder.is_some() };
        let mut parted = Parted::default();
        let time = Duration::from_millis(self.running.split_timeout_ms);
        let deadline = Instant::now() + time;

        let mut planned = plan(&wishes, means);
        if self.received.truncated && self.daemon.holder.is_some() {
            self.tell_of_cut(&wishes, &mut parted.counts);
        }
        if let (Plan::Take { hold, .. }, Some(holder)) = (&planned, &holder)
            && !hold.is_empty()
        {
            match self.hold(&**holder, hold, deadline).await {
                Some(entries) => parted.unsettled.entries = entries,
                None => {
                    parted.counts.unheld = hold.len();
                    means.hold = false;
                    wishes = unheld(&wishes);
                    planned = plan(&wishes, means);
                }
            }
        }
        let Plan::Take { own, copies, hold } = planned else {
            parted.counts.refused = recipients.len();
            parted.outcome = self.refusal();
            return parted;
        };
        let mut gone = hold.clone();
        parted.counts.held = hold.len();
        if let Some(holder) = holder.as_ref().filter(|_| !copies.is_empty()) {
            let recipients = copies.iter().map(|group| group.recipients.len()).sum();
            parted.unsettled.copies.extend(self.noted(&**holder, recipients, deadline).await);
        }
        for group in copies {
            let sent = match &holder {
                Some(holder) => self.copy(&**holder, &group, deadline).await,
                None => false,
            };
            if sent {
                fault::point("after-copy");
                parted.counts.copied += group.recipients.len();
                gone.extend(group.recipients);
            } else {
                parted.counts.uncopied += group.recipients.len();
            }
        }
        parted.counts.kept = recipients.len() - gone.len();
        self.daemon.metrics.split(parted.counts);
        parted.outcome = match own {
            Some(Group { form, .. }) => {
                let mut outcome = answer::deliver(&self.judged.fields.in_form(&form));
                let removed = gone.iter().filter_map(|&at| removable.get(at).cloned());
                outcome.modifications.extend(removed.map(answer::without));
                outcome
            }
            None => tidegate_milter::Disposition::Discard.into(),
        };
        parted
    }

    /// Tells and counts whom a message would be held for or copied to, were it whole.
    fn tell_of_cut(&self, wishes: &[Wish], counts: &mut Counts) {
        let Plan::Take { hold, copies, .. } = plan(wishes, Means { hold: true, copy: true }) else {
            return;
        };
        counts.unheld = hold.len();
        counts.uncopied = copies.iter().map(|group| group.recipients.len()).sum();
        if counts.unheld + counts.uncopied > 0 {
            tracing::warn!(
                target: "tidegate::verdict",
                queue_id = self.reference,
                recipients = counts.unheld + counts.uncopied,
                "the message is longer than is read ([milter] header_bytes, body_bytes), so it is neither \
                 held nor copied, but delivered"
            );
        }
    }

    /// The MTA named no recipient: the message is marked, or refused, by the default policy.
    fn for_nobody(&self) -> Parted {
        let book = self.running.engine.parts().policies.book();
        let wish = book.default_policy().wish(self.judged.decision.action);
        let outcome = match plan(&[wish], Means { hold: false, copy: false }) {
            Plan::Refuse => self.refusal(),
            Plan::Take { own, .. } => {
                let form = own.map_or(Form::Marked, |group| group.form);
                answer::deliver(&self.judged.fields.in_form(&form))
            }
        };
        Parted { outcome, ..Parted::default() }
    }

    fn refusal(&self) -> Outcome {
        answer::refusal(self.judged, &self.running.verdict, self.reference)
    }

    /// Whoever holds and copies, with the recipients as the MTA wrote them, where that can be done with
    /// this message: it is whole, and all of them can be taken off.
    fn holder(&self) -> Option<(Arc<dyn Holder>, Vec<OneLine>)> {
        let holder = self.daemon.holder.as_ref()?;
        let removes = self.received.actions.contains(Actions::DELETE_RECIPIENTS);
        if self.received.truncated || !removes {
            return None;
        }
        let path = |Mailbox { path, .. }| OneLine::new(str::from_utf8(path).ok()?).ok();
        let paths: Option<Vec<OneLine>> = self.received.envelope.recipients().map(path).collect();
        Some((Arc::clone(holder), paths?))
    }

    /// The entries, once they are durable; `None`, told in the log, when that failed or took too long.
    async fn hold(
        &self,
        holder: &dyn Holder,
        whom: &[usize],
        deadline: Instant,
    ) -> Option<Vec<EntryId>> {
        let recipients: Vec<&Recipient> =
            whom.iter().filter_map(|&at| self.judged.recipients.get(at)).collect();
        let book = self.running.engine.parts().policies.book();
        let holding = Holding {
            users: recipients.iter().map(|it| book.folding().user(&it.address)).collect(),
            raw: self.received.raw,
            judged: self.judged,
            recipients,
            now: now(),
        };
        fault::point("before-hold");
        let why = match timeout_at(deadline, holder.hold(&holding)).await {
            Ok(Ok(entries)) => return Some(entries),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "it took too long, and may be held all the same".to_owned(),
        };
        tracing::error!(
            target: "tidegate::verdict",
            queue_id = self.reference,
            recipients = whom.len(),
            "the message could not be held, and is delivered tagged: {why}"
        );
        None
    }

    /// The note that copies are sent, where it could be written.
    async fn noted(
        &self,
        holder: &dyn Holder,
        recipients: usize,
        deadline: Instant,
    ) -> Option<CopyNote> {
        let copying = Copying {
            raw: self.received.raw,
            sender: self.sender(),
            reference: self.reference,
            recipients,
        };
        timeout_at(deadline, holder.copying(&copying)).await.ok().flatten()
    }

    /// The envelope's sender; empty: the null sender.
    fn sender(&self) -> &str {
        self.judged.envelope.sender.as_ref().map(|sender| sender.as_str()).unwrap_or_default()
    }

    /// Whether a copy was taken over for all of a group.
    async fn copy(&self, holder: &dyn Holder, group: &Group, deadline: Instant) -> bool {
        let raw = self.judged.fields.in_form(&group.form).made_to(self.received.raw);
        let recipients = group.recipients.iter().filter_map(|&at| self.judged.recipients.get(at));
        let envelope = self.received.envelope;
        let paths: Vec<Mailbox<'_>> = envelope.recipients().collect();
        let arguments = group.recipients.iter().map(|&at| paths.get(at).map(|path| path.args));
        let of_mail = envelope.sender().map(|sender| sender.args).into_iter();
        let copy = Copy {
            raw: &raw,
            sender: self.sender(),
            recipients: recipients.map(|recipient| recipient.address.as_str()).collect(),
            notices: Notices::new(
                of_mail.flat_map(Strings::iter),
                arguments.map(|of_one| of_one.into_iter().flat_map(Strings::iter)),
            ),
        };
        let why = match timeout_at(deadline, holder.inject(&copy)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "it took too long, and may have been sent all the same".to_owned(),
        };
        tracing::error!(
            target: "tidegate::verdict",
            queue_id = self.reference,
            recipients = group.recipients.len(),
            "a copy could not be sent, and its recipients get the message in another form: {why}"
        );
        false
    }
}

/// What was done for messages whose answer the MTA has not taken yet.
#[derive(Default)]
pub(super) struct Unanswered {
    unsettled: Unsettled,
    copied: usize,
}

impl Unanswered {
    pub(super) fn add(&mut self, unsettled: Unsettled, counts: Counts) {
        self.unsettled.entries.extend(unsettled.entries);
        self.unsettled.copies.extend(unsettled.copies);
        self.copied += counts.copied;
    }

    /// The MTA knows: nothing comes again.
    pub(super) async fn answered(&mut self, holder: Option<&Arc<dyn Holder>>) {
        let unsettled = std::mem::take(&mut self.unsettled);
        self.copied = 0;
        if let Some(holder) = holder.filter(|_| unsettled != Unsettled::default()) {
            fault::point("after-answer");
            holder.confirm(&unsettled).await;
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.unsettled.entries.is_empty() || self.copied > 0 {
            tracing::warn!(
                target: "tidegate::verdict",
                held = self.unsettled.entries.len(),
                copied = self.copied,
                "the MTA went away before it was answered: what was held and copied may come twice"
            );
        }
    }
}
