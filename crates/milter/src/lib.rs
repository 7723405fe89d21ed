//! The milter wire protocol, versions 2 to 6: a sans-IO codec and session, and a tokio server on it.
