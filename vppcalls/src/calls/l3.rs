//! Routing tables and routes.

use async_trait::async_trait;
use ipnet::IpNet;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{FlowHash, Paths, Route, Table};

/// See the module.
#[async_trait]
pub trait L3Calls: Send + Sync {
    /// Adds a route, or gives it other paths. The destination has no bits behind its prefix, and a path at least; next
    /// hops are of its family. Up to 19.04 VPP takes one path at a time: when one is refused, those before it stay.
    async fn add_route(&self, route: &Route, paths: Paths) -> Result<()>;

    /// Removes what this API has put under a destination, with all its paths.
    async fn delete_route(&self, table: u32, prefix: IpNet) -> Result<()>;

    /// All routes of all tables, also those that VPP made itself.
    async fn dump_routes(&self) -> Result<Vec<Route>>;

    /// Makes a table, with a name of up to 63 bytes. One that is there stays as it is, and keeps its name.
    async fn add_table(&self, table: &Table) -> Result<()>;

    /// Removes a table, with what this API has put into it. It stays while VPP has something in it.
    async fn delete_table(&self, id: u32, ipv6: bool) -> Result<()>;

    /// All routing tables. Up to 19.04 VPP tells only of those that have routes.
    async fn dump_tables(&self) -> Result<Vec<Table>>;

    /// Sets what the choice among the paths of a table's routes is made by. VPP tells it in no message.
    async fn set_flow_hash(&self, table: u32, ipv6: bool, hash: FlowHash) -> Result<()>;
}

#[calls(L3Calls)]
pub(crate) mod handlers {
    use std::net::IpAddr;

    use async_trait::async_trait;
    use futures::future::{try_join, try_join_all};
    use ipnet::IpNet;

    use crate::L3Calls;
    use crate::check;
    use crate::error::{Error, Result};
    use crate::types::{FlowHash, NO_INTERFACE, PathKind, Paths, Route, RoutePath, Table};
    use crate::wire::{ApiText, Convert, Flag, address_bytes, address_from, network, text};

    #[async_trait]
    impl L3Calls for Handler {
        async fn add_route(&self, route: &Route, paths: Paths) -> Result<()> {
            sound(route)?;
            api! {
                has(IpRouteAddDel) => {
                    self.call(&change(route, true, paths == Paths::Add)).await?;
                }
                _ => {
                    // One path a message. The first one replaces; when it is there, the others go beside it.
                    let requests = route.paths.iter().enumerate();
                    let requests: Vec<_> = requests
                        .map(|(i, path)| change(route, path, true, paths == Paths::Add || i > 0))
                        .collect::<Result<_>>()?;
                    if let Some((first, others)) = requests.split_first() {
                        self.call(first).await?;
                        try_join_all(others.iter().map(|request| self.call(request))).await?;
                    }
                }
            }
            Ok(())
        }

        async fn delete_route(&self, table: u32, prefix: IpNet) -> Result<()> {
            check::network(prefix)?;
            let route = Route { table, prefix, paths: Vec::new() };
            api! {
                has(IpRouteAddDel) => {
                    self.call(&change(&route, false, false)).await?;
                }
                _ => {
                    self.call(&change(&route, &RoutePath::default(), false, false)?).await?;
                }
            }
            Ok(())
        }

        async fn dump_routes(&self) -> Result<Vec<Route>> {
            api! {
                has(IpRouteDump) => {
                    let tables = self.dump_tables().await?;
                    let dumps = tables.iter().map(|t| async move {
                        let table = api::IpTable { table_id: t.id, is_ip6: t.ipv6.into(), ..Default::default() };
                        self.dump(&api::IpRouteDump { table }).await
                    });
                    let details = try_join_all(dumps).await?;
                    details.into_iter().flatten().map(|d| route(d.route)).collect()
                }
                _ => {
                    let (ipv4, ipv6) = self.fibs().await?;
                    let ipv4 = ipv4.iter().map(|d| (d.table_id, d.address.into(), d.address_length, &d.path));
                    let ipv6 = ipv6.iter().map(|d| (d.table_id, d.address.into(), d.address_length, &d.path));
                    ipv4.chain(ipv6).map(|(table, address, length, paths)| route(table, address, length, paths)).collect()
                }
            }
        }

