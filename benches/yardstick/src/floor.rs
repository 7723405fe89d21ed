//! The least that a verdict can cost on this machine: what must be done whoever does it, measured apart.
//!
//! Prints microseconds of CPU, and those of the stages beside them: of one pass at memory speed, of the hashes and the signatures of DKIM, and of a
//! connection on loopback that only takes the frames of a message and answers "continue".
//!
//! Invariant: what is told is CPU time of this process, so that other builds beside it change little.

use std::hint::black_box;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use mail_auth::common::crypto::{RsaKey, Sha256, SigningKey};
use nix::time::{ClockId, clock_gettime};
use ring::digest::{SHA256, digest};
use ring::signature::{
    ED25519, Ed25519KeyPair, KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use yardstick::{frames, samples};

use crate::stages;

/// Signs in tests and benches and nowhere else; the key of `crates/checks/tests/data`.
const RSA: &str = include_str!("../../../crates/checks/tests/data/rsa2048.pem");
const RSA_PUBLIC: &str = include_str!("rsa2048.pub");
const TIMES: u32 = 2_000;

/// Measures and prints all of it.
pub(crate) fn run() -> Result<(), Box<dyn std::error::Error>> {
    let samples = samples();
    let size = samples.iter().map(|sample| sample.raw.len()).sum::<usize>() / samples.len();
    let text: Vec<u8> =
        samples.iter().flat_map(|sample| sample.raw.iter().copied()).take(size).collect();
    println!("microseconds of CPU, over {size} bytes where it is a message");
    told("one pass (memchr)", measure(|| memchr::memchr(0, black_box(&text))));
    told("one copy", measure(|| black_box(&text).clone()));
    told("SHA-256", measure(|| digest(&SHA256, black_box(&text))));

    #[allow(deprecated, reason = "spares a dependency on the key format's crate")]
    let key = RsaKey::<Sha256>::from_rsa_pem(RSA)?;
    let signed = key.sign(&text[..])?;
    let public = data_encoding::BASE64.decode(RSA_PUBLIC.trim().as_bytes())?;
    // ring takes the bare RSAPublicKey, past the 24 bytes of the SubjectPublicKeyInfo around it.
    let public =
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.get(24..).unwrap_or_default());
    public.verify(&text, &signed).map_err(|_| "the signature does not fit")?;
    told(
        "RSA-2048 verify, its SHA-256 included",
        measure(|| public.verify(black_box(&text), &signed)),
    );

    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).map_err(|_| "no key")?;
    let signed = key.sign(&text[..32]);
    let public = UnparsedPublicKey::new(&ED25519, key.public_key().as_ref().to_vec());
    told("Ed25519 verify", measure(|| public.verify(black_box(&text[..32]), signed.as_ref())));

    let told_frames: Vec<Vec<u8>> = samples.iter().map(frames::transaction).collect();
    told("a connection over TCP, both sides", over_tcp(&told_frames)?);
    told("a connection over a UNIX socket, both sides", over_unix(&told_frames)?);
    Ok(stages::times(cpu)?)
}

fn told(what: &str, micros: f64) {
    println!("{what:<44} {micros:9.2}");
}

fn measure<T>(mut run: impl FnMut() -> T) -> f64 {
    let begun = cpu();
    for _ in 0..TIMES {
        black_box(run());
    }
    (cpu() - begun).as_secs_f64() * 1e6 / f64::from(TIMES)
}

/// CPU time of the process.
fn cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Each message over a connection of its own: offer and its answer, all frames, one answer.
fn over_tcp(messages: &[Vec<u8>]) -> io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = std::thread::spawn(move || -> io::Result<()> {
        for _ in 0..TIMES {
            let (stream, _) = listener.accept()?;
            stream.set_nodelay(true)?;
            serve(stream)?;
        }
        Ok(())
    });
    let begun = cpu();
    for message in messages.iter().cycle().take(TIMES as usize) {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        ask(stream, message)?;
    }
    server.join().map_err(|_| io::Error::other("the server panicked"))??;
    Ok((cpu() - begun).as_secs_f64() * 1e6 / f64::from(TIMES))
}

fn over_unix(messages: &[Vec<u8>]) -> io::Result<f64> {
    let path = std::env::temp_dir().join(format!("tidegate-floor.{}", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let server = std::thread::spawn(move || -> io::Result<()> {
        (0..TIMES).try_for_each(|_| serve(listener.accept()?.0))
    });
    let begun = cpu();
    let mut asked = messages.iter().cycle().take(TIMES as usize);
    let asked = asked.try_for_each(|message| ask(UnixStream::connect(&path)?, message));
    std::fs::remove_file(&path)?;
    asked?;
    server.join().map_err(|_| io::Error::other("the server panicked"))??;
    Ok((cpu() - begun).as_secs_f64() * 1e6 / f64::from(TIMES))
}

fn ask(mut stream: impl Read + Write, message: &[u8]) -> io::Result<()> {
    stream.write_all(&frames::negotiation())?;
    let mut answer = [0; 17];
    stream.read_exact(&mut answer)?;
    stream.write_all(message)?;
    stream.read_exact(&mut answer[..5])
}

fn serve(mut stream: impl Read + Write) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    let mut offer = [0; 17];
    stream.read_exact(&mut offer)?;
    stream.write_all(&offer)?;
    loop {
        let count = stream.read(&mut buffer)?;
        // The frame that ends a message is the last one told.
        if count == 0 || buffer[..count].ends_with(&[0, 0, 0, 1, b'E']) {
            break;
        }
    }
    stream.write_all(&[0, 0, 0, 1, b'c'])
}
