//! The table of all checks, in the order in which they run and are explained.

use crate::Entry;
use crate::check::{configured, plain};
use crate::{auth, client};

/// One line a check. List zones are not here: they are data of the configuration, and
/// [`crate::lists::Lists`] is the one check that reads them.
pub const CHECKS: &[Entry] = &[
    plain::<auth::spf::SpfResult>(),
    plain::<auth::dkim::DkimResults>(),
    configured::<auth::dmarc::DmarcResult>(),
    plain::<auth::arc::ArcResult>(),
    plain::<client::reverse_name::ReverseName>(),
    plain::<client::dynamic_name::DynamicName>(),
    plain::<client::helo::Helo>(),
    plain::<client::sender_domain::SenderDomain>(),
];
