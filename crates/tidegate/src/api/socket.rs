//! The socket of the API in the folder of the store.
//!
//! Invariant: it is its owner's alone, so that who can open it is the operator.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::{Extension, Router};
use tokio::net::UnixListener;

use super::Caller;

/// Its name in the folder of the store.
const NAME: &str = "api.sock";

/// Where the socket of the store in `folder` is.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// Listens in the folder of a store that this process has; a socket left behind by another is stale.
pub(crate) fn listen(folder: &Path) -> io::Result<UnixListener> {
    let path = path(folder);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the operator for ever.
pub(crate) async fn serve(listener: UnixListener, router: Router) -> io::Result<()> {
    axum::serve(listener, router.layer(Extension(Caller::Operator))).await
}
