//! `vpp.l2.xconnect`: what comes in through an interface goes out through another one.

use async_trait::async_trait;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::proto::ligato::vpp::l2::XConnectPair;
use vppcalls::types::Xconnect;

use crate::check::check;
use crate::interface;
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct XconnectDescriptor {
    vpp: Vpp,
    prefix: String,
}

impl XconnectDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: XConnectPair::SPEC.key_prefix(false) }
    }

    fn xconnect(&self, value: &XConnectPair) -> Result<Xconnect, Failure> {
        Ok(Xconnect {
            rx: self.vpp.interface(&value.receive_interface)?,
            tx: self.vpp.interface(&value.transmit_interface)?,
        })
    }
}

#[async_trait]
impl Descriptor for XconnectDescriptor {
    type Value = XConnectPair;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-xconnect"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn validate(&self, _key: &str, value: &XConnectPair) -> Result<(), Invalid> {
        check(value, [])
    }

    fn dependencies(&self, _key: &str, value: &XConnectPair) -> Vec<Dependency> {
        vec![
            Dependency::key("rx-interface", keys::interface(&value.receive_interface)),
            Dependency::key("tx-interface", keys::interface(&value.transmit_interface)),
        ]
    }

    async fn create(&self, _key: &str, value: &XConnectPair) -> Result<(), Failure> {
        let xconnect = self.xconnect(value)?;
        self.vpp.calls()?.l2.add_xconnect(&xconnect).await.or_fail()
    }

    async fn delete(&self, _key: &str, value: &XConnectPair, (): &()) -> Result<(), Failure> {
        let xconnect = self.xconnect(value)?;
        self.vpp.calls()?.l2.delete_xconnect(&xconnect).await.or_fail()
    }

    async fn retrieve(
        &self,
        _correlate: &[Believed<'_, XConnectPair>],
    ) -> Result<Option<Vec<Retrieved<XConnectPair, ()>>>, Failure> {
        let xconnects = self.vpp.calls()?.l2.dump_xconnects().await.or_unread()?;
        let names = self.vpp.names();
        let found = xconnects.iter().filter_map(|xconnect| {
            let value = XConnectPair {
                receive_interface: names.given(xconnect.rx)?.to_string(),
                transmit_interface: names.any(xconnect.tx)?.to_string(),
            };
            Some(Retrieved { key: value.key(), value, metadata: (), origin: Origin::Unknown })
        });
        Ok(Some(found.collect()))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![interface::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, XConnectPair)> {
        let value = XConnectPair {
            receive_interface: "example-rx".to_string(),
            transmit_interface: "example-tx".to_string(),
        };
        vec![(value.key(), value)]
    }
}