        async fn add_table(&self, table: &Table) -> Result<()> {
            self.change_table(table, true).await
        }

        async fn delete_table(&self, id: u32, ipv6: bool) -> Result<()> {
            self.change_table(&Table { id, ipv6, name: String::new() }, false).await
        }

        async fn set_flow_hash(&self, table: u32, ipv6: bool, hash: FlowHash) -> Result<()> {
            api! {
                has(SetIpFlowHashV3) => {
                    let request = api::SetIpFlowHashV3 {
                        table_id: table,
                        af: family(ipv6),
                        flow_hash_config: api::IpFlowHashConfigV2(flow_hash_bits(hash)),
                    };
                    self.call(&request).await?;
                }
                has(SetIpFlowHashV2) => {
                    if hash.gtp_teid {
                        unsupported!("flow hashes of GTP tunnels");
                    }
                    let request = api::SetIpFlowHashV2 {
                        table_id: table,
                        af: family(ipv6),
                        flow_hash_config: api::IpFlowHashConfig(flow_hash_bits(hash)),
                    };
                    self.call(&request).await?;
                }
                _ => {
                    if hash.flow_label || hash.gtp_teid {
                        unsupported!("flow hashes of flow labels, nor of GTP tunnels");
                    }
                    let mut request = api! {
                        has(SetIpFlowHash.symmetric) => api::SetIpFlowHash {
                            symmetric: hash.symmetric.into(),
                            ..Default::default()
                        },
                        _ => {
                            if hash.symmetric {
                                unsupported!("symmetric flow hashes");
                            }
                            api::SetIpFlowHash::default()
                        }
                    };
                    request.vrf_id = table;
                    request.is_ipv6 = ipv6.into();
                    request.src = hash.src_ip.into();
                    request.dst = hash.dst_ip.into();
                    request.sport = hash.src_port.into();
                    request.dport = hash.dst_port.into();
                    request.proto = hash.protocol.into();
                    request.reverse = hash.reverse.into();
                    self.call(&request).await?;
                }
            }
            Ok(())
        }

        async fn dump_tables(&self) -> Result<Vec<Table>> {
            api! {
                has(IpTableDump) => {
                    let details = self.dump(&api::IpTableDump {}).await?;
                    let table = |d: api::IpTableDetails| {
                        Table { id: d.table.table_id, ipv6: Flag::on(d.table.is_ip6), name: d.table.name.text() }
                    };
                    Ok(details.into_iter().map(table).collect())
                }
                _ => {
                    let (ipv4, ipv6) = self.fibs().await?;
                    let ipv4 = ipv4.iter().map(|d| Table { id: d.table_id, ipv6: false, name: d.table_name.text() });
                    let ipv6 = ipv6.iter().map(|d| Table { id: d.table_id, ipv6: true, name: d.table_name.text() });
                    let mut tables: Vec<Table> = ipv4.chain(ipv6).collect();
                    tables.sort_by_key(|t| (t.ipv6, t.id));
                    tables.dedup();
                    Ok(tables)
                }
            }
        }
    }

    impl Handler {
        async fn change_table(&self, table: &Table, add: bool) -> Result<()> {
            let name = text("name of the table", &table.name)?;
            let request = api! {
                has(IpTable) => api::IpTableAddDel {
                    is_add: add.into(),
                    table: api::IpTable { table_id: table.id, is_ip6: table.ipv6.into(), name },
                },
                _ => api::IpTableAddDel {
                    table_id: table.id,
                    is_ipv6: table.ipv6.into(),
                    is_add: add.into(),
                    name,
                },
            };
            self.call(&request).await?;
            Ok(())
        }
    }

