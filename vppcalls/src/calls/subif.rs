//! Sub-interfaces, and rewriting of VLAN tags.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::{SubInterface, VlanRewrite};

/// See the module.
#[async_trait]
pub trait SubInterfaceCalls: Send + Sync {
    /// Makes a sub-interface; gives its `sw_if_index`. VPP refuses a number, or tags, that another one of the parent
    /// has.
    async fn add_sub_interface(&self, sub: &SubInterface) -> Result<u32>;

    /// Makes a sub-interface as [`SubInterface::vlan`] describes it; gives its `sw_if_index`.
    async fn add_vlan(&self, parent: u32, vlan: u16) -> Result<u32>;

    /// Removes a sub-interface.
    async fn delete_sub_interface(&self, sw_if_index: u32) -> Result<()>;

    /// Sets what happens to VLAN tags. The interface has to be bridged or cross-connected before; VPP forgets it when
    /// the interface leaves that.
    async fn set_vlan_rewrite(&self, sw_if_index: u32, rewrite: &VlanRewrite) -> Result<()>;
}

#[calls(SubInterfaceCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;

    use crate::SubInterfaceCalls;
    use crate::check;
    use crate::error::Result;
    use crate::types::{RewriteKind, SubInterface, Vlan, VlanRewrite, VlanTags};

    #[async_trait]
    impl SubInterfaceCalls for Handler {
        async fn add_sub_interface(&self, sub: &SubInterface) -> Result<u32> {
            let (outer, inner) = match sub.tags {
                VlanTags::None => (None, None),
                VlanTags::One(outer) => (Some(outer), None),
                VlanTags::Two(outer, inner) => (Some(outer), Some(inner)),
            };
            for vlan in [outer, inner] {
                if let Some(Vlan::Id(id)) = vlan {
                    check::vlan(id)?;
                }
            }
            let any = |vlan| vlan == Some(Vlan::Any);
            let id = |vlan| match vlan {
                Some(Vlan::Id(id)) => id,
                _ => 0,
            };
            // Bits from the lowest on, or one byte each.
            let flags = [
                outer.is_none(),
                outer.is_some() && inner.is_none(),
                inner.is_some(),
                sub.dot1ad,
                sub.exact_match,
                sub.default,
                any(outer),
                any(inner),
            ];
            let mut request = api::CreateSubif {
                sw_if_index: sub.parent,
                sub_id: sub.sub_id,
                outer_vlan_id: id(outer),
                inner_vlan_id: id(inner),
                ..Default::default()
            };
            api! {
                has(SubIfFlags) => {
                    let bits = flags.iter().rev().fold(0, |bits, on| bits << 1 | u32::from(*on));
                    request.sub_if_flags = api::SubIfFlags(bits);
                }
                _ => {
                    let [none, one, two, dot1ad, exact, default, any_outer, any_inner] = flags.map(u8::from);
                    (request.no_tags, request.one_tag, request.two_tags) = (none, one, two);
                    (request.dot1ad, request.exact_match, request.default_sub) = (dot1ad, exact, default);
                    (request.outer_vlan_id_any, request.inner_vlan_id_any) = (any_outer, any_inner);
                }
            }
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn add_vlan(&self, parent: u32, vlan: u16) -> Result<u32> {
            check::vlan(vlan)?;
            let request = api::CreateVlanSubif { sw_if_index: parent, vlan_id: vlan.into() };
            Ok(self.call(&request).await?.sw_if_index)
        }

        async fn delete_sub_interface(&self, sw_if_index: u32) -> Result<()> {
            self.call(&api::DeleteSubif { sw_if_index }).await?;
            Ok(())
        }

        async fn set_vlan_rewrite(&self, sw_if_index: u32, rewrite: &VlanRewrite) -> Result<()> {
            let (op, tags) = match rewrite.kind {
                RewriteKind::Disabled => (0, 0),
                RewriteKind::Push1 => (1, 1),
                RewriteKind::Push2 => (2, 2),
                RewriteKind::Pop1 => (3, 0),
                RewriteKind::Pop2 => (4, 0),
                RewriteKind::Translate11 => (5, 1),
                RewriteKind::Translate12 => (6, 2),
                RewriteKind::Translate21 => (7, 1),
                RewriteKind::Translate22 => (8, 2),
                RewriteKind::Other(op) => (op, 0),
            };
            for tag in [rewrite.tag1, rewrite.tag2].into_iter().take(tags) {
                check::vlan(tag)?;
            }
            let request = api::L2InterfaceVlanTagRewrite {
                sw_if_index,
                vtr_op: op,
                push_dot1q: rewrite.dot1q.into(),
                tag1: rewrite.tag1.into(),
                tag2: rewrite.tag2.into(),
            };
            self.call(&request).await?;
            Ok(())
        }
    }
}
