//! Tunnels.

use std::net::IpAddr;
use std::ops::BitOr;

/// Any next node: VPP's own for the kind of tunnel.
pub const DEFAULT_NEXT: u32 = u32::MAX;

/// Port of VXLAN (RFC 7348).
pub const VXLAN_PORT: u16 = 4789;

/// A VXLAN tunnel. VPP knows it by source, destination, tables, ports and VNI: none of these can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vxlan {
    /// Number in its VPP name; any free one when there is none.
    pub instance: Option<u32>,
    /// This end.
    pub src: IpAddr,
    /// The other end, of the same family; or a group.
    pub dst: IpAddr,
    /// UDP port of this end; another than [`VXLAN_PORT`] from 21.06 on.
    pub src_port: u16,
    /// UDP port of the other end; another than [`VXLAN_PORT`] from 21.06 on.
    pub dst_port: u16,
    /// The interface to the group; [`crate::types::NO_INTERFACE`] when the other end is no group.
    pub multicast_interface: u32,
    /// The table in which the other end is looked up.
    pub table: u32,
    /// Number of the next node for packets that come out; [`DEFAULT_NEXT`] is the one that VPP has for it. VPP tells
    /// the number that it took.
    pub decap_next: u32,
    /// Number of the network, 24 bits.
    pub vni: u32,
    /// IP packets instead of Ethernet frames, from 21.06 on. VPP does not tell it.
    pub l3: bool,
}

impl Vxlan {
    /// A tunnel between two ends, everything else as usual.
    pub fn between(src: IpAddr, dst: IpAddr, vni: u32) -> Self {
        Self {
            instance: None,
            src,
            dst,
            src_port: VXLAN_PORT,
            dst_port: VXLAN_PORT,
            multicast_interface: super::NO_INTERFACE,
            table: 0,
            decap_next: DEFAULT_NEXT,
            vni,
            l3: false,
        }
    }
}

/// A tunnel with VPP's number for the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelDetails<T> {
    /// VPP's number for the interface.
    pub sw_if_index: u32,
    /// The tunnel. Its instance is always there.
    pub tunnel: T,
}

/// What goes from the packet inside to the one outside and back; a set. VPP refuses what its release does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunnelFlags(pub u8);

impl TunnelFlags {
    /// The outer packet gets the "do not fragment" of the inner one.
    pub const COPY_DF: Self = Self(1);
    /// The outer packet is not to be fragmented.
    pub const SET_DF: Self = Self(2);
    /// The outer packet gets the DSCP of the inner one.
    pub const COPY_DSCP: Self = Self(4);
    /// The outer packet gets the ECN of the inner one.
    pub const COPY_ECN: Self = Self(8);
    /// The inner packet gets the ECN of the outer one when it comes out.
    pub const DECAP_COPY_ECN: Self = Self(16);
    /// The hash of the inner packet is that of the outer one, from 21.01 on.
    pub const INNER_HASH: Self = Self(32);
    /// The outer packet gets the hop limit of the inner one, from 21.06 on.
    pub const COPY_HOP_LIMIT: Self = Self(64);
    /// The outer packet gets the flow label of the inner one, from 21.06 on.
    pub const COPY_FLOW_LABEL: Self = Self(128);

    /// True when nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for TunnelFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What is in a GRE tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GreKind {
    /// IP packets.
    #[default]
    L3,
    /// Ethernet frames (transparent Ethernet bridging).
    Teb,
    /// Mirrored frames.
    Erspan,
    /// Something that this does not know, by VPP's number.
    Other(u32),
}

/// A GRE tunnel. Nothing of it can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gre {
    /// Number in its VPP name; any free one when there is none.
    pub instance: Option<u32>,
    /// What is in it.
    pub kind: GreKind,
    /// This end.
    pub src: IpAddr,
    /// The other end, of the same family; unspecified with `multipoint`.
    pub dst: IpAddr,
    /// The table in which the other end is looked up.
    pub table: u32,
    /// Session of an ERSPAN, 0 to 1023.
    pub session: u16,
    /// Many other ends, told apart by neighbours; from 20.01 on.
    pub multipoint: bool,
    /// Flags; from 20.05 on. VPP tells them from 22.10 on, and none before.
    pub flags: TunnelFlags,
    /// Key (RFC 2890); 0 is none. From 25.10 on.
    pub key: u32,
}

impl Gre {
    /// A tunnel between two ends, everything else as usual.
    pub fn between(kind: GreKind, src: IpAddr, dst: IpAddr) -> Self {
        let flags = TunnelFlags::default();
        Self { instance: None, kind, src, dst, table: 0, session: 0, multipoint: false, flags, key: 0 }
    }
}

/// A tunnel of IP in IP. Nothing of it can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipip {
    /// Number in its VPP name; any free one when there is none.
    pub instance: Option<u32>,
    /// This end.
    pub src: IpAddr,
    /// The other end, of the same family; unspecified with `multipoint`.
    pub dst: IpAddr,
    /// The table in which the other end is looked up.
    pub table: u32,
    /// Many other ends, told apart by neighbours; from 20.05 on.
    pub multipoint: bool,
    /// Flags; from 20.01 on.
    pub flags: TunnelFlags,
    /// DSCP of the outer packet, 0 to 63. Up to 19.08 VPP does not tell it.
    pub dscp: u8,
}

impl Ipip {
    /// A tunnel between two ends, everything else as usual.
    pub fn between(src: IpAddr, dst: IpAddr) -> Self {
        let flags = TunnelFlags::default();
        Self { instance: None, src, dst, table: 0, multipoint: false, flags, dscp: 0 }
    }
}