    api! {
        has(SetIpFlowHashV2) => {
            fn family(ipv6: bool) -> api::AddressFamily {
                if ipv6 { api::AddressFamily::ADDRESS_IP6 } else { api::AddressFamily::ADDRESS_IP4 }
            }

            /// Bits from the lowest on; the two definitions agree on those that both have.
            fn flow_hash_bits(h: FlowHash) -> u32 {
                let bits = [
                    h.src_ip,
                    h.dst_ip,
                    h.src_port,
                    h.dst_port,
                    h.protocol,
                    h.reverse,
                    h.symmetric,
                    h.flow_label,
                    h.gtp_teid,
                ];
                bits.iter().rev().fold(0, |all, on| all << 1 | u32::from(*on))
            }
        }
        _ => {}
    }

    /// A destination without bits behind its prefix, a path at least, and next hops of its family.
    fn sound(route: &Route) -> Result<()> {
        check::network(route.prefix)?;
        if route.paths.is_empty() {
            return Err(Error::Lacks { what: format!("route to {}", route.prefix), lacks: "path" });
        }
        for hop in route.paths.iter().filter_map(|p| p.next_hop) {
            check::same_family("next hop", hop, route.prefix.addr())?;
        }
        Ok(())
    }

    /// What drops goes nowhere, whatever some releases tell of it.
    fn path_of(path: RoutePath) -> RoutePath {
        match path.kind {
            PathKind::Drop => RoutePath { sw_if_index: NO_INTERFACE, next_hop: None, ..path },
            _ => path,
        }
    }

