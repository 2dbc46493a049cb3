//! What there is to say of interfaces.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Mac;

/// Whether both ends of a link can send at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplex {
    /// VPP does not know.
    #[default]
    Unknown,
    /// One at a time.
    Half,
    /// Both.
    Full,
}

/// An interface as VPP has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interface {
    /// VPP's number for it.
    pub sw_if_index: u32,
    /// The number of the interface below, its own when there is none.
    pub sup_sw_if_index: u32,
    /// VPP's name: `loop0`.
    pub internal_name: String,
    /// What kind of device VPP says it is; empty up to 19.08, which do not tell.
    pub device: String,
    /// Text that was attached to it; the agent's name for it.
    pub tag: String,
    /// Set up by configuration.
    pub admin_up: bool,
    /// Up.
    pub link_up: bool,
    /// All zero when it has none.
    pub mac: Mac,
    /// MTU of the link in bytes.
    pub link_mtu: u16,
    /// MTU for packets of all protocols in bytes; 0 when it follows the link.
    pub mtu: u32,
    /// Speed of the link in kbit/s; 0 where VPP does not know, and in 18.10, which tells a code of its own.
    pub speed: u32,
    /// Duplex of the link.
    pub duplex: Duplex,
    /// Addresses in the order in which VPP tells them. An unnumbered interface has those that it borrows.
    pub addresses: Vec<IpNet>,
    /// Its table for IPv4.
    pub table4: u32,
    /// Its table for IPv6.
    pub table6: u32,
    /// The interface whose addresses it borrows.
    pub unnumbered: Option<u32>,
    /// What packets it takes of the interface below, when it is a sub-interface.
    pub sub: Option<SubInterface>,
    /// What happens to VLAN tags of its frames. VPP tells it only of interfaces that are bridged or cross-connected.
    pub rewrite: VlanRewrite,
}

/// The name and the state of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// VPP's number for it.
    pub sw_if_index: u32,
    /// VPP's name: `loop0`.
    pub internal_name: String,
    /// Text that was attached to it; the agent's name for it.
    pub tag: String,
    /// Set up by configuration.
    pub admin_up: bool,
    /// Up.
    pub link_up: bool,
}

/// A VLAN to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vlan {
    /// This one, 1 to 4095.
    Id(u16),
    /// Each.
    Any,
}

/// The tags that frames of a sub-interface have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VlanTags {
    /// None.
    #[default]
    None,
    /// One.
    One(Vlan),
    /// Two, the outer one first.
    Two(Vlan, Vlan),
}

/// Which frames of an interface are those of a sub-interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubInterface {
    /// The interface below.
    pub parent: u32,
    /// Its number beside others of the parent, in its VPP name: `loop0.100`.
    pub sub_id: u32,
    /// Tags of its frames.
    pub tags: VlanTags,
    /// The outer tag is one of 802.1ad (type 88a8) instead of 802.1q (8100).
    pub dot1ad: bool,
    /// Frames have these tags and no further ones. Without it there can be no IP on the interface.
    pub exact_match: bool,
    /// It gets what no other sub-interface takes.
    pub default: bool,
}

impl SubInterface {
    /// Frames with exactly one tag of 802.1q, whose VLAN is the number of the sub-interface.
    pub fn vlan(parent: u32, vlan: u16) -> Self {
        Self {
            parent,
            sub_id: vlan.into(),
            tags: VlanTags::One(Vlan::Id(vlan)),
            exact_match: true,
            ..Self::default()
        }
    }
}

/// What to do with the VLAN tags of a frame that comes in; the reverse is done on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RewriteKind {
    /// Nothing.
    #[default]
    Disabled,
    /// One is put on.
    Push1,
    /// Two are put on.
    Push2,
    /// One is taken off.
    Pop1,
    /// Two are taken off.
    Pop2,
    /// One in place of one.
    Translate11,
    /// Two in place of one.
    Translate12,
    /// One in place of two.
    Translate21,
    /// Two in place of two.
    Translate22,
    /// Something that this does not know, by VPP's number (`l2_vtr_op_t` of `vnet/l2/l2_vtr.h`).
    Other(u32),
}

