//! Where releases do the same request differently, without any sign of it in their definitions.
//!
//! What a release's definitions show (fields, messages) is read from them. The rest stands here, each with the
//! releases that were looked at: recorded means a recording of that release shows it.

use binapi_gen::Release;

/// VPP's error numbers that the simulator answers with.
pub mod retval {
    #![allow(missing_docs)]
    pub const UNSPECIFIED: i32 = -1;
    pub const INVALID_SW_IF_INDEX: i32 = -2;
    pub const NO_SUCH_FIB: i32 = -3;
    pub const NO_SUCH_ENTRY: i32 = -6;
    pub const INVALID_VALUE: i32 = -7;
    pub const INVALID_VALUE_2: i32 = -8;
    pub const UNIMPLEMENTED: i32 = -9;
    pub const INVALID_SW_IF_INDEX_2: i32 = -10;
    pub const SYSCALL_ERROR_1: i32 = -11;
    pub const SYSCALL_ERROR_2: i32 = -12;
    pub const SYSCALL_ERROR_4: i32 = -14;
    pub const FEATURE_DISABLED: i32 = -30;
    pub const INVALID_REGISTRATION: i32 = -31;
    pub const NO_PATHS_IN_ROUTE: i32 = -52;
    pub const NO_MATCHING_INTERFACE: i32 = -54;
    pub const INVALID_VLAN: i32 = -55;
    pub const VLAN_ALREADY_EXISTS: i32 = -56;
    pub const INVALID_SRC_ADDRESS: i32 = -57;
    pub const INVALID_DST_ADDRESS: i32 = -58;
    pub const ADDRESS_LENGTH_MISMATCH: i32 = -59;
    pub const ADDRESS_NOT_FOUND_FOR_INTERFACE: i32 = -60;
    pub const ADDRESS_NOT_DELETABLE: i32 = -61;
    pub const IP6_NOT_ENABLED: i32 = -62;
    pub const SUBIF_ALREADY_EXISTS: i32 = -68;
    pub const SUBIF_CREATE_FAILED: i32 = -69;
    pub const INVALID_INTERFACE: i32 = -71;
    pub const INVALID_VLAN_TAG_COUNT: i32 = -72;
    pub const INVALID_ARGUMENT: i32 = -73;
    pub const UNEXPECTED_INTF_STATE: i32 = -74;
    pub const TUNNEL_EXIST: i32 = -75;
    pub const INVALID_DECAP_NEXT: i32 = -76;
    pub const IF_ALREADY_EXISTS: i32 = -79;
    pub const VALUE_EXIST: i32 = -81;
    pub const SAME_SRC_DST: i32 = -82;
    pub const INVALID_ADDRESS_FAMILY: i32 = -97;
    pub const INVALID_SUB_SW_IF_INDEX: i32 = -98;
    pub const ADDRESS_IN_USE: i32 = -105;
    pub const ADDRESS_FOUND_FOR_INTERFACE: i32 = -114;
    pub const ENTRY_ALREADY_EXISTS: i32 = -116;
    pub const BD_ALREADY_EXISTS: i32 = -119;
    pub const BD_IN_USE: i32 = -120;
    pub const BD_NOT_MODIFIABLE: i32 = -121;
    pub const BD_ID_EXCEED_MAX: i32 = -122;
    pub const INVALID_QUEUE: i32 = -125;
    pub const UNSUPPORTED: i32 = -126;
    pub const DUPLICATE_IF_ADDRESS: i32 = -127;
    pub const ACL_IN_USE_INBOUND: i32 = -142;
    pub const ACL_IN_USE_OUTBOUND: i32 = -143;
    pub const INSTANCE_IN_USE: i32 = -147;
    pub const INVALID_SESSION_ID: i32 = -148;
    pub const ACL_IN_USE_BY_LOOKUP_CONTEXT: i32 = -149;
    pub const NON_ETHERNET: i32 = -151;
    pub const BD_ALREADY_HAS_BVI: i32 = -152;
    pub const INVALID_PROTOCOL: i32 = -153;
    pub const LIMIT_EXCEEDED: i32 = -162;
    pub const EAGAIN: i32 = -165;
    pub const INVALID_PREFIX_LENGTH: i32 = -171;
}

/// Which static neighbours outlive their interface and pass to the next one that gets its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum NeighborsSurvive {
    Both,
    Ip6,
    None,
}

/// Bits of a bridge domain's features (`foreach_l2input_feat` of `l2_input.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FeatureBits {
    pub learn: u32,
    pub forward: u32,
    pub flood: u32,
    pub uu_flood: u32,
    pub uu_forward: u32,
    pub arp_term: u32,
    /// 0 where there is no such feature.
    pub arp_ufwd: u32,
}

