//! A bucket of an S3 service behind TLS.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::tls::Tls;

/// Takes what is put; has nothing to list. It ends with the process.
pub struct Bucket {
    pub port: u16,
    /// The certificate that clients must know, in PEM.
    pub certificate: String,
    pub objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Bucket {
    pub fn start() -> Self {
        let tls = Tls::of("localhost");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let objects = Arc::default();
        let bucket =
            Self { port, certificate: tls.certificate.clone(), objects: Arc::clone(&objects) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, objects) = (tls.clone(), Arc::clone(&objects));
                // Whoever breaks off has had enough.
                thread::spawn(move || serve(stream, &tls, &objects));
            }
        });
        bucket
    }
}

fn serve(
    stream: TcpStream,
    tls: &Tls,
    objects: &Mutex<BTreeMap<String, Vec<u8>>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut client = BufReader::new(tls.accept(stream));
    loop {
        let (mut request, mut length) = (String::new(), 0);
        if client.read_line(&mut request)? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            client.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        client.read_exact(&mut body)?;
        let mut words = request.split(' ');
        let mut answer = "";
        match (words.next(), words.next()) {
            (Some("PUT"), Some(path)) => {
                objects.lock().unwrap().insert(path.to_owned(), body);
            }
            _ => answer = "<ListBucketResult></ListBucketResult>",
        }
        let head =
            format!("HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\n", answer.len());
        client.get_mut().write_all(format!("{head}\r\n{answer}").as_bytes())?;
        client.get_mut().flush()?;
    }
}
