//! Something breaks while a real Postfix is under load, 32 senders at once; at the end each message is
//! accounted for by its Message-ID: none is lost, and none is refused for a fault of ours.
//!
//! The short form sends some hundred messages for each fault; with `TIDEGATE_LONG` set, 20,000 each.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod support;

#[path = "faults/clock.rs"]
mod clock;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/limits.rs"]
mod limits;
#[path = "faults/network.rs"]
mod network;
#[cfg(feature = "faults")]
#[path = "faults/panics.rs"]
mod panics;
#[path = "faults/process.rs"]
mod process;
#[path = "faults/server.rs"]
mod server;

use support::account::Account;
use support::daemon::Daemon;
use support::five::Site;
use support::load::{Load, Progress};
use tidegate_dns::testing::TestServer;

/// A daemon that may break, behind a Postfix; names are asked of a server that knows none.
struct Faulty {
    site: Site,
    dns: TestServer,
}

/// One of the sockets on which the daemon listens.
type Milter = fn(&Daemon) -> String;

const TCP: Milter = Daemon::tcp_milter;
const UNIX: Milter = Daemon::unix_milter;

impl Faulty {
    /// `more` is added to the configuration, first to `[quarantine]`; `None`, said aloud, where there is no
    /// Postfix.
    fn start(milter: Milter, more: &str, environment: &[(&str, &str)]) -> Option<Self> {
        let dns = TestServer::start();
        // One client here is many elsewhere: Postfix would slow down who is refused so often.
        let postfix = [
            "smtpd_soft_error_limit=10000",
            "smtpd_hard_error_limit=20000",
            "default_process_limit=200",
        ];
        let address = dns.addr().to_string();
        let asking = "deadline_ms = 1000\n";
        // What is left out where the machine is busy has tests of its own; here each message has one fate.
        let shed = ("TIDEGATE__VERDICT__SHED", "false");
        let environment = [environment, &[shed]].concat();
        let site = Site::start_with(&address, asking, more, &environment, milter, &postfix)?;
        Some(Self { site, dns })
    }

    /// Sends `load` while something happens to the daemon; what became of it.
    fn send(
        &mut self,
        load: &Load,
        meanwhile: impl FnOnce(&Progress, &mut Daemon, &TestServer),
    ) -> Account {
        let (port, daemon) = (self.site.postfix.port, &mut self.site.daemon);
        let sent = load.send(port, |progress| meanwhile(progress, daemon, &self.dns));
        assert_eq!(self.site.daemon.has_ended(), None, "{}", self.site.daemon.log());
        Account::of(&self.site, &sent)
    }
}
