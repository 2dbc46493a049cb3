//! Fields of requests and replies that some releases lack, or all.

use vppcalls_macros::calls;

pub trait Calls {}

#[calls(Calls)]
mod handlers {
    impl Handler {
        async fn set(&self, flags: u32) -> Result<()> {
            self.call(&api::SwInterfaceSetFlags { sw_if_index: 1, flags }).await?;
            let reply = self.call(&api::ControlPing {}).await?;
            assert(reply.vpe_uid);
        }
    }
}

fn main() {}
