//! What only Consul has: tokens, an index that begins anew, limits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kvstore::consul::{ConsulConfig, ConsulStore};
use kvstore::{Lifetime, Store, StoreError};
use libtest_mimic::Trial;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::follower::Follower;
use crate::scenarios::{key, number};
use crate::servers::{Kind, Server, consul_config, free_port};
use crate::tls::Certificates;
use crate::trial;
use doubles::consul::Double;

pub(crate) fn all() -> Vec<Trial> {
    fn row<F: Future<Output = ()> + Send + 'static>(name: &str, scenario: fn() -> F) -> Trial {
        trial(Kind::Consul, name, scenario)
    }
    vec![
        row("a_token_is_given_and_a_bad_one_told", tokens),
        row("certificates_are_checked", certificates),
        row("a_store_that_was_wiped_is_read_again", wiped),
        row("a_value_that_is_too_large_is_refused_with_its_key", limits),
    ]
}

fn store(config: &ConsulConfig) -> Arc<dyn Store> {
    Arc::new(ConsulStore::new(config).unwrap())
}

async fn tokens() {
    let server = Server::start(Kind::Consul).await;
    server.direct().put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    server.double().demand("good", "blind");
    let with = |token: &str| store(&ConsulConfig { token: token.into(), ..consul_config(server.port) });
    Follower::of(with("good"), "vpp1").knows(&[("a", 1)]).await;
    for (token, words) in
        [("bad", "ACL not found"), ("", "ACL not found"), ("blind", "may not read all keys")]
    {
        let problem = Follower::of(with(token), "vpp1").problem().await;
        assert!(problem.contains("denies access") && problem.contains(words), "{token}: {problem}");
        assert!(problem.contains("key_prefix \"vnf-agent/\""), "{problem}");
    }
    // One that may not read any more: nothing looks deleted.
    let mut follower = Follower::of(with("good"), "vpp1");
    follower.knows(&[("a", 1)]).await;
    server.double().demand("other", "good");
    // What was asked before is answered yet.
    for n in 0.. {
        with("other").put(&key("b"), number(n), Lifetime::Permanent).await.unwrap();
        let event = tokio::time::timeout(Duration::from_millis(500), follower.next()).await;
        if follower.problem.is_some() {
            break;
        }
        assert!(n < 20, "it goes on being told: {event:?}");
    }
    assert_eq!(follower.numbers()["a"], 1);
}

async fn certificates() {
    let folder = tempfile::tempdir().unwrap();
    let files = Certificates::write(folder.path());
    let chain = CertificateDer::pem_file_iter(&files.server_cert).unwrap().map(Result::unwrap).collect();
    let private = PrivateKeyDer::from_pem_file(&files.server_key).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .unwrap();
    let port = free_port();
    let _server = Double::default().serve(port, Some(TlsAcceptor::from(Arc::new(tls)))).await;
    let good = ConsulConfig {
        address: format!("https://127.0.0.1:{port}"),
        ca_file: Some(files.ca),
        ..consul_config(port)
    };
    store(&good).put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    Follower::of(store(&good), "vpp1").knows(&[("a", 1)]).await;
    for (config, words) in [
        (ConsulConfig { ca_file: Some(files.other_ca), ..good.clone() }, "certificate is not trusted"),
        (ConsulConfig { address: format!("127.0.0.1:{port}"), ..good.clone() }, "127.0.0.1"),
    ] {
        let problem = Follower::of(store(&config), "vpp1").problem().await;
        assert!(problem.contains(words), "{problem}");
    }
    let plain = Server::start(Kind::Consul).await;
    let config = ConsulConfig { address: format!("https://127.0.0.1:{}", plain.port), ..consul_config(0) };
    let problem = Follower::of(store(&config), "vpp1").problem().await;
    assert!(problem.contains("TLS") && problem.contains("http://"), "{problem}");
}

async fn wiped() {
    let server = Server::start(Kind::Consul).await;
    let store = server.direct();
    for n in 0..20 {
        store.put(&key("a"), number(n), Lifetime::Permanent).await.unwrap();
    }
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[("a", 19)]).await;
    server.double().wipe();
    follower.knows(&[]).await;
    store.put(&key("b"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("b", 1)]).await;
}

async fn limits() {
    let server = Server::start(Kind::Consul).await;
    let store = server.direct();
    let large = Bytes::from(vec![b'1'; 600 << 10]);
    let error = store.put(&key("large"), large, Lifetime::Permanent).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused { .. }), "{error}");
    assert!(
        error.to_string().contains("vnf-agent/vpp1/large") && error.to_string().contains("too large"),
        "{error}"
    );
    assert_eq!(store.get(&key("large")).await.unwrap(), None);
}
