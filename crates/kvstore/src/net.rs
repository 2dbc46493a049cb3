//! Connections to stores: addresses, TCP, TLS.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where a store listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// What comes before `://`, if anything does.
    pub(crate) scheme: Option<String>,
    /// Host name or IP address, without brackets.
    pub(crate) host: String,
    /// TCP port.
    pub(crate) port: u16,
}

impl Address {
    /// Reads `[scheme://]host[:port][/]`.
    pub(crate) fn parse(text: &str, default_port: u16) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!("expected an address such as 127.0.0.1:{default_port}, found `{text}`: {what}")
        };
        let (scheme, rest) = match text.trim().split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text.trim()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '@']) || rest.contains(char::is_whitespace) {
            return Err(wrong("there is more than host and port"));
        }
        let (host, port) = if let Some(inner) = rest.strip_prefix('[') {
            let (host, after) = inner.split_once(']').ok_or_else(|| wrong("a bracket is not closed"))?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return Err(wrong("a bracket is followed by something else than a port")),
            }
        } else {
            match rest.rsplit_once(':') {
                Some((host, _)) if host.contains(':') => {
                    return Err(wrong("an IPv6 address is written in brackets"));
                }
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            }
        };
        if host.is_empty() {
            return Err(wrong("there is no host"));
        }
        let port = match port {
            Some(port) => port
                .parse()
                .ok()
                .filter(|&p| p != 0)
                .ok_or_else(|| wrong("the port is no number from 1 to 65535"))?,
            None => default_port,
        };
        Ok(Self { scheme, host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// How TLS is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Certificates of the authorities that are trusted, PEM; those of the system if there is none.
    pub(crate) ca_file: Option<PathBuf>,
    /// Our certificate, PEM.
    pub(crate) cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub(crate) key_file: Option<PathBuf>,
    /// Whoever answers is trusted.
    pub(crate) skip_verify: bool,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// Nobody answers.
    Unreachable(String),
    /// Somebody answers, but not with TLS, or without a certificate that is trusted.
    Tls(String),
    /// A setting is wrong: its name and why.
    Setting(&'static str, String),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(reason) | Self::Tls(reason) => f.write_str(reason),
            Self::Setting(setting, reason) => write!(f, "{setting}: {reason}"),
        }
    }
}

impl std::error::Error for ConnectError {}

impl Tls {
    /// Reads the files, each time anew: certificates are renewed while the agent runs.
    pub(crate) fn client_config(&self, protocols: &[&[u8]]) -> Result<ClientConfig, ConnectError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| ConnectError::Tls(error.to_string()))?;
        let builder = if self.skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyServer(provider)))
        } else {
            builder.with_root_certificates(self.roots()?)
        };
        let mut config = match (&self.cert_file, &self.key_file) {
            (Some(cert), Some(key)) => {
                let certificates = certificates("cert-file", cert)?;
                let key_error = |reason: String| {
                    ConnectError::Setting("key-file", format!("{}: {reason}", key.display()))
                };
                let key = PrivateKeyDer::from_pem_file(key).map_err(|error| key_error(error.to_string()))?;
                builder
                    .with_client_auth_cert(certificates, key)
                    .map_err(|error| key_error(error.to_string()))?
            }
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) => {
                return Err(ConnectError::Setting("key-file", "is not set, and cert-file is".to_owned()));
            }
            (None, Some(_)) => {
                return Err(ConnectError::Setting("cert-file", "is not set, and key-file is".to_owned()));
            }
        };
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }

    fn roots(&self) -> Result<RootCertStore, ConnectError> {
        let mut roots = RootCertStore::empty();
        if let Some(file) = &self.ca_file {
            for certificate in certificates("ca-file", file)? {
                roots.add(certificate).map_err(|error| {
                    ConnectError::Setting("ca-file", format!("{}: {error}", file.display()))
                })?;
            }
        } else {
            // Those that cannot be used are many systems' normal state; if none can the handshake tells.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Ok(roots)
    }
}

fn certificates(setting: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let wrong = |reason: String| ConnectError::Setting(setting, format!("{}: {reason}", file.display()));
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("there is no certificate in it (expected PEM)".to_owned()));
    }
    Ok(certificates)
}

/// Trusts whoever answers, as was asked for.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// A connection.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects, with TLS if `tls` is given; `protocols` are those that are offered then.
pub(crate) async fn connect(
    address: &Address,
    tls: Option<&Tls>,
    protocols: &[&[u8]],
    timeout: Duration,
) -> Result<Stream, ConnectError> {
    let config = tls.map(|tls| tls.client_config(protocols)).transpose()?;
    let connecting = async {
        let tcp = TcpStream::connect((address.host.as_str(), address.port))
            .await
            .map_err(|error| ConnectError::Unreachable(error.to_string()))?;
        // Only slower without.
        let _ = tcp.set_nodelay(true);
        let Some(config) = config else { return Ok(Stream::Plain(tcp)) };
        let name = ServerName::try_from(address.host.clone())
            .map_err(|error| ConnectError::Tls(format!("{} is no name for TLS: {error}", address.host)))?;
        let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
        connected
            .map(|stream| Stream::Tls(Box::new(stream)))
            .map_err(|error| ConnectError::Tls(tls_reason(&error)))
    };
    tokio::time::timeout(timeout, connecting)
        .await
        .unwrap_or_else(|_| Err(ConnectError::Unreachable(format!("no answer within {timeout:?}"))))
}

fn tls_reason(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidMessage(_)) => "the answer is not TLS".to_owned(),
        Some(rustls::Error::InvalidCertificate(reason)) => {
            format!("its certificate is not trusted: {reason}")
        }
        Some(other) => format!("TLS: {other}"),
        None if error.kind() == io::ErrorKind::UnexpectedEof => "it hangs up on TLS".to_owned(),
        None => format!("TLS: {error}"),
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        for (text, expected) in [
            ("127.0.0.1:2379", Some("127.0.0.1:2379")),
            ("http://etcd.example:1/", Some("etcd.example:1")),
            ("HTTPS://etcd", Some("etcd:2379")),
            ("[::1]:5", Some("[::1]:5")),
            ("[::1]", Some("[::1]:2379")),
            ("::1", None),
            ("", None),
            (":2379", None),
            ("host:", None),
            ("host:0", None),
            ("host:99999", None),
            ("host:1/path", None),
            ("user@host:1", None),
            ("[::1", None),
        ] {
            let address = Address::parse(text, 2379);
            assert_eq!(
                address.as_ref().ok().map(Address::to_string).as_deref(),
                expected,
                "{text}: {address:?}"
            );
        }
        assert_eq!(Address::parse("HTTPS://etcd", 1).unwrap().scheme.as_deref(), Some("https"));
    }
}
