//! What only Redis has: notifications that are off, databases that are emptied, users, sentinels, clusters.

use std::future::Future;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kvstore::redis::{RedisConfig, RedisStore, RedisTls};
use kvstore::{Compare, Lifetime, Operation, Store, StoreError, Transaction, Value};
use libtest_mimic::Trial;

use crate::follower::{Follower, PATIENCE};
use crate::scenarios::{key, number};
use crate::servers::{Kind, Server, redis_config};
use crate::tls::Certificates;
use crate::trial;

pub(crate) fn all() -> Vec<Trial> {
    fn row<F: Future<Output = ()> + Send + 'static>(name: &str, scenario: fn() -> F) -> Trial {
        trial(Kind::Redis, name, scenario)
    }
    vec![
        row("notifications_are_turned_on_and_those_of_others_kept", notifications),
        row("the_command_that_is_missing_is_told_where_the_agent_may_not", may_not_configure),
        row("values_that_expire_or_are_renamed_are_known_to_go", expiry),
        row("an_emptied_database_is_noticed", emptied),
        row("other_types_and_keys_that_are_no_text_are_told_as_such", other_types),
        row("databases_do_not_see_each_other", databases),
        row("a_hundred_thousand_keys_are_taken", many_keys),
        row("passwords_and_certificates_are_checked", access),
        row("the_new_master_is_taken_after_a_failover_of_sentinels", sentinels),
        row("all_nodes_of_a_cluster_are_followed", cluster),
        row("a_change_is_known_within_milliseconds", latency),
    ]
}

fn store(config: &RedisConfig) -> Arc<dyn Store> {
    Arc::new(RedisStore::new(config).unwrap())
}

/// Runs a command with the client of Redis.
fn cli(port: u16, words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

async fn notifications() {
    let server = Server::start_with(Kind::Redis, &["--notify-keyspace-events", "El"]).await;
    let store = server.direct();
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[]).await;
    let flags = cli(server.port, &["config", "get", "notify-keyspace-events"]);
    let flags = flags.lines().last().unwrap();
    assert!("KElg$xe".chars().all(|flag| flags.contains(flag)), "{flags}");
    store.put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 1)]).await;
}

async fn may_not_configure() {
    let folder = tempfile::tempdir().unwrap();
    let acl = folder.path().join("users.acl");
    std::fs::write(&acl, "user default on nopass ~* &* +@all -config\nuser admin on >admin ~* &* +@all\n")
        .unwrap();
    let server = Server::start_with(Kind::Redis, &["--aclfile", acl.to_str().unwrap()]).await;
    let mut follower = Follower::of(server.direct(), "vpp1");
    let problem = follower.problem().await;
    for words in
        ["CONFIG SET notify-keyspace-events Kg$xe", "redis-cli -h 127.0.0.1 -p", "tells of no changes"]
    {
        assert!(problem.contains(words), "`{words}` is not in: {problem}");
    }
    // Somebody who may does it.
    cli(
        server.port,
        &["--user", "admin", "--pass", "admin", "config", "set", "notify-keyspace-events", "Kg$xe"],
    );
    follower.knows(&[]).await;
    server.direct().put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 1)]).await;
}

async fn expiry() {
    let server = Server::start(Kind::Redis).await;
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[]).await;
    cli(server.port, &["set", &key("a"), "1", "px", "300"]);
    follower.knows(&[("a", 1)]).await;
    follower.knows(&[]).await;
    cli(server.port, &["mset", &key("b"), "1", &key("c"), "2"]);
    follower.knows(&[("b", 1), ("c", 2)]).await;
    cli(server.port, &["rename", &key("b"), &key("d")]);
    follower.knows(&[("c", 2), ("d", 1)]).await;
    cli(server.port, &["incrby", &key("c"), "5"]);
    follower.knows(&[("c", 7), ("d", 1)]).await;
    cli(server.port, &["unlink", &key("c"), &key("d")]);
    follower.knows(&[]).await;
}

async fn emptied() {
    let server = Server::start(Kind::Redis).await;
    let store = server.direct();
    for name in ["a", "b"] {
        store.put(&key(name), number(1), Lifetime::Permanent).await.unwrap();
    }
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[("a", 1), ("b", 1)]).await;
    cli(server.port, &["flushall"]);
    follower.knows(&[]).await;
    store.put(&key("c"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("c", 1)]).await;
}

async fn other_types() {
    let server = Server::start(Kind::Redis).await;
    cli(server.port, &["hset", &key("hash"), "a", "1"]);
    cli(server.port, &["set", &key("good"), "1"]);
    let script = "redis.call('set', '/vnf-agent/vpp1/\\255', '1')";
    cli(server.port, &["eval", script, "0"]);
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.until(|follower| follower.state.len() == 3).await;
    assert_eq!(follower.numbers()["good"], 1);
    for (name, words) in [("hash", "another type"), ("\u{fffd}", "UTF-8")] {
        let Value::Undecodable { reason, .. } = &follower.state[&key(name)].value else { panic!("{name}") };
        assert!(reason.contains(words), "{reason}");
    }
    assert_eq!(follower.problem, None);
}

