//! A mail server on the loopback with TLS, whose certificate is for `localhost`.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A server; it ends with the test.
pub struct Server {
    /// Its port.
    pub port: u16,
    /// The file of the authority which signed its certificate.
    pub authority: PathBuf,
    told: Arc<Mutex<String>>,
}

impl Server {
    /// Begins to serve; `at_once`: with TLS from the first byte, else after STARTTLS.
    pub fn begin(folder: &Path, at_once: bool) -> Self {
        let (config, authority) = config(folder);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // A client which does not like the certificate goes away.
                let _ = serve(stream.unwrap(), &config, at_once, &kept);
            }
        });
        Server { port, authority, told }
    }

    /// Everything which it was told.
    pub fn told(&self) -> String {
        self.told.lock().unwrap().clone()
    }
}

fn config(folder: &Path) -> (Arc<ServerConfig>, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&own, &issuer).unwrap();
    let private = PrivateKeyDer::try_from(own.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let path = folder.join("authority.pem");
    std::fs::write(&path, pem).unwrap();
    (Arc::new(config), path)
}

fn serve(mut stream: TcpStream, config: &Arc<ServerConfig>, at_once: bool, told: &Mutex<String>) -> std::io::Result<()> {
    if !at_once {
        stream.write_all(b"220 here ESMTP\r\n")?;
        talk(&mut stream, told, true)?;
    }
    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    if at_once {
        stream.write_all(b"220 here ESMTP\r\n")?;
    }
    talk(&mut stream, told, false)
}

/// Talks until the client goes, or begins TLS if that is offered.
fn talk(stream: &mut (impl Read + Write), told: &Mutex<String>, offers_tls: bool) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut in_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        told.lock().unwrap().push_str(&line);
        let answer = match line.trim_end() {
            "." if in_data => {
                in_data = false;
                "250 taken\r\n"
            }
            _ if in_data => "",
            "DATA" => {
                in_data = true;
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            "STARTTLS" => "220 go on\r\n",
            hello if hello.starts_with("EHLO") && offers_tls => "250-here\r\n250 STARTTLS\r\n",
            hello if hello.starts_with("EHLO") => "250-here\r\n250 AUTH PLAIN\r\n",
            auth if auth.starts_with("AUTH") => "235 welcome\r\n",
            _ => "250 ok\r\n",
        };
        stream.get_mut().write_all(answer.as_bytes())?;
        stream.get_mut().flush()?;
        if line.trim_end() == "STARTTLS" {
            return Ok(());
        }
    }
}
