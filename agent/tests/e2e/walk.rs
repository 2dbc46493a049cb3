//! Configuration in any order: what is needed comes later than what needs it.

use std::path::{Path, PathBuf};

use crate::common::{Stage, tags};
use crate::configuration::full;
use crate::scene::Scene;
use crate::servers::{Kind, Server};
use crate::view;

const BD: &str = "config/vpp/l2/v2/bridge-domain/bd1";
const FIB: &str = "config/vpp/l2/v2/fib/bd1/mac/62:89:c6:a3:6d:5c";
const IF1: &str = "config/vpp/v2/interfaces/if1";
const PORT: &str = "vpp/bd/bd1/interface/if1";

const FIB_VALUE: &str = r#"{"phys_address": "62:89:c6:a3:6d:5c", "bridge_domain": "bd1", "outgoing_interface": "if1", "static_config": true}"#;
const BD_VALUE: &str =
    r#"{"name": "bd1", "flood": true, "forward": true, "learn": true, "interfaces": [{"name": "if1"}]}"#;
const TAP: &str = r#"{"name": "if1", "type": "TAP", "enabled": true, "tap": {"host_if_name": "e2e-if1"}}"#;
const LOOPBACK: &str = r#"{"name": "if1", "type": "SOFTWARE_LOOPBACK", "enabled": true}"#;

/// Puts and deletes one key after the other, and waits for the one transaction that follows.
struct Walk<'a> {
    server: &'a Server,
    stage: &'a Stage,
    seen: usize,
}

impl Walk<'_> {
    #[track_caller]
    fn step(&mut self, key: &str, value: Option<&str>, expected: &[(&str, &str)]) {
        self.server.change(&[(full(key), value)]);
        self.expect(expected);
    }

    #[track_caller]
    fn expect(&mut self, expected: &[(&str, &str)]) {
        let owned: Vec<_> = expected.iter().map(|(op, key)| (op.to_string(), key.to_string())).collect();
        assert_eq!(self.stage.operations(self.seen), owned);
        self.seen += 1;
    }

    fn through(&mut self, interface: &str) {
        self.expect(&[]);
        self.step(FIB, Some(FIB_VALUE), &[("CREATE [NOOP IS-PENDING]", FIB)]);
        self.step(BD, Some(BD_VALUE), &[("CREATE", BD), ("CREATE [DERIVED NOOP IS-PENDING]", PORT)]);
        let all = [("CREATE", IF1), ("CREATE [DERIVED WAS-PENDING]", PORT), ("CREATE [WAS-PENDING]", FIB)];
        self.step(IF1, Some(interface), &all);
        let with = view::models(&self.stage.socket());
        assert!([BD, FIB, IF1].iter().all(|key| with.contains_key(*key)), "{with:?}");

        self.step(BD, None, &[("DELETE [IS-PENDING]", FIB), ("DELETE [DERIVED]", PORT), ("DELETE", BD)]);
        let without = view::models(&self.stage.socket());
        assert!(!without.contains_key(BD) && !without.contains_key(FIB) && without.contains_key(IF1));
        let back = [("CREATE", BD), ("CREATE [DERIVED]", PORT), ("CREATE [WAS-PENDING]", FIB)];
        self.step(BD, Some(BD_VALUE), &back);
        assert_eq!(view::models(&self.stage.socket()), with);
    }
}

pub(crate) fn on(kind: Kind) {
    for release in ["20.01", "26.06"] {
        let scene = Scene::new(kind, release);
        Walk { server: &scene.server, stage: &scene.stage, seen: 0 }.through(TAP);
        assert_eq!(tags(scene.vpp()), ["if1"]);
        let sim = scene.vpp().sim();
        let domain = sim.state().l2.domains().find(|(_, domain)| domain.tag == "bd1").unwrap().0;
        assert!(domain > 0);
    }
}

/// On a VPP that is there, and is left as it was.
pub(crate) fn real(socket: &Path) {
    let before = view::picture(socket);
    let server = Server::start(Kind::Etcd);
    let (file, text) = server.setting();
    let socket: PathBuf = socket.to_path_buf();
    let mut stage = Stage::bare().setting(file, &text).before(&socket);
    stage.start();
    let mut walk = Walk { server: &server, stage: &stage, seen: 0 };
    walk.through(LOOPBACK);
    server.change(&[BD, FIB, IF1].map(|key| (full(key), None::<&str>)));
    stage.wait("VPP as it was", || (view::picture(&socket) == before).then_some(()));
}
