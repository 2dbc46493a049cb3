//! The areas of calls, and the handlers of a release.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use vpp_client::{Client, Connection};

use crate::calls::{
    self, AfPacketCalls, BondCalls, CoreCalls, DhcpCalls, GreCalls, InterfaceCalls, IpipCalls, L2Calls,
    L3Calls, MemifCalls, NeighborCalls, RxCalls, SpanCalls, SubInterfaceCalls, TapCalls, VxlanCalls,
};
use crate::select::{GroupInfo, Selection, handler};

/// Lists the areas once: their name, their trait, their groups.
macro_rules! areas {
    ($($(#[$attribute:meta])* $area:ident: $calls:ident = $groups:ident;)*) => {
        /// The calls of one release, ready to use.
        #[derive(Clone)]
        pub struct Handlers {
            /// The release whose calls these are: `20.05`.
            pub release: &'static str,
            $($(#[$attribute])* pub $area: Arc<dyn $calls>,)*
            /// Plugin modules whose messages VPP does not have.
            pub absent: BTreeSet<&'static str>,
        }

        impl Handlers {
            /// The calls that were chosen, over this connection only. `None` for a position that no release has.
            pub fn new(client: &Client, connection: &Connection, selection: &Selection) -> Option<Self> {
                let client = &client.bound_to(connection);
                let position = selection.position;
                Some(Self {
                    release: selection.release,
                    $($area: handler(calls::$groups, position, client)?,)*
                    absent: selection.absent.clone(),
                })
            }
        }

        /// All groups of all areas.
        pub fn groups() -> Vec<GroupInfo> {
            let mut all = Vec::new();
            $(all.extend(GroupInfo::of(stringify!($area), calls::$groups));)*
            all
        }
    };
}

areas! {
    /// VPP itself.
    core: CoreCalls = CORE;
    /// Interfaces.
    interface: InterfaceCalls = INTERFACE;
    /// Bridge domains.
    l2: L2Calls = L2;
    /// Routes.
    l3: L3Calls = L3;
    /// Interfaces on top of those of Linux.
    af_packet: AfPacketCalls = AF_PACKET;
    /// Bonds.
    bond: BondCalls = BOND;
    /// DHCP clients.
    dhcp: DhcpCalls = DHCP;
    /// GRE tunnels.
    gre: GreCalls = GRE;
    /// Tunnels of IP in IP.
    ipip: IpipCalls = IPIP;
    /// Memifs.
    memif: MemifCalls = MEMIF;
    /// Neighbours.
    neighbor: NeighborCalls = NEIGHBOR;
    /// How packets come in.
    rx: RxCalls = RX;
    /// Mirrors.
    span: SpanCalls = SPAN;
    /// Sub-interfaces.
    subif: SubInterfaceCalls = SUBIF;
    /// TAP interfaces.
    tap: TapCalls = TAP;
    /// VXLAN tunnels.
    vxlan: VxlanCalls = VXLAN;
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers")
            .field("release", &self.release)
            .field("absent", &self.absent)
            .finish_non_exhaustive()
    }
}
