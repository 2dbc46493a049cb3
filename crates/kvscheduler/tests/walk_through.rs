//! The configuration of a bridge domain in the worst order, step by step, with the exact log.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
use common::*;
use kvscheduler::*;

const IF: &str = "config/vpp/v2/interfaces/if1";
const BD: &str = "config/vpp/l2/v2/bridge-domain/bd1";
const PORT: &str = "vpp/bd/bd1/interface/if1";
const FIB: &str = "config/vpp/l2/v2/fib/bd1/mac/02:00:00:00:00:01";

fn scheduler(southbound: &Southbound) -> Scheduler {
    Scheduler::builder()
        .register_private(toy("fib", "config/vpp/l2/v2/fib/", southbound))
        .register_private(toy("bridge-domain", "config/vpp/l2/v2/bridge-domain/", southbound))
        .register_private(Toy { readable: true, ..toy("bd-interface", "vpp/bd/", southbound) })
        .register_private(toy("interface", "config/vpp/v2/interfaces/", southbound))
        .build()
        .unwrap()
}

fn interface() -> Item {
    item(r#"name:"if1" type:SOFTWARE_LOOPBACK enabled:true"#)
}

fn bridge_domain() -> Item {
    item(r#"name:"bd1" interfaces:{name:"if1"}"#).derives(PORT, item(r#"name:"if1""#).needs(IF))
}

fn fib() -> Item {
    item(r#"phys_address:"02:00:00:00:00:01" bridge_domain:"bd1" outgoing_interface:"if1""#).needs(PORT)
}

#[tokio::test]
async fn the_walk_through_is_exact() {
    let southbound = Southbound::default();
    let mut s = scheduler(&southbound);
    let change = Transaction::change;

    let ops = run_well(&mut s, change().set(FIB, fib())).await;
    assert_eq!(ops, [format!("CREATE [NOOP IS-PENDING] {FIB}")]);

    let ops = run_well(&mut s, change().set(BD, bridge_domain())).await;
    assert_eq!(ops, [format!("CREATE {BD}"), format!("CREATE [DERIVED NOOP IS-PENDING] {PORT}")]);

    let record = s.commit(change().set(IF, interface()).description("set interface")).await.unwrap();
    let created = [
        format!("CREATE {IF}"),
        format!("CREATE [DERIVED WAS-PENDING] {PORT}"),
        format!("CREATE [WAS-PENDING] {FIB}"),
    ];
    assert_eq!(titles(&record.planned), created);
    assert_eq!(titles(&record.executed), created);
    let log = record.to_string();
    assert!(
        log.starts_with("Transaction #3 (change): set interface\nplanned operations:\n  1. CREATE:\n"),
        "{log}"
    );
    assert!(
        log.contains(
            "\n  2. CREATE [DERIVED WAS-PENDING]:\n    - key: vpp/bd/bd1/interface/if1\n    - value: { name:\"if1\" }\n"
        ),
        "{log}"
    );
    assert!(log.contains("\nexecuted operations (took "), "{log}");

    let ops = run_well(&mut s, change().delete(BD)).await;
    assert_eq!(
        ops,
        [format!("DELETE [IS-PENDING] {FIB}"), format!("DELETE [DERIVED] {PORT}"), format!("DELETE {BD}")]
    );
    assert_eq!(s.status(FIB).unwrap().state, State::Pending);
    assert!(s.status(BD).is_none() && s.status(PORT).is_none());

    let ops = run_well(&mut s, change().set(BD, bridge_domain())).await;
    assert_eq!(
        ops,
        [format!("CREATE {BD}"), format!("CREATE [DERIVED] {PORT}"), format!("CREATE [WAS-PENDING] {FIB}")]
    );

    let wanted =
        || Transaction::resync(Resync::Full).set(FIB, fib()).set(BD, bridge_domain()).set(IF, interface());
    southbound.calls();
    assert_eq!(run_well(&mut s, wanted()).await, [""; 0]);
    assert_eq!(run_well(&mut s, Transaction::resync(Resync::Downstream)).await, [""; 0]);

    southbound.wipe();
    let ops = run_well(&mut s, wanted()).await;
    assert_eq!(
        ops,
        [
            format!("CREATE [WAS-MISSING] {BD}"),
            format!("CREATE [WAS-MISSING] {IF}"),
            format!("CREATE [DERIVED WAS-MISSING] {PORT}"),
            format!("CREATE [WAS-MISSING] {FIB}"),
        ]
    );
    assert_eq!(run_well(&mut s, wanted()).await, [""; 0]);

    // Another run of the agent finds everything as it should be, and touches nothing.
    southbound.calls();
    let mut again = scheduler(&southbound);
    assert_eq!(run_well(&mut again, wanted()).await, [""; 0]);
    assert_eq!(southbound.calls(), [""; 0]);
    assert_eq!(again.dump().iter().filter(|status| status.state == State::Configured).count(), 4);
    // And knows enough to take it down in order.
    let ops = run_well(&mut again, Transaction::change().delete(BD)).await;
    assert_eq!(
        ops,
        [format!("DELETE [IS-PENDING] {FIB}"), format!("DELETE [DERIVED] {PORT}"), format!("DELETE {BD}")]
    );
    southbound.assert_sound();
}

#[tokio::test]
async fn a_pending_port_survives_resync_and_leaves_with_its_bridge_domain() {
    let southbound = Southbound::default();
    let mut s = scheduler(&southbound);
    run_well(&mut s, Transaction::change().set(FIB, fib()).set(BD, bridge_domain())).await;
    let resync = Transaction::resync(Resync::Full).set(FIB, fib()).set(BD, bridge_domain());
    assert_eq!(run_well(&mut s, resync).await, [""; 0]);
    let explained = s.explain(PORT);
    assert!(explained.contains("nobody asks for it"), "{explained}");
    assert!(explained.contains(IF), "{explained}");
    let ops = run_well(&mut s, Transaction::change().delete(BD)).await;
    assert_eq!(ops, [format!("DELETE [DERIVED NOOP WAS-PENDING] {PORT}"), format!("DELETE {BD}")]);
    let ops = run_well(&mut s, Transaction::change().delete(FIB)).await;
    assert_eq!(ops, [format!("DELETE [NOOP WAS-PENDING] {FIB}")]);
    assert_eq!(s.len(), 0);
    southbound.assert_sound();
}

#[tokio::test]
async fn derived_values_are_reconciled_with_what_was_read_back() {
    let southbound = Southbound::default();
    let mut s = scheduler(&southbound);
    let if2 = "config/vpp/v2/interfaces/if2";
    let port2 = "vpp/bd/bd1/interface/if2";
    let other =
        item(r#"name:"bd1" interfaces:{name:"if1"}"#).derives(port2, item(r#"name:"if2""#).needs(if2));
    let all = Transaction::change().set(IF, interface()).set(if2, interface()).set(BD, bridge_domain());
    run_well(&mut s, all).await;
    // A new run wants another port in the same bridge domain.
    let mut again = scheduler(&southbound);
    let wanted =
        Transaction::resync(Resync::Full).set(IF, interface()).set(if2, interface()).set(BD, other.clone());
    let ops = run_well(&mut again, wanted).await;
    assert_eq!(ops, [format!("DELETE [DERIVED DISCOVERED] {PORT}"), format!("CREATE [DERIVED] {port2}")]);
    // The same by a change.
    let ops = run_well(&mut again, Transaction::change().set(BD, bridge_domain())).await;
    assert_eq!(ops, [format!("DELETE [DERIVED] {port2}"), format!("CREATE [DERIVED] {PORT}")]);
    southbound.assert_sound();
}

#[tokio::test]
async fn a_plan_touches_nothing() {
    let southbound = Southbound::default();
    let mut s = scheduler(&southbound);
    let all = || Transaction::change().set(FIB, fib()).set(BD, bridge_domain()).set(IF, interface());
    let plan = s.commit(all().plan_only()).await.unwrap();
    assert!(plan.executed.is_empty() && s.is_empty() && southbound.calls().is_empty());
    assert_eq!(titles(&plan.planned), run_well(&mut s, all()).await);
    let plan = s.commit(Transaction::resync(Resync::Full).plan_only()).await.unwrap();
    assert_eq!(plan.planned.len(), 4);
    assert_eq!(s.dump().iter().filter(|status| status.state == State::Configured).count(), 4);
    assert_eq!(s.history().len(), 1);
}