/// Rewrite of VLAN tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VlanRewrite {
    /// What to do.
    pub kind: RewriteKind,
    /// The outer tag that is put on is one of 802.1q instead of 802.1ad.
    pub dot1q: bool,
    /// The outer tag that is put on, 1 to 4095; 0 where none is.
    pub tag1: u16,
    /// The inner one, 1 to 4095; 0 where none is.
    pub tag2: u16,
}

/// What has changed with an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceEvent {
    /// The interface.
    pub sw_if_index: u32,
    /// Set up by configuration.
    pub admin_up: bool,
    /// Up.
    pub link_up: bool,
    /// It is gone. The next interface that is made may get its number.
    pub deleted: bool,
}

/// How to make a TAP interface. What is zero or `None` is left to VPP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tap {
    /// Number in its VPP name; any free one when there is none.
    pub id: Option<u32>,
    /// MAC; a random one when there is none.
    pub mac: Option<Mac>,
    /// Name of the other end in Linux, up to 15 bytes; VPP chooses when there is none.
    pub host_name: Option<String>,
    /// Network namespace of the other end, up to 63 bytes.
    pub host_namespace: Option<String>,
    /// MAC of the other end.
    pub host_mac: Option<Mac>,
    /// Linux bridge that the other end becomes a port of, up to 63 bytes.
    pub host_bridge: Option<String>,
    /// MTU of the other end in bytes.
    pub host_mtu: Option<u32>,
    /// Address of the other end.
    pub host_ip4: Option<Ipv4Net>,
    /// Address of the other end.
    pub host_ip6: Option<Ipv6Net>,
    /// Default gateway of the other end. VPP does not tell it.
    pub host_gateway4: Option<Ipv4Addr>,
    /// Default gateway of the other end. VPP does not tell it.
    pub host_gateway6: Option<Ipv6Addr>,
    /// Slots, a power of two; 256 when zero.
    pub rx_ring: u16,
    /// Slots, a power of two; 256 when zero.
    pub tx_ring: u16,
    /// Receive queues; 1 when zero. VPP does not tell them.
    pub rx_queues: u16,
    /// Transmit queues; 1 when zero. VPP does not tell them.
    pub tx_queues: u16,
    /// Segmentation offload.
    pub gso: bool,
    /// Checksum offload.
    pub checksum_offload: bool,
    /// The other end stays when VPP goes.
    pub persist: bool,
    /// The other end is there already.
    pub attach: bool,
    /// IP packets instead of Ethernet frames.
    pub tun: bool,
    /// Segments are put together again.
    pub coalesce: bool,
}

/// A TAP interface as VPP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TapDetails {
    /// VPP's number for the interface.
    pub sw_if_index: u32,
    /// Number in its VPP name.
    pub id: u32,
    /// Name of the other end in Linux.
    pub host_name: String,
    /// Network namespace of the other end; empty when none was asked for.
    pub host_namespace: String,
    /// MAC of the other end; one that VPP chose when none was asked for.
    pub host_mac: Mac,
    /// Linux bridge of the other end; empty when none was asked for.
    pub host_bridge: String,
    /// MTU of the other end; always 0 up to 19.04, which do not tell.
    pub host_mtu: u32,
    /// Address of the other end, when one was asked for.
    pub host_ip4: Option<Ipv4Net>,
    /// Address of the other end, when one was asked for.
    pub host_ip6: Option<Ipv6Net>,
    /// Slots.
    pub rx_ring: u16,
    /// Slots.
    pub tx_ring: u16,
    /// Segmentation offload; always false up to 18.10, which does not tell. The same holds for all that follow.
    pub gso: bool,
    /// Checksum offload.
    pub checksum_offload: bool,
    /// The other end stays when VPP goes.
    pub persist: bool,
    /// The other end was there before.
    pub attach: bool,
    /// IP packets instead of Ethernet frames.
    pub tun: bool,
    /// Segments are put together again.
    pub coalesce: bool,
}

