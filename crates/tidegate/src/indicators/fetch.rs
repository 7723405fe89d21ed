//! One certificate over HTTPS, within bounds of size, time, redirects and addresses.
//!
//! Whoever publishes a record chooses the location; what is fetched from it must harm neither this
//! machine nor others. No cookie, no credentials, no proxy of the environment, no connection kept.
//!
//! Invariant: nothing is connected to but port 443 of public addresses, by HTTPS, unless the
//! configuration allows others.

use std::error::Error;
use std::time::Duration;

use reqwest::redirect::{Attempt, Policy};
use reqwest::{Certificate, Client, Response, Url};
use tidegate_checks::trust::bimi::Config;
use tidegate_checks::trust::bimi::certificate::MOST_BYTES;
use tidegate_dns::Resolver;

use super::address::{AddressError, PublicHosts};
use super::hosts::Hosts;
use crate::knowledge::seconds;

/// Redirects that are followed.
const MOST_REDIRECTS: usize = 3;
const HTTPS: u16 = 443;

/// Why there is no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// It can't be had there, today or tomorrow.
    #[error("{0}")]
    Refused(String),
    /// It could not be had now.
    #[error("{0}")]
    Unreachable(String),
}

/// Fetches.
pub(super) struct Fetcher {
    client: Client,
    allow_private: bool,
}

impl Fetcher {
    /// As configured, with the addresses that `resolver` finds.
    ///
    /// # Errors
    /// When the authorities of this machine can't be read.
    pub(super) fn new(config: &Config, resolver: Resolver, hosts: Hosts) -> reqwest::Result<Self> {
        Self::trusting(Vec::new(), config, resolver, hosts)
    }

    /// Trusting further authorities for HTTPS than this machine does.
    pub(super) fn trusting(
        further: Vec<Certificate>,
        config: &Config,
        resolver: Resolver,
        hosts: Hosts,
    ) -> reqwest::Result<Self> {
        // The one cryptography of this program; an error says that it is chosen already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let allow_private = config.allow_private;
        let client = Client::builder()
            .tls_certs_merge(further)
            .https_only(true)
            .no_proxy()
            .http1_only()
            .referer(false)
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_millis(config.timeout_ms))
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::custom(move |attempt| follow(attempt, &hosts, allow_private)))
            .dns_resolver(PublicHosts { resolver, allow_private })
            .build()?;
        Ok(Self { client, allow_private })
    }

    /// What is at `location`.
    ///
    /// # Errors
    /// Why it can't be had.
    pub(super) async fn fetch(&self, location: &str) -> Result<Vec<u8>, FetchError> {
        let refused = |why: &str| FetchError::Refused(why.to_owned());
        let url = Url::parse(location).map_err(|_| refused("its location is no URI"))?;
        check(&url, self.allow_private).map_err(refused)?;
        let response = self.client.get(url).send().await.map_err(|error| of(&error))?;
        let status = response.status();
        match status.as_u16() {
            200 => bounded(response).await,
            400..=499 => Err(FetchError::Refused(format!("its host answers {status}"))),
            _ => Err(FetchError::Unreachable(format!("its host answers {status}"))),
        }
    }
}

/// The host that a location names, where it names one.
pub(super) fn host(location: &str) -> Option<String> {
    Url::parse(location).ok()?.host_str().map(str::to_owned)
}

/// Whether a location is one to connect to.
fn check(url: &Url, allow_private: bool) -> Result<(), &'static str> {
    if url.scheme() != "https" {
        return Err("its location is not at https");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("its location has credentials");
    }
    if url.domain().is_none() {
        return Err("its host is no name");
    }
    if !allow_private && url.port_or_known_default() != Some(HTTPS) {
        return Err("its location is at another port than 443");
    }
    Ok(())
}

fn follow(attempt: Attempt<'_>, hosts: &Hosts, allow_private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error(Redirected::Never("it is redirected too often"));
    }
    if let Err(why) = check(attempt.url(), allow_private) {
        return attempt.error(Redirected::Never(why));
    }
    let host = attempt.url().domain().unwrap_or_default();
    match hosts.may_follow(host, seconds()) {
        true => attempt.follow(),
        false => attempt.error(Redirected::Later),
    }
}

/// Why a redirect is not followed.
#[derive(Debug, thiserror::Error)]
enum Redirected {
    /// It leads where nothing is fetched from.
    #[error("redirected: {0}")]
    Never(&'static str),
    /// It leads to a host that was asked enough for now.
    #[error("redirected to a host that was asked often in the last minute")]
    Later,
}

async fn bounded(mut response: Response) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| of(&error))? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(FetchError::Refused("it is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong, by the innermost error that tells.
fn of(error: &reqwest::Error) -> FetchError {
    let mut inner: Option<&(dyn Error + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(cause) = inner {
        if let Some(redirected) = cause.downcast_ref::<Redirected>() {
            let why = redirected.to_string();
            return match redirected {
                Redirected::Never(_) => FetchError::Refused(why),
                Redirected::Later => FetchError::Unreachable(why),
            };
        }
        match cause.downcast_ref::<AddressError>() {
            Some(AddressError::NotPublic) => {
                return FetchError::Refused(AddressError::NotPublic.to_string());
            }
            Some(AddressError::Unknown) => {
                return FetchError::Unreachable(AddressError::Unknown.to_string());
            }
            None => {}
        }
        last = cause.to_string();
        inner = cause.source();
    }
    match error.is_timeout() {
        true => FetchError::Unreachable("its host is too slow".to_owned()),
        false => FetchError::Unreachable(last),
    }
}