/// What a release does.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// The socket keeps packet boundaries (`SOCK_SEQPACKET`): 18.10 to 19.04.
    pub seqpacket: bool,
    /// `response` of a successful `sockclnt_delete`. Recorded: -1 in 18.10, 1 from 20.01.
    pub goodbye: i32,
    /// Details of an IPIP tunnel say whether it has many other ends: the sources do from 23.10 on; 23.06 says it has not.
    pub ipip_tells_mode: bool,
    /// A body that is too short is dropped; before 22.02 VPP reads what lies behind it, here zeros.
    pub drops_short: bool,
    /// A new interface is an event. Recorded: no in 18.10, yes from 20.01.
    pub creation_events: bool,
    /// What an address that another one overlaps is refused with. Recorded: -127 in 18.10 and 20.01, -105 from
    /// 20.05.
    pub address_conflict: i32,
    /// What an address for `local0` is answered with: 20.05 answers 0 and adds nothing, 26.06 refuses.
    pub local0_address: i32,
    /// MTU of a new link. Recorded: 9216 up to 20.05, 9000 from 23.06.
    pub link_mtu: u32,
    /// A loopback takes an MTU for its link. Recorded: yes up to 20.05; -126 from 23.06.
    pub loopback_takes_mtu: bool,
    /// A /31 has a connected route: 20.05 no, 26.06 yes.
    pub glean_31: bool,
    /// The connected route of an IPv6 address shows the address. Recorded: yes in 18.10; 20.05 and 26.06 show the
    /// network.
    pub ip6_glean_shows_address: bool,
    /// The connected route of a subnet shows the first address that it was made for, also when that one is deleted
    /// and others of the subnet stay: 26.06. 20.05 makes the route anew for one of the others.
    pub glean_outlives_address: bool,
    /// Interface that a path which drops is shown with: 20.05 and 23.06 say 0, 26.06 none. The sources take such a path
    /// for one without an interface from 24.02 on.
    pub drop_interface: u32,
    /// The flat route message says the family of its next hop (`IP46_TYPE_*`): 19.04. 18.10 and 19.01 take that of
    /// the destination.
    pub next_hop_has_family: bool,
    /// Routes are shown with the labels that their paths put on: from 19.01. Sources of 18.10, 19.04, 20.05, 26.06.
    pub shows_labels: bool,
    /// The length of a route's prefix is checked: 24.02 brought the error number.
    pub checks_prefix: bool,
    /// A path added to a route that has a path through a deleted interface ends VPP: seen from 21.06 on.
    pub stale_path_kills: bool,
    /// `api_versions` lists modules. Recorded: yes in 18.10 and 20.05, nothing in 20.01, 23.06 and 26.06.
    pub lists_versions: bool,
    /// TAP interfaces have a device class of their own: the plugin of 26.06; `virtio` before.
    pub tap_class: &'static str,
    /// Replies about memifs reach a client on the socket. Recorded: not in 18.10, whose plugin answers by shared
    /// memory alone; yes from 20.01. 19.01 goes the common way.
    pub memif_replies: bool,
    /// Replies about bonds reach a client on the socket: not in 18.10 and 19.01, which answer by shared memory alone.
    pub bond_replies: bool,
    /// The answer to who puts an interface into a bond or takes it out tells a refusal: from 20.09. Before it is 0
    /// (`vnet/bonding/bond_api.c`; seen with 20.05), and an interface that is not there is death (SIGSEGV).
    pub bond_member_refusals: bool,
    /// The folder of a memif socket has to be there when the socket gets its name: 18.10 to 23.02. Later releases
    /// see when they listen. Recorded: 18.10 and 23.06.
    pub memif_checks_folder: bool,
    /// `memif_details` tells the mode: from 20.01.
    pub memif_tells_mode: bool,
    /// Number of point to point among the modes of a GRE tunnel. Recorded: 1 in 20.01, 0 from 20.05.
    pub gre_first_mode: u32,
    /// The flags of a GRE tunnel are told: from 22.10 (`vnet/gre/gre_api.c`); before they are taken, and never told.
    pub gre_tells_flags: bool,
    /// Flags that a tunnel can have. Three came with 21.06; the definitions list them, VPP counts them.
    pub tunnel_flags: u32,
    /// An IPIP tunnel that is there already is told by its index: from 20.01; 18.10 and 19.08 tell none.
    pub ipip_tells_existing: bool,
    /// The oldest message that makes an AF_PACKET interface gives it a queue. 26.06 gives none, as its sources do
    /// since 22.06; 22.02 knows one queue only.
    pub af_packet_v1_has_queues: bool,
    /// An AF_PACKET interface can be made promiscuous: 21.06, not from 22.02.
    pub af_packet_promiscuous: bool,
    /// VXLAN tunnels are Ethernet interfaces with a MAC and an MTU. Recorded: no in 20.05, yes in 23.06 and 26.06.
    /// 21.01 registers none, 21.06 does.
    pub vxlan_is_ethernet: bool,
    /// The MTU of a link is told without the overhead of a tunnel, which makes that of a GRE or IPIP tunnel a large
    /// number: from 22.02, not in 21.06.
    pub link_mtu_less_overhead: bool,
    /// What a second sub-interface with an id is refused with by `create_subif`: -68 in 18.10, -56 from 20.01.
    pub sub_taken: i32,
    /// What `create_subif` answers when VPP cannot make the sub-interface: -69 in 18.10, -1 from 20.01.
    pub sub_failed: i32,
    /// A refusal of `create_subif` tells the index of the parent: 18.10 to 19.08. Later ones tell none.
    pub refused_sub_tells_parent: bool,
    /// A sub-interface refused because another one claims its VLAN takes the claim with it, so that the next one with
    /// that VLAN is made: from 23.06; 23.02 leaves the claim.
    pub refused_sub_frees_vlan: bool,
    /// An unnumbered interface has to be in the tables of the one whose addresses it uses. Recorded: no in 20.01 and
    /// 20.05, yes in 23.06 and 26.06. 21.06 does not check, 21.10 does.
    pub unnumbered_needs_same_table: bool,
    /// IPv6 is counted on an interface: a second request to enable it is refused, as is one to disable what is not
    /// enabled. From 20.01; 18.10 answers 0.
    pub ip6_counts: bool,
    /// The link of a bond goes up with its first active member. Recorded: up from the start in 20.01, 20.05 and
    /// 23.06, down in 26.06. 26.02 is like those before.
    pub bond_link_follows_members: bool,
    /// `show bridge-domain` has the columns of the learn limit. Recorded: no up to 20.05, yes from 23.06.
    pub learn_limit_column: bool,
    /// Where the features of a bridge domain are. Sources of all releases up to 20.01, and of 21.10, 22.02, 26.06.
    pub features: FeatureBits,
    /// Neighbours are those of `arp.c` and `ip6_neighbor.c`, up to 19.08: requests for IPv4 never fail.
    pub old_neighbors: bool,
    /// A neighbour that was learned becomes static also when its MAC stays: 20.09. Sources of 20.05, 20.09, 21.01.
    pub same_mac_makes_static: bool,
    /// Sources: `arp.c` of 19.01 to 19.08 removes all of an interface, `ip_neighbor.c` all from 26.02.
    pub static_neighbors_survive: NeighborsSurvive,
    /// Deleting an address removes the learned IPv6 neighbours that it covers: `ip_neighbor.c`, from 20.01.
    pub address_covers_ip6_neighbors: bool,
    /// What an address family that is none is refused with: -1 in 20.01, -97 from 20.05. Sources.
    pub no_such_family: i32,
    /// `proxy_arp_dump` shows the index of the table in place of its id: up to 25.06. Sources of all releases.
    pub proxy_arp_shows_index: bool,
    /// Proxy ARP outlives its interface: from 19.08 it is no longer a flag of the interface. Sources of all releases.
    pub proxy_arp_survives: bool,
    /// Adding a table that is deleted but still in use makes it be there for good again: from 22.02. Sources.
    pub relocks_tables: bool,
    /// A deleted table that is still in use loses its routes: 18.10 and 19.01. Sources of all releases.
    pub flushes_deleted_table: bool,
    /// The flow label is part of the flow hash: from 21.06. Sources.
    pub hashes_flow_label: bool,
    /// Prefixes and ports of ACL rules are checked: from 20.01. Sources of all releases.
    pub checks_acl_rules: bool,
    /// Both prefixes of a rule are of one family: from 23.02. Sources of all releases.
    pub checks_acl_family: bool,
    /// A tag of 64 characters is refused: from 21.06. Sources of all releases.
    pub checks_acl_tag: bool,
    /// Minor version of the ACL plugin. Recorded: 3 in 18.10, 4 from 20.01; sources: 4 from 19.08.
    pub acl_version: u32,
    /// ABF tells when a policy cannot be changed: from 19.08. Sources of all releases.
    pub abf_policy_tells: bool,
    /// ABF refuses a policy without paths: from 22.10. Sources of all releases.
    pub abf_wants_paths: bool,
    /// ABF tells when a policy cannot be attached or detached: from 23.02. Sources of all releases.
    pub abf_attachment_tells: bool,
    /// A policy whose ACL does not exist ends VPP when it is attached: seen in 20.05. Recorded: not in 20.01.
    pub abf_without_acl_kills: bool,
}