/// What travels through a memif.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemifMode {
    /// Ethernet frames.
    #[default]
    Ethernet,
    /// IP packets.
    Ip,
    /// Packets that were punted or are injected. No VPP makes such a memif.
    PuntInject,
    /// Something that this does not know, by VPP's number.
    Other(u32),
}

/// How to make a memif. What is zero or `None` is left to VPP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memif {
    /// It listens at the socket; the other end connects.
    pub master: bool,
    /// What travels.
    pub mode: MemifMode,
    /// Number that both ends have, one for each memif of a socket.
    pub id: u32,
    /// The socket, by its number; 0 is VPP's own.
    pub socket_id: u32,
    /// Up to 23 bytes that both ends have. VPP does not tell it.
    pub secret: Option<String>,
    /// Slots of a ring, a power of two; 1024 when zero.
    pub ring_size: u32,
    /// Bytes of a buffer; 2048 when zero.
    pub buffer_size: u16,
    /// Queues that the slave asks for; 1 when zero. VPP does not tell them.
    pub rx_queues: u8,
    /// Queues that the slave asks for; 1 when zero. VPP does not tell them.
    pub tx_queues: u8,
    /// MAC.
    pub mac: Option<Mac>,
    /// Packets are copied also where they need not be.
    pub no_zero_copy: bool,
    /// Packets are copied by a DMA engine. VPP does not tell it.
    pub dma: bool,
}

/// A memif as VPP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemifDetails {
    /// VPP's number for the interface.
    pub sw_if_index: u32,
    /// It listens at the socket.
    pub master: bool,
    /// What travels. Up to 19.08 VPP always tells Ethernet.
    pub mode: MemifMode,
    /// Number that both ends have.
    pub id: u32,
    /// The socket, by its number.
    pub socket_id: u32,
    /// Slots of a ring. VPP tells what both ends agreed on, and 1 until the other end is there.
    pub ring_size: u32,
    /// Bytes of a buffer. VPP tells what both ends agreed on, and 0 until the other end is there.
    pub buffer_size: u16,
    /// MAC; all zero for IP.
    pub mac: Mac,
    /// Packets are not copied where they need not be. Up to 19.08 VPP does not tell it, and others only of a slave.
    pub zero_copy: bool,
}

/// A socket of memifs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MemifSocket {
    /// Its number; 0 is VPP's own.
    pub id: u32,
    /// Its path; 107 bytes at most, that of a memif of which VPP tells.
    pub path: String,
}

/// How to make an interface on top of one of Linux. What is zero or `None` is left to VPP. VPP tells nothing of it
/// but the name and the MAC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AfPacket {
    /// Linux's name of the interface, up to 15 bytes.
    pub host_name: String,
    /// MAC; a random one when there is none.
    pub mac: Option<Mac>,
    /// IP packets instead of Ethernet frames.
    pub ip: bool,
    /// Bytes.
    pub rx_frame_size: u32,
    /// Bytes.
    pub tx_frame_size: u32,
    /// Frames of a block.
    pub rx_frames_per_block: u32,
    /// Frames of a block.
    pub tx_frames_per_block: u32,
    /// Receive queues; 1 when zero.
    pub rx_queues: u16,
    /// Transmit queues; 1 when zero.
    pub tx_queues: u16,
    /// Packets go out past Linux's queueing discipline.
    pub qdisc_bypass: bool,
    /// Checksum and segmentation offload.
    pub gso: bool,
}

/// An interface on top of one of Linux, as VPP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AfPacketDetails {
    /// VPP's number for the interface.
    pub sw_if_index: u32,
    /// Linux's name of the interface.
    pub host_name: String,
}

/// How a bond spreads frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BondMode {
    /// One after the other.
    #[default]
    RoundRobin,
    /// One member at a time.
    ActiveBackup,
    /// By a hash.
    Xor,
    /// Each frame through all.
    Broadcast,
    /// By a hash, among the members on which both ends agreed.
    Lacp,
    /// Something that this does not know, by VPP's number.
    Other(u32),
}

