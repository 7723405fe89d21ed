//! What the author of a milter writes: a [`Filter`].
//!
//! Invariant: a filter never sees half a message: each `mail` is followed by `message`, by `abort`,
//! by another `mail`, or by the filter's end.

use std::future::{Future, ready};

use crate::envelope::{Envelope, Mailbox};
use crate::modification::{Disposition, Outcome};
use crate::negotiate::Wants;
use crate::session::Received;

/// One filter serves one client's SMTP session, with any number of messages.
///
/// Every step is told as soon as the MTA tells it, so that a filter can start what takes time;
/// what a step returns counts only where [`Filter::wants`] declares the step in `early`, because
/// elsewhere the MTA does not wait for an answer. Steps can be written as `async fn`.
///
/// A panic ends neither the server nor the connection: the message gets the server's
/// `on_failure`, and a new filter takes over.
pub trait Filter: Send {
    /// What this filter needs of the MTA; asked once, when the connection opens.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// A client connected.
    fn connect(&mut self, envelope: &Envelope) -> impl Future<Output = Disposition> + Send {
        let _ = envelope;
        ready(Disposition::Continue)
    }

    /// The client greeted; it may do so again, after STARTTLS for example.
    fn helo(&mut self, envelope: &Envelope) -> impl Future<Output = Disposition> + Send {
        let _ = envelope;
        ready(Disposition::Continue)
    }

    /// A transaction began. What was kept of another is void.
    fn mail(&mut self, envelope: &Envelope) -> impl Future<Output = Disposition> + Send {
        let _ = envelope;
        ready(Disposition::Continue)
    }

    /// One more recipient was named; it is the last one of the envelope.
    fn rcpt(
        &mut self,
        envelope: &Envelope,
        recipient: Mailbox<'_>,
    ) -> impl Future<Output = Disposition> + Send {
        let _ = (envelope, recipient);
        ready(Disposition::Continue)
    }

    /// The message is about to come.
    fn data(&mut self, envelope: &Envelope) -> impl Future<Output = Disposition> + Send {
        let _ = envelope;
        ready(Disposition::Continue)
    }

    /// A header field, as the MTA sent it.
    fn header(&mut self, name: &[u8], value: &[u8]) -> impl Future<Output = Disposition> + Send {
        let _ = (name, value);
        ready(Disposition::Continue)
    }

    /// The header is whole; `received.raw` has no body yet. Where `received.ended` says that the end of the
    /// message has come as well, [`Filter::message`] follows at once.
    fn headers(&mut self, received: Received<'_>) -> impl Future<Output = Disposition> + Send {
        let _ = received;
        ready(Disposition::Continue)
    }

    /// A piece of the body. The last one may come with `message` alone.
    fn body(&mut self, piece: &[u8]) -> impl Future<Output = Disposition> + Send {
        let _ = piece;
        ready(Disposition::Continue)
    }

    /// A piece of the body which `received.raw` has no room for, nor for any that follows.
    fn beyond(&mut self, received: Received<'_>, piece: &[u8]) -> impl Future<Output = ()> + Send {
        let _ = (received, piece);
        ready(())
    }

    /// An SMTP command the MTA does not know.
    fn unknown(&mut self, line: &[u8]) -> impl Future<Output = Disposition> + Send {
        let _ = line;
        ready(Disposition::Continue)
    }

    /// The message is whole; its sender waits for what becomes of it. While this takes long, the
    /// server tells the MTA that work goes on; once it cannot, the future is dropped.
    fn message(&mut self, received: Received<'_>) -> impl Future<Output = Outcome> + Send;

    /// What became of the messages judged so far was written to the MTA. Until then it may never
    /// learn of it, and have its client send a message again: a filter that is dropped before has
    /// no other way to know.
    fn answered(&mut self) -> impl Future<Output = ()> + Send {
        ready(())
    }

    /// The transaction was given up.
    fn abort(&mut self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}
