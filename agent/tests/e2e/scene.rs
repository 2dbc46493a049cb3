//! An agent between a store and a simulated VPP.

use std::collections::BTreeMap;

use vpp_sim::{Options, Running};

use crate::common::{PATIENCE, Stage, api_json, executed, tail};
use crate::servers::{Kind, Server};
use crate::view;

pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) stage: Stage,
    pub(crate) vpp: Option<Running>,
    /// Transactions that were looked at.
    seen: usize,
}

impl Scene {
    /// All of it runs, and nothing is wanted.
    pub(crate) fn new(kind: Kind, release: &str) -> Self {
        let server = Server::start(kind);
        let (file, text) = server.setting();
        Self::with(server, Stage::bare().setting(file, &text), release)
    }

    /// With an agent that is set up otherwise and not started.
    pub(crate) fn with(server: Server, stage: Stage, release: &str) -> Self {
        let vpp = stage.vpp(release, Options::new(api_json()));
        let mut scene = Self { server, stage, vpp: Some(vpp), seen: 0 };
        scene.stage.start();
        scene.next();
        scene
    }

    pub(crate) fn vpp(&self) -> &Running {
        self.vpp.as_ref().unwrap()
    }

    /// The operations of the next transaction.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Vec<(String, String)> {
        self.seen += 1;
        self.stage.operations(self.seen - 1)
    }

    /// Passes over transactions that are there.
    pub(crate) fn skip(&mut self) {
        self.seen = self.stage.transactions().len();
    }

    /// Transactions that nobody has looked at.
    pub(crate) fn unseen(&self) -> Vec<Vec<(String, String)>> {
        self.stage.transactions().iter().skip(self.seen).map(executed).collect()
    }

    /// What VPP has in terms of models.
    pub(crate) fn models(&self) -> BTreeMap<String, String> {
        view::models(&self.stage.socket())
    }

    /// Waits until VPP has exactly this.
    #[track_caller]
    pub(crate) fn wait_models(&self, expected: &BTreeMap<String, String>, when: &str) {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let found = self.models();
            if found == *expected {
                return;
            }
            if std::time::Instant::now() > deadline {
                let log = self.stage.log();
                panic!("{when}:\n{}\n{}", view::differences(&found, expected), tail(&log));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Waits until interfaces have exactly these names.
    #[track_caller]
    pub(crate) fn wait_tags(&self, expected: &[&str], when: &str) {
        let mut last = Vec::new();
        let late = crate::common::wait("such interfaces", || {
            last = crate::common::tags(self.vpp());
            (last == expected).then_some(())
        });
        assert!(late.is_ok(), "{last:?} are not {expected:?} {when}\n{}", tail(&self.stage.log()));
    }
}

/// A loopback to put: key and value.
pub(crate) fn loopback(name: &str) -> (String, String) {
    (
        format!("/vnf-agent/vpp1/config/vpp/v2/interfaces/{name}"),
        format!(r#"{{"name": "{name}", "type": "SOFTWARE_LOOPBACK", "enabled": true}}"#),
    )
}

impl Server {
    #[track_caller]
    pub(crate) fn put_loopback(&self, name: &str) {
        let (key, value) = loopback(name);
        self.put(&key, &value);
    }

    #[track_caller]
    pub(crate) fn delete_loopback(&self, name: &str) {
        self.delete(&loopback(name).0);
    }
}