/// What the hash of a bond is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BondHash {
    /// MACs.
    #[default]
    L2,
    /// Addresses and ports.
    L34,
    /// MACs and addresses.
    L23,
    /// Nothing: one after the other.
    RoundRobin,
    /// Nothing: broadcast.
    Broadcast,
    /// Nothing: one at a time.
    ActiveBackup,
    /// Something that this does not know, by VPP's number.
    Other(u32),
}

/// How to make a bond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bond {
    /// Number in its VPP name; any free one when there is none.
    pub id: Option<u32>,
    /// MAC; that of the first member when there is none.
    pub mac: Option<Mac>,
    /// How frames are spread.
    pub mode: BondMode,
    /// By which hash, with [`BondMode::Xor`] and [`BondMode::Lacp`].
    pub hash: BondHash,
    /// Only members of the NUMA node of the thread are used, with [`BondMode::Lacp`].
    pub numa_only: bool,
    /// Segmentation offload. VPP does not tell it.
    pub gso: bool,
}

/// A bond as VPP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BondDetails {
    /// VPP's number for the interface.
    pub sw_if_index: u32,
    /// Number in its VPP name; 18.10 does not tell it.
    pub id: Option<u32>,
    /// VPP's name: `BondEthernet0`.
    pub internal_name: String,
    /// How frames are spread.
    pub mode: BondMode,
    /// By which hash. VPP tells one of the last three of them in the modes that have no hash.
    pub hash: BondHash,
    /// Only members of the NUMA node of the thread are used; always false up to 19.04, which do not tell.
    pub numa_only: bool,
    /// How many members are in use.
    pub active_members: u32,
    /// Its members.
    pub members: Vec<BondMember>,
}

/// An interface in a bond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BondMember {
    /// The interface.
    pub sw_if_index: u32,
    /// It does not begin to speak LACP.
    pub passive: bool,
    /// LACP's long timeout (90 s) instead of the short one (3 s).
    pub long_timeout: bool,
}

/// Which packets a mirror shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpanDirection {
    /// Those that come in.
    Rx,
    /// Those that go out.
    Tx,
    /// All.
    Both,
}

/// A mirror: what passes one interface goes out through another one, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The interface that is watched.
    pub from: u32,
    /// The interface that shows it.
    pub to: u32,
    /// Which packets.
    pub direction: SpanDirection,
    /// Where the interface is in a bridge domain, instead of at the device.
    pub l2: bool,
}

/// A DHCP client on an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DhcpClient {
    /// The interface.
    pub sw_if_index: u32,
    /// Name that the server is told, up to 63 bytes.
    pub host_name: String,
    /// Identifier that the server is told, up to 63 bytes.
    pub client_id: String,
    /// The server is asked to broadcast its answers.
    pub broadcast: bool,
    /// DSCP of what the client sends, 0 to 63; none but 0 up to 19.04.
    pub dscp: u8,
}

/// A DHCP client as VPP has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DhcpClientDetails {
    /// What was asked for.
    pub client: DhcpClient,
    /// What the server gave, when it gave something.
    pub lease: Option<DhcpLease>,
}

/// What a DHCP server gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DhcpLease {
    /// The address.
    pub address: Ipv4Net,
    /// The default gateway, if there is one.
    pub router: Option<Ipv4Addr>,
    /// MAC of the interface.
    pub mac: Mac,
    /// Name servers; none up to 19.04, which do not tell.
    pub name_servers: Vec<Ipv4Addr>,
}

/// How packets are fetched from a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RxMode {
    /// VPP does not know.
    #[default]
    Unknown,
    /// All the time.
    Polling,
    /// When there are any.
    Interrupt,
    /// The one or the other, by load.
    Adaptive,
    /// As the device likes it.
    Default,
    /// Something that this does not know, by VPP's number.
    Other(u32),
}

/// A thread of VPP that packets come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RxThread {
    /// The main thread.
    Main,
    /// A worker, from 0.
    Worker(u32),
}

/// Where the packets of a queue come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxPlacement {
    /// The interface.
    pub sw_if_index: u32,
    /// Its queue, from 0.
    pub queue: u32,
    /// The thread.
    pub thread: RxThread,
    /// How they are fetched.
    pub mode: RxMode,
}