async fn databases() {
    let server = Server::start(Kind::Redis).await;
    let two = store(&RedisConfig { db: 2, ..redis_config(server.port) });
    let (mut in_0, mut in_2) = (Follower::of(server.direct(), "vpp1"), Follower::of(two.clone(), "vpp1"));
    in_0.knows(&[]).await;
    in_2.knows(&[]).await;
    two.put(&key("a"), number(2), Lifetime::Permanent).await.unwrap();
    in_2.knows(&[("a", 2)]).await;
    in_0.silence().await;
}

async fn many_keys() {
    let server = Server::start_with(Kind::Redis, &["--appendonly", "no"]).await;
    let fill =
        "for i = 1, 100000 do redis.call('set', '/vnf-agent/vpp1/k/' .. i, '{\"n\": ' .. i .. '}') end";
    cli(server.port, &["eval", fill, "0"]);
    let since = Instant::now();
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.next().await;
    eprintln!("100000 keys: {:?} (other tests run beside)", since.elapsed());
    assert_eq!(follower.state.len(), 100_000);
    // All at once, more than a pipe of Redis holds for somebody who is slow.
    cli(server.port, &["eval", "for i = 1, 100000 do redis.call('del', '/vnf-agent/vpp1/k/' .. i) end", "0"]);
    follower.knows(&[]).await;
}

async fn access() {
    let folder = tempfile::tempdir().unwrap();
    let files = Certificates::write(folder.path());
    let port = crate::servers::free_port();
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let arguments = [
        "--tls-port".to_owned(),
        port.to_string(),
        "--port".to_owned(),
        "0".to_owned(),
        "--tls-cert-file".to_owned(),
        text(&files.server_cert),
        "--tls-key-file".to_owned(),
        text(&files.server_key),
        "--tls-ca-cert-file".to_owned(),
        text(&files.ca),
        "--requirepass".to_owned(),
        "secret".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut server = Server::stopped(Kind::Redis, &arguments).await;
    server.port = port;
    server.run().await;
    let good = RedisConfig {
        password: "secret".into(),
        tls: RedisTls {
            enabled: true,
            ca_file: Some(files.ca),
            cert_file: Some(files.client_cert),
            key_file: Some(files.client_key),
            skip_verify: false,
        },
        ..redis_config(port)
    };
    let mut follower = Follower::of(store(&good), "vpp1");
    follower.knows(&[]).await;
    store(&good).put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 1)]).await;
    let tls = good.tls.clone();
    for (config, words) in [
        (RedisConfig { password: "wrong".into(), ..good.clone() }, &["denies access", "password"][..]),
        (RedisConfig { password: "".into(), ..good.clone() }, &["denies access", "NOAUTH"]),
        (
            RedisConfig { tls: RedisTls { ca_file: Some(files.other_ca), ..tls.clone() }, ..good.clone() },
            &["certificate is not trusted", "tls.ca-file"],
        ),
        (RedisConfig { tls: RedisTls { key_file: None, ..tls.clone() }, ..good.clone() }, &["tls.key-file"]),
        (RedisConfig { tls: RedisTls::default(), ..good.clone() }, &["127.0.0.1"]),
    ] {
        let problem = Follower::of(store(&config), "vpp1").problem().await;
        for word in words {
            assert!(problem.contains(word), "`{word}` is not in: {problem}");
        }
        assert!(!problem.contains("secret"), "{problem}");
    }
    let unchecked = RedisConfig { tls: RedisTls { ca_file: None, skip_verify: true, ..tls }, ..good };
    assert!(store(&unchecked).get(&key("a")).await.unwrap().is_some());
}

async fn sentinels() {
    let mut master = Server::start(Kind::Redis).await;
    let replica =
        Server::start_with(Kind::Redis, &["--replicaof", &format!("127.0.0.1 {}", master.port)]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sentinel.conf");
    let settings = format!(
        "sentinel monitor mymaster 127.0.0.1 {} 1\nsentinel down-after-milliseconds mymaster 500\n\
         sentinel failover-timeout mymaster 2000\n",
        master.port
    );
    std::fs::write(&file, settings).unwrap();
    let sentinel = Server::start_with(Kind::Redis, &[file.to_str().unwrap(), "--sentinel"]).await;
    let config = RedisConfig {
        endpoint: String::new(),
        endpoints: vec![
            format!("127.0.0.1:{}", crate::servers::free_port()),
            format!("127.0.0.1:{}", sentinel.port),
        ],
        master_name: "mymaster".to_owned(),
        ..redis_config(0)
    };
    let through = store(&config);
    let mut follower = Follower::of(through.clone(), "vpp1");
    follower.knows(&[]).await;
    through.put(&key("a"), number(1), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 1)]).await;
    // The sentinel knows the replica, and the replica has the value.
    let since = Instant::now();
    while cli(replica.port, &["get", &key("a")]) != "1"
        || !cli(sentinel.port, &["sentinel", "replicas", "mymaster"]).contains(&replica.port.to_string())
    {
        assert!(since.elapsed() < PATIENCE, "no replica");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    master.stop();
    follower.problem().await;
    assert_eq!(follower.state.len(), 1);
    follower.until(|follower| follower.problem.is_none()).await;
    follower.knows(&[("a", 1)]).await;
    through.put(&key("a"), number(2), Lifetime::Permanent).await.unwrap();
    follower.knows(&[("a", 2)]).await;
    assert_eq!(cli(replica.port, &["get", &key("a")]), "2");

    let unknown = store(&RedisConfig { master_name: "other".to_owned(), ..config });
    let problem = Follower::of(unknown, "vpp1").problem().await;
    assert!(problem.contains("no master-name other"), "{problem}");
    // A replica is no place to follow or write.
    let second =
        Server::start_with(Kind::Redis, &["--replicaof", &format!("127.0.0.1 {}", replica.port)]).await;
    let problem = Follower::of(second.direct(), "vpp1").problem().await;
    assert!(problem.contains("is a slave") && problem.contains("name the master"), "{problem}");
}

