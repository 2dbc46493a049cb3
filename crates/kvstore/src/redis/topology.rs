//! Where the masters are: a single server, what sentinels say, or the nodes of a cluster.

use redis::{Value, cmd};

use super::config::RedisConfig;
use super::error;
use super::node::{Access, Master, Node, SLOTS};
use crate::StoreError;
use crate::net::Address;

/// How the masters are found.
pub(super) enum Topology {
    Single(Address),
    Sentinels { addresses: Vec<Address>, access: Access, master_name: String },
    Cluster(Vec<Address>),
}

impl Topology {
    pub(super) fn new(store: &str, config: &RedisConfig) -> Result<Self, StoreError> {
        let wrong = |field: &str, reason: String| StoreError::Settings {
            store: store.to_owned(),
            field: field.to_owned(),
            reason,
        };
        let parse = |field: &str, port: u16, text: &String| {
            let address = Address::parse(text, port).map_err(|reason| wrong(field, reason))?;
            match address.scheme.as_deref() {
                None | Some("redis" | "rediss") => Ok(address),
                Some(other) => Err(wrong(field, format!("expected host:port, found {other}://"))),
            }
        };
        let many = |port| {
            config.endpoints.iter().map(|text| parse("endpoints", port, text)).collect::<Result<_, _>>()
        };
        match (config.endpoint.as_str(), config.endpoints.is_empty(), config.master_name.as_str()) {
            ("", true, "") => parse("endpoint", 6379, &"127.0.0.1:6379".to_owned()).map(Self::Single),
            ("", true, _) => {
                Err(wrong("endpoints", "is not set, and master-name is; expected the sentinels".to_owned()))
            }
            (_, true, "") => parse("endpoint", 6379, &config.endpoint).map(Self::Single),
            ("", false, "") if config.db != 0 => Err(wrong("db", "a cluster has only database 0".to_owned())),
            ("", false, "") => many(6379).map(Self::Cluster),
            ("", false, name) => Ok(Self::Sentinels {
                addresses: many(26379)?,
                access: Access::of_sentinels(store.to_owned(), config),
                master_name: name.to_owned(),
            }),
            _ => Err(wrong(
                "endpoint",
                "expected only endpoint, or endpoints for a cluster or sentinels".to_owned(),
            )),
        }
    }

    /// The masters as they are by now, in the order of their slots: what the first address that knows says.
    pub(super) async fn masters(&self, access: &Access) -> Result<Vec<Master>, StoreError> {
        let mut failures = Vec::new();
        match self {
            Self::Single(address) => return Ok(vec![all_slots(address.clone())]),
            Self::Sentinels { addresses, access, master_name } => {
                for address in addresses {
                    match ask_sentinel(access, address, master_name).await {
                        Ok(master) => return Ok(vec![all_slots(master)]),
                        Err(error) => failures.push(error),
                    }
                }
            }
            Self::Cluster(addresses) => {
                for address in addresses {
                    match ask_node(access, address).await {
                        Ok(masters) => return Ok(masters),
                        Err(error) => failures.push(error),
                    }
                }
            }
        }
        Err(together(&access.store, failures))
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

fn all_slots(address: Address) -> Master {
    Master { address, slots: vec![(0, SLOTS - 1)] }
}

/// All that went wrong, as one error.
fn together(store: &str, mut failures: Vec<StoreError>) -> StoreError {
    match failures.pop() {
        Some(failure) if failures.is_empty() => failure,
        last => {
            let reasons: Vec<String> = failures.iter().chain(&last).map(StoreError::to_string).collect();
            error::unreachable(store, &format!("none of its addresses is of use: {}", reasons.join("; ")))
        }
    }
}

async fn ask_node(access: &Access, address: &Address) -> Result<Vec<Master>, StoreError> {
    let mut node = access.connect(address).await?;
    cluster_masters(&access.store, &mut node).await
}

async fn ask_sentinel(access: &Access, address: &Address, name: &str) -> Result<Address, StoreError> {
    let mut sentinel = access.connect(address).await?;
    let command = cmd("SENTINEL").arg("get-master-addr-by-name").arg(name).to_owned();
    let answer: Option<(String, u16)> = sentinel.query(command, None).await?;
    match answer {
        Some((host, port)) => Ok(Address { scheme: None, host, port }),
        None => Err(error::refused(&access.store, None, format!("{address} knows no master-name {name}"))),
    }
}

/// The masters of the cluster that `node` is one of.
pub(super) async fn cluster_masters(store: &str, node: &mut Node) -> Result<Vec<Master>, StoreError> {
    let answer: Value = node.query(cmd("CLUSTER").arg("SLOTS").to_owned(), None).await?;
    let odd = || error::protocol(store, "the answer to CLUSTER SLOTS makes no sense");
    let Value::Array(ranges) = answer else { return Err(odd()) };
    let mut masters: Vec<Master> = Vec::new();
    let mut covered = 0_u32;
    for range in ranges {
        let Value::Array(range) = range else { return Err(odd()) };
        let (Some(Value::Int(from)), Some(Value::Int(to)), Some(Value::Array(master))) =
            (range.first(), range.get(1), range.get(2))
        else {
            return Err(odd());
        };
        let (Ok(from), Ok(to)) = (u16::try_from(*from), u16::try_from(*to)) else { return Err(odd()) };
        let (host, port) = match (master.first(), master.get(1)) {
            // A node that does not know its own address means the one that was asked.
            (Some(Value::Nil), Some(Value::Int(port))) => (node.address.host.clone(), port),
            (Some(Value::BulkString(host)), Some(Value::Int(port))) if host.is_empty() => {
                (node.address.host.clone(), port)
            }
            (Some(Value::BulkString(host)), Some(Value::Int(port))) => {
                (String::from_utf8_lossy(host).into_owned(), port)
            }
            _ => return Err(odd()),
        };
        let address = Address { scheme: None, host, port: u16::try_from(*port).map_err(|_| odd())? };
        covered += u32::from(to.saturating_sub(from)) + 1;
        match masters.iter_mut().find(|master| master.address == address) {
            Some(master) => master.slots.push((from, to)),
            None => masters.push(Master { address, slots: vec![(from, to)] }),
        }
    }
    if covered < u32::from(SLOTS) {
        let missing = u32::from(SLOTS) - covered;
        return Err(error::unreachable(
            store,
            &format!("{missing} slots of the cluster have no node by now"),
        ));
    }
    masters.iter_mut().for_each(|master| master.slots.sort_unstable());
    masters.sort_by(|a, b| a.slots.cmp(&b.slots));
    Ok(masters)
}
