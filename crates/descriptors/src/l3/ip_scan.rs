//! `vpp.ipscanneigh-global`: how VPP scans for neighbours that are gone. Releases from 20.01 on have no such scan.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use kvscheduler::{Believed, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::proto::ligato::vpp::l3::IpScanNeighbor;
use models::proto::ligato::vpp::l3::ip_scan_neighbor::Mode;
use vppcalls::types::{IpScan, IpScanMode};

use crate::check::{check_with, problem};
use crate::southbound::OrFail as _;
use crate::vpp::Vpp;

pub(super) struct IpScanDescriptor {
    vpp: Vpp,
    key: String,
    /// The VPP, by its process, that was told how to scan. VPP does not tell it back.
    told: Mutex<Option<(u32, IpScanNeighbor)>>,
}

impl IpScanDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, key: IpScanNeighbor::SPEC.key_prefix(true), told: Mutex::default() }
    }

    async fn set(&self, value: &IpScanNeighbor) -> Result<(), Failure> {
        let handlers = self.vpp.calls()?;
        // What is too large is refused by the rules.
        let small = |n: u32| u8::try_from(n).unwrap_or(u8::MAX);
        let scan = IpScan {
            mode: match value.mode() {
                Mode::Disabled => IpScanMode::Disabled,
                Mode::Ipv4 => IpScanMode::Ipv4,
                Mode::Ipv6 => IpScanMode::Ipv6,
                Mode::Both => IpScanMode::Both,
            },
            interval: small(value.scan_interval),
            max_time: small(value.max_proc_time),
            max_update: small(value.max_update),
            delay: small(value.scan_int_delay),
            stale: small(value.stale_threshold),
        };
        handlers.neighbor.set_ip_scan(&scan).await.or_fail()?;
        let pid = handlers.core.ping().await.or_fail()?;
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = Some((pid, *value));
        Ok(())
    }
}

#[async_trait]
impl Descriptor for IpScanDescriptor {
    type Value = IpScanNeighbor;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-ip-scan-neighbor"
    }

    fn owns(&self, key: &str) -> bool {
        key == self.key
    }

    fn validate(&self, _key: &str, value: &IpScanNeighbor) -> Result<(), Invalid> {
        let numbers = [
            ("scan_interval", value.scan_interval),
            ("max_proc_time", value.max_proc_time),
            ("max_update", value.max_update),
            ("scan_int_delay", value.scan_int_delay),
            ("stale_threshold", value.stale_threshold),
        ];
        let large = numbers.into_iter().filter(|(_, number)| *number > u32::from(u8::MAX));
        let problems =
            large.map(|(field, n)| problem(field, format!("is {n}, which is more than {}", u8::MAX)));
        check_with(value, problems)
    }

    async fn create(&self, _key: &str, value: &IpScanNeighbor) -> Result<(), Failure> {
        self.set(value).await
    }

    async fn update(
        &self,
        _key: &str,
        _old: &IpScanNeighbor,
        new: &IpScanNeighbor,
        (): &(),
    ) -> Result<(), Failure> {
        self.set(new).await
    }

    fn recreate(&self, _key: &str, _old: &IpScanNeighbor, _new: &IpScanNeighbor) -> bool {
        false
    }

    async fn delete(&self, _key: &str, _value: &IpScanNeighbor, (): &()) -> Result<(), Failure> {
        self.set(&IpScanNeighbor::default()).await?;
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// What this VPP was told in this run of the agent. Another one is told again, which does no harm.
    async fn retrieve(
        &self,
        _correlate: &[Believed<'_, IpScanNeighbor>],
    ) -> Result<Option<Vec<Retrieved<IpScanNeighbor, ()>>>, Failure> {
        let told = *self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((pid, value)) = told else { return Ok(Some(Vec::new())) };
        let same = self.vpp.calls()?.core.ping().await.or_unread()? == pid;
        let found =
            same.then(|| Retrieved { key: self.key.clone(), value, metadata: (), origin: Origin::Unknown });
        Ok(Some(found.into_iter().collect()))
    }

    fn examples(&self) -> Vec<(String, IpScanNeighbor)> {
        vec![(self.key.clone(), IpScanNeighbor::default())]
    }
}
