//! The table of all checks, in the order in which they run and are explained.

use crate::Entry;
use crate::check::{configured, plain};
use crate::{attachments, auth, bulk, client, content, headers, links};

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
    plain::<headers::required::Required>(),
    plain::<headers::date::Date>(),
    plain::<headers::calendar::Calendar>(),
    plain::<headers::priority::Priority>(),
    plain::<headers::duplicates::Duplicates>(),
    plain::<headers::form::Form>(),
    plain::<headers::message_id::MessageId>(),
    plain::<headers::author::Author>(),
    plain::<headers::recipients::Recipients>(),
    plain::<headers::subject::Subject>(),
    plain::<headers::received::Received>(),
    plain::<content::gtube::Gtube>(),
    plain::<content::form::Form>(),
    plain::<content::parts::Parts>(),
    plain::<content::html::Html>(),
    plain::<content::hidden::Hidden>(),
    plain::<content::letters::Letters>(),
    plain::<links::text::Text>(),
    plain::<links::host::Host>(),
    plain::<links::form::Form>(),
    plain::<attachments::danger::Danger>(),
    plain::<attachments::kind::Kind>(),
    plain::<bulk::precedence::Precedence>(),
    plain::<bulk::way_out::WayOut>(),
    plain::<bulk::probability::Probability>(),
    plain::<bulk::three_rules::ThreeRules>(),
];