impl FeatureBits {
    fn of(release: Release) -> Self {
        let from = |year, month| release >= Release { year, month };
        let bits = |arp_ufwd, [arp_term, uu_flood, uu_forward, forward, learn]: [u32; 5]| Self {
            learn: 1 << learn,
            forward: 1 << forward,
            flood: 1 << 2,
            uu_flood: 1 << uu_flood,
            uu_forward: 1 << uu_forward,
            arp_term: 1 << arp_term,
            arp_ufwd,
        };
        match () {
            () if from(22, 2) => bits(1 << 3, [4, 5, 6, 7, 9]),
            () if from(19, 8) => bits(1 << 3, [4, 5, 7, 8, 10]),
            () if from(19, 1) => bits(0, [3, 4, 6, 7, 9]),
            () => bits(0, [3, 4, 5, 7, 9]),
        }
    }
}

impl Behaviour {
    /// Of a release.
    pub fn of(release: Release) -> Self {
        let from = |year, month| release >= Release { year, month };
        Self {
            seqpacket: !from(19, 8),
            goodbye: if from(20, 1) { 1 } else { -1 },
            ipip_tells_mode: from(23, 10),
            drops_short: from(22, 2),
            creation_events: from(20, 1),
            address_conflict: if from(20, 5) { retval::ADDRESS_IN_USE } else { retval::DUPLICATE_IF_ADDRESS },
            local0_address: if from(20, 9) { retval::UNSUPPORTED } else { 0 },
            link_mtu: if from(22, 2) { 9000 } else { 9216 },
            loopback_takes_mtu: !from(22, 2),
            glean_31: from(20, 9),
            ip6_glean_shows_address: !from(20, 5),
            glean_outlives_address: from(20, 9),
            drop_interface: if from(24, 2) { u32::MAX } else { 0 },
            next_hop_has_family: from(19, 4),
            shows_labels: from(19, 1),
            checks_prefix: from(24, 2),
            stale_path_kills: from(21, 6),
            lists_versions: !from(20, 1) || (from(20, 5) && !from(21, 6)),
            tap_class: if from(25, 2) { "tap" } else { "virtio" },
            memif_replies: from(19, 1),
            bond_replies: from(19, 4),
            bond_member_refusals: from(20, 9),
            memif_checks_folder: !from(23, 6),
            memif_tells_mode: from(20, 1),
            gre_first_mode: u32::from(from(20, 1) && !from(20, 5)),
            gre_tells_flags: from(22, 10),
            tunnel_flags: if from(21, 6) { 0xff } else { 0x1f },
            ipip_tells_existing: from(20, 1),
            af_packet_v1_has_queues: !from(22, 6),
            af_packet_promiscuous: !from(22, 2),
            vxlan_is_ethernet: from(21, 6),
            link_mtu_less_overhead: from(22, 2),
            sub_taken: if from(20, 1) { retval::VLAN_ALREADY_EXISTS } else { retval::SUBIF_ALREADY_EXISTS },
            sub_failed: if from(20, 1) { retval::UNSPECIFIED } else { retval::SUBIF_CREATE_FAILED },
            refused_sub_tells_parent: !from(20, 1),
            refused_sub_frees_vlan: from(23, 6),
            unnumbered_needs_same_table: from(21, 10),
            ip6_counts: from(20, 1),
            bond_link_follows_members: from(26, 6),
            learn_limit_column: from(22, 2),
            features: FeatureBits::of(release),
            old_neighbors: !from(20, 1),
            same_mac_makes_static: from(20, 9),
            static_neighbors_survive: match () {
                () if from(26, 2) => NeighborsSurvive::None,
                () if from(20, 1) || !from(19, 1) => NeighborsSurvive::Both,
                () => NeighborsSurvive::Ip6,
            },
            address_covers_ip6_neighbors: from(20, 1),
            no_such_family: if from(20, 5) { retval::INVALID_ADDRESS_FAMILY } else { retval::UNSPECIFIED },
            proxy_arp_shows_index: !from(25, 10),
            proxy_arp_survives: from(19, 8),
            relocks_tables: from(22, 2),
            flushes_deleted_table: !from(19, 4),
            hashes_flow_label: from(21, 6),
            checks_acl_rules: from(20, 1),
            checks_acl_family: from(23, 2),
            checks_acl_tag: from(21, 6),
            acl_version: if from(19, 8) { 4 } else { 3 },
            abf_policy_tells: from(19, 8),
            abf_wants_paths: from(22, 10),
            abf_attachment_tells: from(23, 2),
            abf_without_acl_kills: from(20, 5) && !from(20, 9),
        }
    }
}
