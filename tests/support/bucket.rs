//! A bucket of an S3 service behind TLS, with the certificate of an authority that nobody knows but by its file.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Takes what is put; has nothing to list. It ends with the process.
pub struct Bucket {
    pub port: u16,
    /// The certificate that clients must know, in PEM.
    pub certificate: String,
    pub objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Bucket {
    pub fn start() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let signed = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![signed.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let objects = Arc::default();
        let bucket = Self { port, certificate: signed.pem(), objects: Arc::clone(&objects) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, objects) = (Arc::clone(&config), Arc::clone(&objects));
                // Whoever breaks off has had enough.
                thread::spawn(move || serve(stream, config, &objects));
            }
        });
        bucket
    }
}

fn serve(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    objects: &Mutex<BTreeMap<String, Vec<u8>>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let session = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut client = BufReader::new(StreamOwned::new(session, stream));
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
