//! Encoding and decoding of the messages that an agent sends and gets most.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use binapi_core::{FixedString, Frame, Header, Message};
use binapi_messages::acl::v2106::AclAddReplace;
use binapi_messages::interface::v2106::SwInterfaceDetails;
use binapi_messages::ip::v2106::IpRouteAddDel;
use binapi_messages::vpe::v1810::ControlPing;
use bytes::BytesMut;
use criterion::{Criterion, criterion_group, criterion_main};

fn both<M: Message>(c: &mut Criterion, name: &str, message: M) {
    let frame = Frame { id: 100, header: Header { client_index: 1, context: 7 }, message };
    let mut buffer = BytesMut::with_capacity(1 << 16);
    frame.encode(&mut buffer).unwrap();
    let bytes = buffer.clone().freeze();
    c.bench_function(&format!("encode {name}, {} bytes", bytes.len()), |b| {
        b.iter(|| {
            buffer.clear();
            black_box(&frame).encode(&mut buffer).unwrap();
        });
    });
    c.bench_function(&format!("decode {name}, {} bytes", bytes.len()), |b| {
        b.iter(|| Frame::<M>::decode(black_box(&bytes)).unwrap());
    });
}

fn codec(c: &mut Criterion) {
    both(c, "control_ping", ControlPing {});
    let details = SwInterfaceDetails {
        sw_if_index: 7,
        interface_name: FixedString::new("GigabitEthernet0/8/0").unwrap(),
        tag: FixedString::new("uplink").unwrap(),
        ..Default::default()
    };
    both(c, "sw_interface_details", details);
    for paths in [1, 16] {
        let mut route = IpRouteAddDel { is_add: true, ..Default::default() };
        route.route.paths.resize(paths, Default::default());
        both(c, &format!("ip_route_add_del with {paths} paths"), route);
    }
    let mut acl = AclAddReplace { acl_index: u32::MAX, ..Default::default() };
    acl.r.resize(100, Default::default());
    both(c, "acl_add_replace with 100 rules", acl);
}

criterion_group!(benches, codec);
criterion_main!(benches);
