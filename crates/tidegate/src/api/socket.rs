//! The socket of the API in the folder of the store.
//!
//! Invariant: it is its owner's alone, so that who can open it is the operator.

use std::io;
use std::path::{Path, PathBuf};

use axum::{Extension, Router};
use tokio::net::UnixListener;

use super::Caller;
use crate::control;

/// Its name in the folder of the store.
const NAME: &str = "api.sock";

/// Where the socket of the store in `folder` is.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Listens in the folder of a store that this process has.
pub(crate) fn listen(folder: &Path) -> io::Result<UnixListener> {
    control::listen_at(&path(folder))
}

/// Serves the operator for ever.
pub(crate) async fn serve(listener: UnixListener, router: Router) -> io::Result<()> {
    axum::serve(listener, router.layer(Extension(Caller::Operator))).await
}
