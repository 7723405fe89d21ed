//! Who asks for a page: the session in the cookie, the token in the header field, the address of the
//! client.
//!
//! Invariant: whoever is not known is led to the sign-in page, and a form that is not of the session
//! changes nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::access::{Person, failures};
use super::{Site, frame};
use crate::api::Caller;
use crate::knowledge::seconds;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) person: Person,
    /// What is in the cookie.
    pub(super) session: String,
    /// What forms of this session carry.
    pub(super) form: String,
}

impl Visitor {
    /// As whom the API knows them.
    pub(super) fn caller(&self) -> Caller {
        Caller::Person(self.person.clone())
    }

    /// What is answered to a form that another site may have made the browser send; `None`: it is one of
    /// ours.
    pub(super) fn refuses(&self, site: &Site, carried: &str) -> Option<Response> {
        if site.services.access.is_form(&self.session, carried) {
            return None;
        }
        let text = "The form was too old. Please go back, load the page again, and try once more.";
        Some(frame::said(site, StatusCode::FORBIDDEN, "Not done", text))
    }
}

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Response> {
        let to_the_door = || Redirect::to("/").into_response();
        let session = cookie(&parts.headers, cookie_name(site)).ok_or_else(to_the_door)?;
        match site.services.access.session(session, seconds()) {
            Ok(Some(person)) => {
                let form = site.services.access.form(session);
                let person = Person { admin: site.is_admin(&person.address), ..person };
                Ok(Self { person, session: session.to_owned(), form })
            }
            Ok(None) => Err(to_the_door()),
            Err(error) => Err(frame::failed(site, error)),
        }
    }
}

/// The name of our cookie. With the prefix, no other host can set it for ours (RFC 6265bis, 4.1.3.2).
pub(super) fn cookie_name(site: &Site) -> &'static str {
    if site.config.is_secure() { "__Host-tidegate" } else { "tidegate" }
}

/// The value of the cookie `name`.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(of, _)| *of == name)
        .map(|(_, value)| value)
}

/// The client, as far as it is known: asked for by limits, and told to the log.
pub(super) struct Client(pub(super) IpAddr);

impl FromRequestParts<Arc<Site>> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        site: &Arc<Site>,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions, &parts.headers, site))
    }
}

impl Client {
    fn of(extensions: &Extensions, headers: &HeaderMap, site: &Site) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded = || {
            let field = headers.get_all("x-forwarded-for").into_iter().next_back()?;
            // What stands before the last was written by whoever likes.
            field.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        let told = if site.config.behind_proxy { forwarded() } else { None };
        Self(told.or(peer).unwrap_or(IpAddr::from([0, 0, 0, 0])))
    }
}

/// Whether the browser says that a form comes from elsewhere. One that says nothing is old, not forged.
///
/// `Sec-Fetch-Site` (W3C, Fetch Metadata) is the browser's own word and needs no knowledge of how we are
/// reached, but is not sent over plain HTTP; `Origin` is (RFC 6454, section 7).
pub(super) fn is_from_elsewhere(site: &Site, headers: &HeaderMap) -> bool {
    if let Some(from) = headers.get("sec-fetch-site") {
        return from != "same-origin" && from != "none";
    }
    headers.get(header::ORIGIN).is_some_and(|origin| {
        !origin.as_bytes().eq_ignore_ascii_case(site.config.origin().as_bytes())
    })
}

/// Lets in whoever shows a good token. Who has shown too many that are none is not listened to for a
/// while, whatever he shows: otherwise he could go on guessing.
pub(super) async fn bearer(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|it| it.to_str().ok()).and_then(|it| it.strip_prefix("Bearer "));
    if let Some(shown) = shown {
        let Client(client) = Client::of(request.extensions(), request.headers(), &site);
        let failures = &site.services.access.failures;
        if failures.bar(client, seconds()) {
            return crate::api::Refusal::TooOften(failures::SECONDS).into_response();
        }
        match site.services.access.bearer(shown.trim(), seconds()) {
            Ok(Some(person)) => {
                request.extensions_mut().insert(Caller::Person(person));
            }
            Ok(None) => {
                if failures.count(client, seconds()) {
                    let client = site.services.names.client(Some(client));
                    tracing::warn!(
                        client = client.as_str(),
                        "too many tokens that are none: it is not listened to for a while"
                    );
                }
            }
            Err(error) => return crate::api::Refusal::failed(error).into_response(),
        }
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; tidegate=abc; b=2"));
        assert_eq!(cookie(&headers, "tidegate"), Some("abc"));
        assert_eq!(cookie(&headers, "tide"), None);
    }
}
