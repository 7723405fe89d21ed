//! Signing in by a link that is sent by mail, and out again.
//!
//! Invariant: the answer to who asks for a link is the same whether the address is known or not, and a
//! link does nothing until a person presses a button: programs that look at mail follow links.

use std::net::IpAddr;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use serde::Deserialize;
use tidegate_mail::Address;

use super::access::{Person, folded};
use super::frame::{self, Confirm, Frame};
use super::visitor::{Client, Visitor, cookie_name, is_from_elsewhere};
use super::{Site, letter};
use crate::knowledge::seconds;

pub(super) fn routes() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(door))
        .route("/sign-in", get(confirm).post(ask))
        .route("/session", post(open))
        .route("/sign-out", post(sign_out))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "look.html")]
struct Look<'a> {
    frame: Frame,
    address: &'a str,
}

#[derive(Deserialize)]
struct Done {
    done: Option<String>,
}

async fn door(
    State(site): State<Arc<Site>>,
    visitor: Result<Visitor, Response>,
    Query(done): Query<Done>,
) -> Response {
    if visitor.is_ok() {
        return Redirect::to("/held").into_response();
    }
    frame::page(&SignIn { frame: Frame::outside(&site).noting(done.done.as_deref()) })
}

#[derive(Deserialize)]
struct Asked {
    address: String,
}

async fn ask(
    State(site): State<Arc<Site>>,
    Client(client): Client,
    headers: HeaderMap,
    Form(asked): Form<Asked>,
) -> Response {
    if is_from_elsewhere(&site, &headers) {
        let text = "This form came from another site. Please open this page itself, and try again.";
        return frame::said(&site, StatusCode::FORBIDDEN, "Not done", text);
    }
    let address = folded(&asked.address);
    if is_sane(&address) {
        let (site, address) = (Arc::clone(&site), address.clone());
        // Beside the answer, so that its time tells nothing either.
        tokio::spawn(async move { send_link(&site, &address, client).await });
    }
    frame::page(&Look { frame: Frame::outside(&site), address: &address })
}

/// Sends a link to whoever may sign in: to the user whose address it is, who may have several.
async fn send_link(site: &Arc<Site>, address: &str, client: IpAddr) {
    let (access, now) = (&site.services.access, seconds());
    let told = site.services.names.client(Some(client));
    if !access.may_ask_from(client, now) {
        tracing::warn!(client = told.as_str(), "too many links to sign in were asked for");
        return;
    }
    let user = site.services.user(address);
    let admin = site.is_admin(&user);
    let is_served = match &site.config.domains[..] {
        _ if admin => true,
        [] => site.services.knows(&user).await,
        domains => [address, &user].iter().any(|address| {
            let domain = Address::new(address).domain().unwrap_or_default().to_owned();
            domains.iter().any(|served| served.eq_ignore_ascii_case(&domain))
        }),
    };
    if !is_served || !is_sane(&user) {
        tracing::info!(
            client = told.as_str(),
            "somebody asked for a link for an address that is not served"
        );
        return;
    }
    let person = Person { address: user.clone(), admin };
    let link = match access.link(&person, now) {
        Ok(Some(link)) => site.config.link(&format!("/sign-in?link={link}")),
        Ok(None) => {
            tracing::warn!(client = told.as_str(), "too many links to sign in were asked for");
            return;
        }
        Err(error) => {
            tracing::error!("a link to sign in could not be made: {error}");
            return;
        }
    };
    let address = &user;
    let letter = letter::sign_in(&site.name, address, &link, now);
    if let Err(error) = site.services.post(&letter, address).await {
        tracing::error!("a link to sign in could not be sent: {error}");
    }
}

/// Whether it can be put into a header field and an SMTP command.
fn is_sane(address: &str) -> bool {
    address.len() <= 254
        && address.bytes().all(|octet| matches!(octet, b'!'..=b'~'))
        && Address::new(address).domain().is_some_and(|domain| !domain.is_empty())
        && !address.contains(['<', '>', '"', ',', ';', '(', ')', '\\'])
}

#[derive(Deserialize)]
struct Link {
    link: String,
}

async fn confirm(State(site): State<Arc<Site>>, Query(link): Query<Link>) -> Response {
    frame::page(&Confirm {
        frame: Frame::outside(&site),
        question: "Sign in here?",
        text: "Press the button if you asked for this link on this device just now.",
        about: Vec::new(),
        action: "/session",
        hidden: vec![("link", &link.link)],
        button: "Sign in",
        back: None,
    })
}

async fn open(
    State(site): State<Arc<Site>>,
    headers: HeaderMap,
    Form(link): Form<Link>,
) -> Response {
    if is_from_elsewhere(&site, &headers) {
        let text = "This form came from another site. Please open this page itself, and try again.";
        return frame::said(&site, StatusCode::FORBIDDEN, "Not done", text);
    }
    let session = match site.services.access.sign_in(&link.link, seconds()) {
        Ok(Some(session)) => session,
        Ok(None) => {
            let text = "This link was used already, or is older than a quarter of an hour. \
                        Ask for another on the first page.";
            return frame::said(&site, StatusCode::GONE, "The link is no longer good", text);
        }
        Err(error) => return frame::failed(&site, error),
    };
    with_cookie(&site, &session, site.config.session_seconds(), "/held")
}

#[derive(Deserialize)]
struct SignOut {
    form: String,
}

async fn sign_out(
    State(site): State<Arc<Site>>,
    visitor: Visitor,
    Form(form): Form<SignOut>,
) -> Response {
    if let Some(refused) = visitor.refuses(&site, &form.form) {
        return refused;
    }
    match site.services.access.sign_out(&visitor.session) {
        Ok(()) => with_cookie(&site, "", 0, "/?done=out"),
        Err(error) => frame::failed(&site, error),
    }
}

/// Goes on to `path` with the session in a cookie that scripts can't read.
fn with_cookie(site: &Site, session: &str, seconds: u64, path: &str) -> Response {
    let secure = if site.config.is_secure() { "; Secure" } else { "" };
    let name = cookie_name(site);
    let cookie =
        format!("{name}={session}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut response = Redirect::to(path).into_response();
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        Err(error) => frame::failed(site, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_could_be_more_than_one_is_not_written_to() {
        assert!(is_sane("anna+x@example.org"));
        for bad in ["a@b.c, d@e.f", "a@b.c\r\nBcc: d@e.f", "\"a b\"@c.d", "a@b.c>", "ä@b.c"] {
            assert!(!is_sane(bad), "{bad}");
        }
    }
}
