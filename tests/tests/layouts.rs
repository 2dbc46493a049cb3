//! One name, one CRC, two layouts: why the choice of a release looks at more than CRCs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod common;

use std::sync::{Arc, Mutex};

use common::calls::{net, through};
use common::server::{Behind, Reaction, Server};
use common::{connect, run, schema, sim};
use vppcalls::types::{Paths, Route};

const REQUEST: &str = "ip_route_add_del";

/// Writes a route to a simulated VPP; the bytes of the request after its header, and the route as it is read back.
fn write_and_read(release: &'static str, wanted: &Route) -> (Vec<u8>, Route) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("api.sock");
    let captured: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let requests = Arc::clone(&captured);
    let mut behind = Behind::new(sim(release));
    let server = Server::start(&path, false, move |connection, message| {
        if behind.name(message) == REQUEST {
            requests.lock().unwrap().push(message.to_vec());
        }
        Reaction::bytes(behind.answer(connection, message))
    });
    let found = run(async {
        let peer = connect(&path).await;
        assert_eq!(peer.selection.release, release);
        let interface = &peer.handlers.interface;
        assert_eq!(interface.add_loopback(None).await.expect("a loopback"), 1);
        interface.set_admin(1, true).await.expect("up");
        interface.add_address(1, net("10.10.1.1/24")).await.expect("an address");
        interface.add_address(1, net("2001:db8::1/64")).await.expect("an address");
        peer.handlers.l3.add_route(wanted, Paths::Replace).await.expect("a route");
        let routes = peer.handlers.l3.dump_routes().await.expect("a dump");
        peer.client.close().await;
        routes.into_iter().find(|r| r.prefix == wanted.prefix).expect("it is there")
    });
    drop(server);
    let [request] = <[_; 1]>::try_from(std::mem::take(&mut *captured.lock().unwrap())).expect("one request");
    (request[2..].to_vec(), found)
}

#[test]
fn one_route_has_other_bytes_on_20_01_and_20_05_and_reads_back_equal() {
    let (old, new) = (schema("20.01"), schema("20.05"));
    let crc = |schema: &vpp_schema::Schema| schema.message(REQUEST).expect("a message").crc();
    assert_eq!(crc(&old), crc(&new), "the CRC does not tell them apart");
    let mut weighted = through(1, "10.10.1.3");
    weighted.weight = 3;
    let routes = [
        Route { table: 0, prefix: net("192.168.10.0/24"), paths: vec![through(1, "10.10.1.2")] },
        Route { table: 0, prefix: net("192.168.11.0/24"), paths: vec![through(1, "10.10.1.2"), weighted] },
        Route { table: 0, prefix: net("2001:db8:1::/48"), paths: vec![through(1, "2001:db8::2")] },
    ];
    for route in &routes {
        let (old_bytes, old_found) = write_and_read("20.01", route);
        let (new_bytes, new_found) = write_and_read("20.05", route);
        assert_eq!(&old_found, route);
        assert_eq!(&new_found, route);
        assert_ne!(old_bytes.len(), new_bytes.len());

        // Each in its own layout says what was meant, all of it.
        let (meant, 0) = old.decode_and_rest(REQUEST, &old_bytes).expect("20.01's own") else {
            panic!("bytes are left");
        };
        let (also, 0) = new.decode_and_rest(REQUEST, &new_bytes).expect("20.05's own") else {
            panic!("bytes are left");
        };
        let destination = |fields: &serde_json::Value| {
            let prefix = &fields["route"]["prefix"];
            (prefix["address"]["un"].clone(), prefix["len"].clone(), fields["route"]["n_paths"].clone())
        };
        assert_eq!(destination(&meant), destination(&also));

        // In the other's layout it is refused, or taken for something else.
        for (bytes, other) in [(&old_bytes, &new), (&new_bytes, &old)] {
            match other.decode(REQUEST, bytes) {
                Err(error) => println!("{}: {} rejects it: {error}", route.prefix, other.release()),
                Ok(misread) => {
                    println!("{}: {} reads {:?}", route.prefix, other.release(), destination(&misread));
                    assert_ne!(destination(&misread), destination(&meant));
                }
            }
        }
    }
}
