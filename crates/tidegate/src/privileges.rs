//! Which user the daemon is: one of its own, though it may have been started as root.
//!
//! Invariant: root is given up before there is a thread and before anything is made in the store, and
//! can't be had again.

use std::ffi::CString;

use anyhow::Context;
use nix::unistd::{Gid, Group, Uid, User};

use crate::config::Server;

/// Becomes the user and group that the settings name. Who stays root is warned.
///
/// # Errors
/// When there is no such user or group, or only root could become it.
pub(crate) fn give_up(server: &Server) -> anyhow::Result<()> {
    let Some(name) = &server.user else {
        anyhow::ensure!(server.group.is_none(), "[server] group is that of 'user': name one");
        if Uid::effective().is_root() {
            tracing::warn!(
                "the daemon runs as root: start it as a user of its own, or name one: [server] user = \"tidegate\""
            );
        }
        return Ok(());
    };
    let user = User::from_name(name)?
        .with_context(|| format!("[server] user: there is no user \"{}\"", name.escape_debug()))?;
    let group = server.group.as_deref().map(group).transpose()?.unwrap_or(user.gid);
    if Uid::effective() == user.uid {
        return Ok(());
    }
    anyhow::ensure!(
        Uid::effective().is_root(),
        "[server] user: only root can become \"{name}\": start the daemon as root or as that user"
    );
    become_user(&user, group).with_context(|| format!("can't become the user \"{name}\""))?;
    tracing::info!(user = name.as_str(), "root is given up");
    Ok(())
}

fn group(name: &str) -> anyhow::Result<Gid> {
    let group = Group::from_name(name)?;
    let told = || format!("[server] group: there is no group \"{}\"", name.escape_debug());
    Ok(group.with_context(told)?.gid)
}

/// Groups first: whoever is no longer root can't change them.
fn become_user(user: &User, group: Gid) -> anyhow::Result<()> {
    nix::unistd::initgroups(&CString::new(user.name.as_str())?, group)?;
    nix::unistd::setresgid(group, group, group)?;
    nix::unistd::setresuid(user.uid, user.uid, user.uid)?;
    let back = nix::unistd::setuid(Uid::from_raw(0));
    anyhow::ensure!(user.uid.is_root() || back.is_err(), "root could be had again");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(user: Option<&str>, group: Option<&str>) -> Server {
        let owned = |name: Option<&str>| name.map(str::to_owned);
        Server { user: owned(user), group: owned(group), ..Server::default() }
    }

    #[test]
    fn who_does_not_exist_can_not_be_become() {
        let told = |server: &Server| give_up(server).unwrap_err().to_string();
        assert!(told(&server(Some("no such user"), None)).contains("there is no user"));
        assert!(told(&server(Some("nobody"), Some("no such group"))).contains("there is no group"));
        assert!(told(&server(None, Some("nogroup"))).contains("name one"));
        assert!(give_up(&server(None, None)).is_ok());
    }
}
