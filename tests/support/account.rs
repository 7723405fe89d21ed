//! What became of each message of a load, by its Message-ID: in the mailbox, in quarantine, or refused to its
//! sender.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use super::five::Site;
use super::load::{Kind, Sent, id};
use super::postfix::fields;

/// The account of a load.
#[derive(Debug, Default)]
pub struct Account {
    pub sent: usize,
    /// In the mailbox without a mark of spam.
    pub delivered: usize,
    pub tagged: usize,
    pub held: usize,
    /// Refused to their senders.
    pub rejected: usize,
    /// Delivered and marked as not judged, or with what was not to be had left out.
    pub unjudged: usize,
    /// To be held, and delivered with marks since that was not possible.
    pub spared: usize,
    /// Put off, and sent again by their senders.
    pub deferred: usize,
    /// What some of their senders were told, or saw.
    pub put_off: Vec<String>,
    /// Of which more than one copy is there.
    pub twice: usize,
    /// Put off for as long as their senders tried.
    pub given_up: usize,
    /// What must not be, in words.
    pub wrong: Vec<String>,
    /// Neither delivered, nor held, nor refused.
    pub lost: Vec<usize>,
}

/// What is in the mailbox of one message.
#[derive(Default)]
struct Copies {
    count: usize,
    flagged: bool,
    not_judged: bool,
}

/// What is held of one message.
#[derive(Clone, Copy, Default)]
struct Entries {
    count: usize,
    /// Of these, how many say nothing of another.
    silent: usize,
}

impl Account {
    /// Waits until Postfix has delivered all it took, and looks everything up. The mailbox is empty
    /// afterwards.
    pub fn of(site: &Site, sent: &[Sent]) -> Self {
        wait_idle(site);
        let delivered = taken(site);
        let mut entries: HashMap<usize, Entries> = HashMap::new();
        for entry in site.held().values().flatten() {
            let rest = entry["subject"].as_str().and_then(|it| it.split_once("doubtful "));
            let number = rest.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            let Some(number) = number else { continue };
            let entries = entries.entry(number).or_default();
            entries.count += 1;
            entries.silent += usize::from(entry["notes"].as_array().unwrap().is_empty());
        }
        let mut account = Self { sent: sent.len(), ..Self::default() };
        let log = site.postfix.log();
        let of_milter = log.lines().filter(|line| line.contains("warning: milter"));
        account.put_off.extend(of_milter.take(5).map(str::to_owned));
        for sent in sent {
            let held = entries.get(&sent.number).copied().unwrap_or_default();
            account.twice += usize::from(held.count > 1);
            if held.silent > 1 {
                account.wrong.push(format!("{} is held twice, and nothing says so", sent.number));
            }
            account.add(sent, delivered.get(&id(sent.number)), held.count > 0);
        }
        account
    }

    fn add(&mut self, sent: &Sent, copies: Option<&Copies>, held: bool) {
        let (number, kind) = (sent.number, Kind::of(sent.number));
        if sent.deferred + sent.unanswered > 0 {
            self.deferred += 1;
            if self.put_off.len() < 10 {
                self.put_off.push(format!("{number} {}", sent.put_off.trim_end()));
            }
        }
        self.twice += usize::from(copies.is_some_and(|copies| copies.count > 1));
        let refused = sent.reply.starts_with('5');
        let mut wrong = |what: &str| {
            self.wrong.push(format!("{number} ({kind:?}) {what}: {}", sent.reply.trim_end()));
        };
        match (copies, held) {
            (Some(_), true) => wrong("is delivered and held"),
            (Some(_), _) | (_, true) if refused && kind != Kind::Rejected => {
                wrong("was refused, and is there");
            }
            (None, true) if kind != Kind::Held => wrong("is held"),
            (None, true) => self.held += 1,
            (None, false) if refused && kind == Kind::Rejected => self.rejected += 1,
            (None, false) if refused => wrong("was refused"),
            (None, false) if sent.reply.starts_with('4') => self.given_up += 1,
            (None, false) => self.lost.push(number),
            (Some(Copies { not_judged: true, .. }), false) => self.unjudged += 1,
            (Some(Copies { flagged, .. }), false) => match (kind, *flagged) {
                (Kind::Clean, false) => self.delivered += 1,
                (Kind::Tagged, true) => self.tagged += 1,
                (Kind::Held, true) => self.spared += 1,
                (Kind::Rejected, _) => wrong("was to be refused, and is there"),
                (Kind::Clean, true) => wrong("is flagged"),
                (Kind::Tagged | Kind::Held, false) => wrong("is there without a mark"),
            },
        }
    }

    /// That each message came to be where it belongs; says how many of each.
    #[track_caller]
    pub fn is_whole(&self, fault: &str) {
        println!("{fault}: {self}");
        assert!(self.wrong.is_empty(), "{fault}: {:#?}", &self.wrong[..self.wrong.len().min(20)]);
        assert!(self.lost.is_empty(), "{fault}: lost: {:?}", self.lost);
        let of_all = self.delivered + self.tagged + self.held + self.rejected;
        assert_eq!(of_all + self.unjudged + self.spared + self.given_up, self.sent, "{self:?}");
    }

    /// That nothing but that happened: nothing was put off, held elsewhere, or left unjudged.
    #[track_caller]
    pub fn is_undisturbed(&self) {
        let disturbed = [self.deferred, self.unjudged, self.spared, self.twice, self.given_up];
        assert_eq!(disturbed, [0; 5], "{self:?}");
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, delivered, tagged, held, rejected, .. } = self;
        let Self { unjudged, spared, deferred, twice, given_up, lost, wrong, .. } = self;
        write!(
            f,
            "{sent} sent; {delivered} delivered, {tagged} tagged, {held} held, {rejected} rejected, {unjudged} \
             unjudged, {spared} tagged in place of held, {given_up} given up by their senders; {deferred} \
             deferred and sent again, {twice} there twice; {} wrong, {} lost",
            wrong.len(),
            lost.len()
        )
    }
}

/// What Postfix took is delivered, for as long as it goes on.
fn wait_idle(site: &Site) {
    let (mut before, mut since) = (usize::MAX, Instant::now());
    loop {
        let queued = site.postfix.queued();
        if queued == 0 {
            return;
        }
        if queued != before {
            (before, since) = (queued, Instant::now());
        }
        assert!(since.elapsed() < Duration::from_secs(60), "queued:\n{}", site.postfix.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn taken(site: &Site) -> HashMap<String, Copies> {
    let mut found: HashMap<String, Copies> = HashMap::new();
    for path in site.postfix.mailbox() {
        let message = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        fs::remove_file(path).unwrap();
        let status = fields(&message, "X-Spam-Status").concat();
        let copies = found.entry(fields(&message, "Message-ID").concat()).or_default();
        copies.count += 1;
        copies.flagged |= fields(&message, "X-Spam-Flag") == ["YES"];
        copies.not_judged |= status.contains("not judged") || status.is_empty();
    }
    found
}
