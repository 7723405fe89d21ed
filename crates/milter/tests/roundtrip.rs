//! Whatever is encoded is decoded to the same value, and no bytes make a decoder panic.

// Functions beside the tests may fail as loudly as the tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_milter::{
    Actions, Command, DecodeError, Options, Peer, Protocol, Reply, Stage, Strings, SymbolStage,
    Symbols, decode,
};

const LONGEST: u32 = 1 << 20;

/// Octets of a string: anything but NUL.
fn string() -> impl Strategy<Value = Vec<u8>> {
    vec(1..=255_u8, 0..40)
}

fn strings() -> impl Strategy<Value = Vec<u8>> {
    vec(string(), 0..5).prop_map(|strings| {
        strings.into_iter().flat_map(|string| [string, vec![0]].concat()).collect()
    })
}

#[track_caller]
fn command_survives(command: Command<'_>) {
    let mut wire = Vec::new();
    command.encode(&mut wire);
    assert_eq!(decode(&wire, LONGEST), Ok(Some((command, wire.len()))));
    for end in 0..wire.len() {
        assert_eq!(decode(&wire[..end], LONGEST), Ok(None), "{end} of {} octets", wire.len());
    }
}

#[track_caller]
fn reply_survives(reply: Reply<'_>) {
    let mut wire = Vec::new();
    reply.encode(&mut wire);
    assert_eq!(Reply::decode(&wire, LONGEST), Ok(Some((reply, wire.len()))));
}

proptest! {
    #[test]
    fn commands_survive_the_wire(
        a in string(), b in string(), args in strings(), octets in vec(any::<u8>(), 0..200),
        stage in 0..Stage::ALL.len(), address in any::<std::net::SocketAddr>(),
        bits in any::<(u32, u32, u32)>(),
    ) {
        let args = Strings::new(&args).unwrap();
        // Scope and flow label have no place on the wire.
        let address = std::net::SocketAddr::new(address.ip(), address.port());
        for peer in [Peer::Unknown, Peer::Unix(&b), Peer::Inet(address)] {
            command_survives(Command::Connect { name: &a, peer });
        }
        command_survives(Command::Negotiate(Options {
            version: bits.0,
            actions: Actions::from_bits_retain(bits.1),
            protocol: Protocol::from_bits_retain(bits.2),
            symbols: Symbols::default(),
        }));
        command_survives(Command::Macros { stage: Stage::ALL[stage], pairs: args });
        command_survives(Command::Helo(&a));
        command_survives(Command::Mail { path: &a, args });
        command_survives(Command::Rcpt { path: &a, args });
        command_survives(Command::Header { name: &a, value: &b });
        command_survives(Command::Body(&octets));
        command_survives(Command::EndOfMessage(&octets));
        command_survives(Command::Unknown(&a));
    }

    #[test]
    fn replies_survive_the_wire(
        a in string(), b in string(), args in strings(), index in any::<u32>(),
        octets in vec(any::<u8>(), 0..200),
    ) {
        let args = Strings::new(&args).unwrap();
        reply_survives(Reply::ReplyCode(&a));
        reply_survives(Reply::AddHeader { name: &a, value: &b });
        reply_survives(Reply::InsertHeader { index, name: &a, value: &b });
        reply_survives(Reply::ChangeHeader { index, name: &a, value: &b });
        reply_survives(Reply::ReplaceBody(&octets));
        reply_survives(Reply::AddRecipient(&a));
        reply_survives(Reply::AddRecipientWithArgs { path: &a, args });
        reply_survives(Reply::DeleteRecipient(&a));
        reply_survives(Reply::ChangeFrom { path: &a, args });
        reply_survives(Reply::Quarantine(&a));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(octets in vec(any::<u8>(), 0..300)) {
        let _ = decode(&octets, LONGEST);
        let _ = Reply::decode(&octets, LONGEST);
        let mut framed = u32::try_from(octets.len()).unwrap().to_be_bytes().to_vec();
        framed.extend_from_slice(&octets);
        // What can be read is read the same again after it was written.
        if let Ok(Some((command, _))) = decode(&framed, LONGEST) {
            command_survives(command);
        }
    }
}

#[test]
fn bare_commands_and_replies_survive_the_wire() {
    use Command::{Abort, Data, EndOfHeader, Quit, QuitNewConnection};
    for command in [Data, EndOfHeader, Abort, Quit, QuitNewConnection] {
        command_survives(command);
    }
    use Reply::{
        Accept, ConnectionFail, Continue, Discard, Progress, Reject, Shutdown, Skip, TempFail,
    };
    let bare =
        [Continue, Accept, Reject, TempFail, Discard, Skip, Progress, Shutdown, ConnectionFail];
    for reply in bare {
        reply_survives(reply);
    }
}

#[test]
fn lists_of_macros_survive_the_wire() {
    let mut buf = Vec::new();
    let lists = [(SymbolStage::Helo, "{tls_version} {cipher}"), (SymbolStage::EndOfMessage, "i")];
    let symbols = Symbols::write(&lists, &mut buf);
    let (actions, protocol) = (Actions::SET_SYMBOLS, Protocol::SKIP);
    reply_survives(Reply::Negotiate(Options { version: 6, actions, protocol, symbols }));
    let read: Vec<_> = symbols.iter().collect();
    assert_eq!(read, [(1, &b"{tls_version} {cipher}"[..]), (5, b"i")]);
}

#[test]
fn a_frame_longer_than_the_bound_is_refused() {
    let mut wire = Vec::new();
    Command::Body(&[b'x'; 100]).encode(&mut wire);
    assert!(matches!(decode(&wire, 101), Ok(Some(_))));
    assert_eq!(decode(&wire, 100), Err(DecodeError::TooLong { length: 101, longest: 100 }));
}