    api! {
        has(IpRouteAddDel) => {
            /// No reverse path check.
            const NO_RPF: u32 = u32::MAX;

            fn change(route: &Route, add: bool, multipath: bool) -> api::IpRouteAddDel {
                api::IpRouteAddDel {
                    is_add: add.into(),
                    is_multipath: multipath.into(),
                    route: api::IpRoute {
                        table_id: route.table,
                        stats_index: 0,
                        prefix: Convert::from_product(route.prefix),
                        paths: route.paths.iter().map(|p| path(p, route.prefix)).collect(),
                    },
                }
            }

            fn path(p: &RoutePath, prefix: IpNet) -> api::FibPath {
                let ipv6 = p.next_hop.map_or(prefix.addr().is_ipv6(), |hop| hop.is_ipv6());
                api::FibPath {
                    sw_if_index: p.sw_if_index,
                    table_id: p.table,
                    rpf_id: NO_RPF,
                    weight: p.weight,
                    preference: p.preference,
                    r#type: match p.kind {
                        PathKind::Normal => api::FibPathType::FIB_API_PATH_TYPE_NORMAL,
                        PathKind::Drop => api::FibPathType::FIB_API_PATH_TYPE_DROP,
                        PathKind::Local => api::FibPathType::FIB_API_PATH_TYPE_LOCAL,
                        PathKind::Other(n) => api::FibPathType(n),
                    },
                    proto: if ipv6 {
                        api::FibPathNhProto::FIB_API_PATH_NH_PROTO_IP6
                    } else {
                        api::FibPathNhProto::FIB_API_PATH_NH_PROTO_IP4
                    },
                    nh: api::FibPathNh {
                        address: api::AddressUnion(p.next_hop.map(address_bytes).unwrap_or_default()),
                        ..Default::default()
                    },
                    ..Default::default()
                }
            }

            fn route(r: api::IpRoute) -> Result<Route> {
                let prefix: IpNet = r.prefix.to_product()?;
                let path = |p: &api::FibPath| {
                    let ipv6 = p.proto == api::FibPathNhProto::FIB_API_PATH_NH_PROTO_IP6;
                    let hop = address_from(ipv6, p.nh.address.0);
                    path_of(RoutePath {
                        kind: match p.r#type {
                            api::FibPathType::FIB_API_PATH_TYPE_NORMAL => PathKind::Normal,
                            api::FibPathType::FIB_API_PATH_TYPE_DROP => PathKind::Drop,
                            api::FibPathType::FIB_API_PATH_TYPE_LOCAL => PathKind::Local,
                            other => PathKind::Other(other.0),
                        },
                        sw_if_index: p.sw_if_index,
                        table: p.table_id,
                        next_hop: (!hop.is_unspecified()).then_some(hop),
                        weight: p.weight,
                        preference: p.preference,
                    })
                };
                // VPP 18.10 to 26.06 tell the host bits of a connected prefix, too.
                Ok(Route { table: r.table_id, prefix: prefix.trunc(), paths: r.paths.iter().map(path).collect() })
            }
        }
        _ => {
            fn change(route: &Route, path: &RoutePath, add: bool, multipath: bool) -> Result<api::IpAddDelRoute> {
                if let PathKind::Other(kind) = path.kind {
                    return Err(Error::Nonsense { what: "a path to be made", found: format!("type {kind}") });
                }
                // 19.04 reads the next hop as the other family where this says so; the elder two do not look.
                let proto = match (route.prefix.addr(), path.next_hop) {
                    (_, Some(IpAddr::V6(_))) => IP46_IP6,
                    (IpAddr::V6(_), Some(IpAddr::V4(_))) => IP46_IP4,
                    _ => IP46_ANY,
                };
                Ok(api::IpAddDelRoute {
                    next_hop_sw_if_index: path.sw_if_index,
                    table_id: route.table,
                    classify_table_index: NO_INDEX,
                    next_hop_table_id: path.table,
                    next_hop_id: NO_INDEX,
                    is_add: add.into(),
                    is_drop: (path.kind == PathKind::Drop).into(),
                    is_local: (path.kind == PathKind::Local).into(),
                    is_ipv6: route.prefix.addr().is_ipv6().into(),
                    is_multipath: multipath.into(),
                    next_hop_weight: path.weight,
                    next_hop_preference: path.preference,
                    next_hop_proto: proto,
                    dst_address_length: route.prefix.prefix_len(),
                    dst_address: address_bytes(route.prefix.addr()),
                    next_hop_address: path.next_hop.map(address_bytes).unwrap_or_default(),
                    next_hop_via_label: NO_LABEL,
                    ..Default::default()
                })
            }

            impl Handler {
                /// Both are asked before the first answer is waited for.
                async fn fibs(&self) -> Result<(Vec<api::IpFibDetails>, Vec<api::Ip6FibDetails>)> {
                    try_join(self.dump(&api::IpFibDump {}), self.dump(&api::Ip6FibDump {})).await
                }
            }

            /// `IP46_TYPE_*` of `vnet/ip/ip6_packet.h`.
            const IP46_ANY: u8 = 0;
            const IP46_IP4: u8 = 1;
            const IP46_IP6: u8 = 2;

            /// One more than the largest MPLS label.
            const NO_LABEL: u32 = 0x10_0000;
            const NO_INDEX: u32 = u32::MAX;

            fn route(table: u32, address: IpAddr, length: u8, paths: &[api::FibPath]) -> Result<Route> {
                let path = |p: &api::FibPath| {
                    let hop = address_from(p.afi == IP46_IP6, p.next_hop);
                    let other = p.is_udp_encap | p.is_unreach | p.is_prohibit | p.is_source_lookup | p.is_dvr;
                    path_of(RoutePath {
                        kind: match (p.is_drop, p.is_local, other) {
                            (0, 0, 0) => PathKind::Normal,
                            (0, 0, _) => PathKind::Other(255),
                            (0, ..) => PathKind::Local,
                            _ => PathKind::Drop,
                        },
                        sw_if_index: p.sw_if_index,
                        table: p.table_id,
                        next_hop: (!hop.is_unspecified()).then_some(hop),
                        weight: p.weight,
                        preference: p.preference,
                    })
                };
                let prefix = network(address, length)?.trunc();
                Ok(Route { table, prefix, paths: paths.iter().map(path).collect() })
            }
        }
    }
}
