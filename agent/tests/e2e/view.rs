//! What a VPP has, as clients see it that are not the agent.

use std::future::Future;
use std::path::Path;

use descriptors::{Defaults, Indexes, Southbound};
use kvscheduler::{Resync, Scheduler, Transaction};
use observer::connect;
pub(crate) use observer::{Picture, differences, missing};

use crate::common::PATIENCE;

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, future).await.expect("VPP answers") })
}

/// What VPP has in terms of models, with names for numbers; without MACs that VPP made up.
pub(crate) fn models(socket: &Path) -> Picture {
    run(async {
        let (client, handlers) = connect(socket).await;
        let southbound = Southbound::default();
        southbound.set(Some(handlers));
        let builder = descriptors::register(
            Scheduler::builder(),
            &southbound,
            &Indexes::default(),
            Defaults::default(),
        );
        // Nothing is its own, so it only looks.
        let mut scheduler = builder.ownership(|_| false).build().unwrap_or_else(|e| panic!("{e}"));
        scheduler.commit(Transaction::resync(Resync::Full)).await.unwrap_or_else(|e| panic!("{e}"));
        let values = scheduler.dump().into_iter().filter(|status| status.key.starts_with("config/"));
        let made_up = ["phys_address:\"02:fe", "phys_address:\"d0:0b", "phys_address:\"de:ad"];
        let text = |text: String| {
            let text = text.replace(['{', '}'], " ");
            let words =
                text.split_whitespace().filter(|word| !made_up.iter().any(|mac| word.starts_with(mac)));
            // Ports and members come in the order in which they were made.
            let mut words: Vec<_> = words.collect();
            words.sort_unstable();
            words.join(" ")
        };
        let values = values
            .filter_map(|status| Some((status.key.to_string(), text(status.present?.to_string()))))
            // Of proxy ARP some releases tell the place of a table for its number.
            .filter(|(key, _)| !key.contains("UNTAGGED-") && !key.contains("proxyarp"))
            .collect();
        client.close().await;
        values
    })
}

/// Everything that can be told of a VPP, with its numbers; without sockets of memifs, which VPP keeps.
pub(crate) fn picture(socket: &Path) -> Picture {
    run(async {
        let (client, calls) = connect(socket).await;
        let mut picture = observer::picture(&calls).await;
        picture.retain(|what, _| !what.starts_with("socket "));
        client.close().await;
        picture
    })
}

/// Makes what is somebody else's. What VPP has with that.
pub(crate) fn foreign(socket: &Path) -> Picture {
    run(async {
        let (client, calls) = connect(socket).await;
        observer::make_foreign(&calls).await;
        client.close().await;
    });
    picture(socket)
}