async fn cluster() {
    let mut nodes = Vec::new();
    for _ in 0..3 {
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
        let mut node = Server::stopped(Kind::Redis, &arguments).await;
        // The port that nodes talk to each other on is 10000 higher.
        // Below the ports that the system gives to others.
        node.port = 20_000 + fastrand::u16(..12_000);
        node.run().await;
        nodes.push(node);
    }
    let addresses: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let mut words = vec!["--cluster", "create"];
    words.extend(addresses.iter().map(String::as_str));
    words.push("--cluster-yes");
    let made = cli(nodes[0].port, &words);
    assert!(made.contains("All 16384 slots covered"), "{made}");
    let since = Instant::now();
    while !nodes.iter().all(|node| cli(node.port, &["cluster", "info"]).contains("cluster_state:ok")) {
        assert!(since.elapsed() < PATIENCE, "the cluster does not come up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let config =
        RedisConfig { endpoint: String::new(), endpoints: vec![addresses[1].clone()], ..redis_config(0) };
    let through = store(&config);
    let mut follower = Follower::of(through.clone(), "vpp1");
    follower.until(|follower| follower.snapshots > 0).await;
    let names: Vec<String> = (0..60).map(|i| format!("k{i}")).collect();
    for name in &names {
        through.put(&key(name), number(1), Lifetime::Permanent).await.unwrap();
    }
    let rows: Vec<(&str, i64)> = names.iter().map(|name| (name.as_str(), 1)).collect();
    follower.knows(&rows).await;
    let mut late = Follower::of(through.clone(), "vpp1");
    late.knows(&rows).await;
    assert_eq!(through.list(&key("")).await.unwrap().items.len(), 60);
    for node in &nodes {
        let count: usize = cli(node.port, &["dbsize"]).parse().unwrap();
        assert!(count > 0 && count < 60, "the keys are on all nodes");
    }
    // Keys of one slot can be changed together, others not.
    let put = |name: &str| Operation::Put(key(name), number(2));
    let together = Transaction {
        compare: vec![Compare::Absent(key("{t}1"))],
        operations: vec![put("{t}1"), put("{t}2")],
    };
    assert!(through.transaction(together).await.unwrap());
    let apart = Transaction { compare: vec![], operations: vec![put("k1"), put("k2")] };
    let error = through.transaction(apart).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Refused { .. }) && error.to_string().contains("several nodes"),
        "{error}"
    );

    // Slots move while they are written, and nothing is missed.
    let (from, to) = (cli(nodes[0].port, &["cluster", "myid"]), cli(nodes[2].port, &["cluster", "myid"]));
    let (port, address) = (nodes[0].port, addresses[0].clone());
    let moving = tokio::task::spawn_blocking(move || {
        cli(
            port,
            &[
                "--cluster",
                "reshard",
                &address,
                "--cluster-from",
                &from,
                "--cluster-to",
                &to,
                "--cluster-slots",
                "5000",
                "--cluster-yes",
            ],
        )
    });
    let mut n = 2;
    while !moving.is_finished() {
        for name in &names {
            through.put(&key(name), number(n), Lifetime::Permanent).await.unwrap();
        }
        n += 1;
    }
    moving.await.unwrap();
    for name in &names {
        through.put(&key(name), number(n), Lifetime::Permanent).await.unwrap();
    }
    let rows: Vec<(&str, i64)> =
        names.iter().map(|name| (name.as_str(), n)).chain([("{t}1", 2), ("{t}2", 2)]).collect();
    follower.knows(&rows).await;
    late.knows(&rows).await;
}

async fn latency() {
    let server = Server::start_with(Kind::Redis, &["--appendonly", "no"]).await;
    let store = server.direct();
    let mut follower = Follower::of(server.direct(), "vpp1");
    follower.knows(&[]).await;
    let mut times = Vec::new();
    for n in 0..200 {
        let since = Instant::now();
        store.put(&key("a"), number(n), Lifetime::Permanent).await.unwrap();
        follower.knows(&[("a", n)]).await;
        times.push(since.elapsed());
    }
    times.sort();
    eprintln!("put until known: median {:?}, 99 % {:?}", times[100], times[198]);
    assert!(times[100] < Duration::from_millis(20), "median {:?}", times[100]);
}
