//! Tunnels: VXLAN, GRE, IP in IP.

use vppcalls::types::{Gre, GreKind, Ipip, TunnelFlags, Vxlan};
use vppcalls::{Error, Kind, NewInterface};

use super::{NOWHERE, Scenario, ip};

impl Scenario<'_> {
    /// VXLAN tunnels of both families.
    pub async fn vxlans(&self) {
        let calls = &self.calls.vxlan;
        let ends = [("10.45.0.1", "10.45.0.2"), ("2001:db8:45::1", "2001:db8:45::2")];
        for (src, dst) in ends {
            let tunnel = Vxlan { instance: Some(77), ..Vxlan::between(ip(src), ip(dst), 0xab_cdef) };
            let new = NewInterface::Vxlan(tunnel);
            let made = self.make(&new, "18.10").await.expect("a tunnel");
            let Kind::Vxlan(found) = made.kind else { panic!("{:?}", made.kind) };
            // VPP tells the number that it took.
            assert_eq!(Vxlan { decap_next: tunnel.decap_next, ..found }, tunnel);
            assert_ne!(found.decap_next, u32::MAX);
            assert_eq!(made.interface.internal_name, "vxlan_tunnel77");
            self.refused(calls.add_vxlan(&tunnel).await, &[(-75, "TUNNEL_EXIST")]);
            let number = Vxlan { vni: 5, ..tunnel };
            self.refused(calls.add_vxlan(&number).await, &[(-147, "INSTANCE_IN_USE")]);
            self.unmake(&new, &made).await;
            self.refused(calls.delete_vxlan(&tunnel).await, &[(-6, "NO_SUCH_ENTRY")]);
            let ports = Vxlan { src_port: 4790, dst_port: 4791, ..tunnel };
            if let Some(made) = self.make(&NewInterface::Vxlan(ports), "21.06").await {
                let Kind::Vxlan(found) = made.kind else { panic!("{:?}", made.kind) };
                assert_eq!((found.src_port, found.dst_port), (4790, 4791));
                self.unmake(&NewInterface::Vxlan(ports), &made).await;
            }
            let l3 = Vxlan { l3: true, ..tunnel };
            if let Some(made) = self.make(&NewInterface::Vxlan(l3), "21.06").await {
                self.unmake(&NewInterface::Vxlan(l3), &made).await;
            }
            let same = Vxlan { dst: tunnel.src, ..tunnel };
            self.refused(calls.add_vxlan(&same).await, &[(-82, "SAME_SRC_DST")]);
            let nowhere = Vxlan { table: 4_242, ..tunnel };
            self.refused(calls.add_vxlan(&nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        }
        let mixed = Vxlan::between(ip("10.45.0.1"), ip("2001:db8::1"), 1);
        let result = calls.add_vxlan(&mixed).await;
        assert!(matches!(result, Err(Error::OtherFamily { .. })), "{result:?}");
        let wide = Vxlan { vni: 1 << 24, dst: ip("10.45.0.2"), ..mixed };
        let result = calls.add_vxlan(&wide).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 0xff_ffff, .. })), "{result:?}");
    }

    /// GRE tunnels of all kinds and both families.
    pub async fn gres(&self) {
        let calls = &self.calls.gre;
        for (src, dst) in [("10.46.0.1", "10.46.0.2"), ("2001:db8:46::1", "2001:db8:46::2")] {
            for kind in [GreKind::L3, GreKind::Teb, GreKind::Erspan] {
                let session = if kind == GreKind::Erspan { 1023 } else { 0 };
                let tunnel = Gre { instance: Some(8), session, ..Gre::between(kind, ip(src), ip(dst)) };
                let new = NewInterface::Gre(tunnel);
                let made = self.make(&new, "18.10").await.expect("a tunnel");
                assert_eq!(made.kind, Kind::Gre(tunnel));
                let again = calls.add_gre(&tunnel).await.expect_err("it is there");
                assert!(again.retval().is_some(), "{again}");
                let number = Gre { src: ip(dst), dst: ip(src), ..tunnel };
                self.refused(calls.add_gre(&number).await, &[(-147, "INSTANCE_IN_USE")]);
                self.unmake(&new, &made).await;
                assert!(calls.delete_gre(&tunnel).await.expect_err("it is gone").retval().is_some());
            }
            let plain = Gre { instance: Some(8), ..Gre::between(GreKind::L3, ip(src), ip(dst)) };
            let flagged = Gre { flags: TunnelFlags::COPY_DF | TunnelFlags::COPY_DSCP, ..plain };
            let told = if self.has("22.10") { flagged } else { plain };
            self.there_and_back(&NewInterface::Gre(flagged), "20.05", |_| Kind::Gre(told)).await;
            let keyed = Gre { key: 0xdead_beef, ..plain };
            self.there_and_back(&NewInterface::Gre(keyed), "25.10", |_| Kind::Gre(keyed)).await;
            let nowhere = Gre { table: 4_242, ..plain };
            self.refused(calls.add_gre(&nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        }
        let many = Gre { multipoint: true, ..Gre::between(GreKind::L3, ip("10.46.0.1"), ip("0.0.0.0")) };
        let many = Gre { instance: Some(9), ..many };
        self.there_and_back(&NewInterface::Gre(many), "20.01", |_| Kind::Gre(many)).await;
        let mixed = Gre { dst: ip("::1"), multipoint: false, ..many };
        let result = calls.add_gre(&mixed).await;
        assert!(matches!(result, Err(Error::OtherFamily { .. })), "{result:?}");
        let far = Gre { session: 1024, dst: ip("10.46.0.2"), ..mixed };
        let result = calls.add_gre(&far).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 1023, .. })), "{result:?}");
    }

    /// Tunnels of IP in IP, of both families.
    pub async fn ipips(&self) {
        let calls = &self.calls.ipip;
        for (src, dst) in [("10.47.0.1", "10.47.0.2"), ("2001:db8:47::1", "2001:db8:47::2")] {
            let tunnel = Ipip { instance: Some(6), ..Ipip::between(ip(src), ip(dst)) };
            let new = NewInterface::Ipip(tunnel);
            let made = self.make(&new, "18.10").await.expect("a tunnel");
            assert_eq!(made.kind, Kind::Ipip(tunnel));
            self.refused(calls.add_ipip(&tunnel).await, &[(-79, "IF_ALREADY_EXISTS")]);
            let number = Ipip { src: ip(dst), dst: ip(src), ..tunnel };
            self.refused(calls.add_ipip(&number).await, &[(-147, "INSTANCE_IN_USE")]);
            self.unmake(&new, &made).await;
            let marked = Ipip { dscp: 46, ..tunnel };
            let told = if self.has("20.01") { marked } else { tunnel };
            self.there_and_back(&NewInterface::Ipip(marked), "18.10", |_| Kind::Ipip(told)).await;
            let flagged = Ipip { flags: TunnelFlags::SET_DF | TunnelFlags::COPY_ECN, ..tunnel };
            self.there_and_back(&NewInterface::Ipip(flagged), "20.01", |_| Kind::Ipip(flagged)).await;
            let nowhere = Ipip { table: 4_242, ..tunnel };
            self.refused(calls.add_ipip(&nowhere).await, &[(-3, "NO_SUCH_FIB")]);
        }
        let many = Ipip { multipoint: true, ..Ipip::between(ip("10.47.0.1"), ip("0.0.0.0")) };
        let many = Ipip { instance: Some(7), ..many };
        self.there_and_back(&NewInterface::Ipip(many), "20.05", |_| Kind::Ipip(many)).await;
        let mixed = Ipip { dst: ip("::1"), ..many };
        let result = calls.add_ipip(&mixed).await;
        assert!(matches!(result, Err(Error::OtherFamily { .. })), "{result:?}");
        let result = calls.add_ipip(&Ipip { dscp: 64, dst: ip("10.1.1.1"), ..mixed }).await;
        assert!(matches!(result, Err(Error::OutOfRange { max: 63, .. })), "{result:?}");
        assert!(calls.delete_ipip(NOWHERE).await.expect_err("there is none").retval().is_some());
    }
}
