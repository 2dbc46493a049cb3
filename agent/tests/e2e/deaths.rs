//! VPPs that die in the midst of what they are asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use vpp_sim::{Fault, Options, Rule, Running, Sim, Which};

use crate::common::{Stage, api_json, looks, release, tags};
use crate::configuration::{Stated, everything, numbers};
use crate::orders::settle;
use crate::scene::Scene;
use crate::servers::{Kind, Server};
use crate::view;

/// VPP dies of each of the requests that configure something, in the midst of a resync; the next one gets everything.
pub(crate) fn of_any_request() {
    let all = everything();
    let scene = Scene::new(Kind::Etcd, "23.06");
    let changes: Vec<_> = all.iter().map(|s| (s.stored(), Some(s.json.to_string()))).collect();
    scene.server.change(&changes);
    settle(&scene.stage, &all);
    let expected = scene.models();
    let received = scene.vpp().sim().received().clone();
    let changing: Vec<String> = received.into_keys().filter(|name| !looks(name)).collect();
    assert!(changing.len() > 25, "{changing:?}");
    // An agent waits longer with each VPP that dies soon, so each agent has a few only.
    std::thread::scope(|scope| {
        let (server, all, expected) = (&scene.server, &all, &expected);
        let other = ["26.06", "20.05", "22.02"].into_iter().cycle();
        let some = changing.chunks(3).zip(other);
        let dying = some.map(|(some, other)| scope.spawn(move || die_of(some, other, server, all, expected)));
        for ended in dying.collect::<Vec<_>>() {
            ended.join().unwrap();
        }
    });
}

/// A VPP dies of each of these, comes back as another release, and as the first, and has everything in the end.
fn die_of(
    messages: &[String],
    other: &str,
    server: &Server,
    all: &[Stated],
    expected: &BTreeMap<String, String>,
) {
    let (file, text) = server.setting();
    let mut stage = Stage::bare().setting(file, &text);
    let mut vpp = stage.vpp("23.06", Options::new(api_json()));
    stage.start();
    settle(&stage, all);
    for message in messages {
        // Rules outlive a VPP.
        let rule = Rule::new(message.as_str(), Fault::Crash).times(1);
        if vpp.sim().add_fault(rule).is_err() {
            panic!("{message} is no request");
        }
        vpp = vpp.restart().unwrap();
        stage.wait(&format!("death of {message}"), || vpp.died());
        vpp.sim().clear_faults();
    }
    for of in [other, "23.06"] {
        vpp = vpp.restart_as(release(of), Options::new(api_json())).unwrap();
        stage.wait(&format!("everything on {of}"), || (tags(&vpp).len() > 25).then_some(()));
        settle(&stage, all);
    }
    let same = || (view::models(&stage.socket()) == *expected).then_some(());
    stage.wait("the same as before", same);
    assert!(stage.runs());
}

/// How many agents there are, and at how many points of a resync the VPP of each dies.
const AGENTS: u64 = 6;
const POINTS: u64 = 4;

/// VPP dies after any number of requests, in the midst of a resync and in the midst of a change. The next one has
/// everything in the end, and what others made on it stays.
pub(crate) fn at_any_point() {
    let mut numbers = numbers();
    let all = everything();
    let server = Server::start(Kind::Etcd);
    let mut whole = Exposed::new(&server, "whole", &all);
    let by_others = whole.received();
    whole.begin();
    settle(&whole.stage, &all);
    let requests = whole.received() - by_others;
    let expected = view::models(&whole.path);
    assert!(requests > 200, "{requests} requests");
    // The last ones are said or not said as it comes.
    let step = requests * 9 / 10 / (AGENTS * POINTS);
    let points: Vec<u64> = (0..AGENTS * POINTS).map(|i| step * i + numbers.u64(0..step)).collect();
    std::thread::scope(|scope| {
        let (server, all, expected) = (&server, &all, &expected);
        let dying = (0..AGENTS).map(|agent| {
            let own = points.iter().copied().enumerate().filter(move |(i, _)| *i as u64 % AGENTS == agent);
            let points: Vec<u64> = own.map(|(_, after)| after).collect();
            let in_change: Vec<u64> = points.iter().map(|_| numbers.u64(0..20)).collect();
            scope.spawn(move || {
                let mut exposed = Exposed::new(server, &format!("agent{agent}"), all);
                exposed.begin();
                settle(&exposed.stage, all);
                for (in_resync, in_change) in points.into_iter().zip(in_change) {
                    exposed.dies_in_resync(in_resync);
                    exposed.has(all, expected, &format!("a death in a resync after {in_resync} requests"));
                    exposed.dies_in_change(server, all, in_change);
                    exposed.has(all, expected, &format!("a death in a change after {in_change} requests"));
                }
                assert!(exposed.stage.runs());
            })
        });
        for ended in dying.collect::<Vec<_>>() {
            ended.join().unwrap();
        }
    });
}

/// An agent before a VPP that it sees only when others have set it up.
struct Exposed {
    stage: Stage,
    label: String,
    vpp: Option<Running>,
    path: PathBuf,
    theirs: BTreeMap<String, String>,
}

impl Exposed {
    /// An agent that is not started, and for which all is wanted.
    fn new(server: &Server, label: &str, all: &[Stated]) -> Self {
        let (file, text) = server.setting();
        let stage = Stage::bare().label(label).setting(file, &text);
        let (path, link) = (stage.path("vpp.sock"), stage.path("seen.sock"));
        let vpp = Sim::new(release("23.06"), Options::new(api_json())).unwrap().serve(&path).unwrap();
        let theirs = view::foreign(&path);
        let stage = stage.before(&link);
        let exposed = Self { stage, label: label.to_owned(), vpp: Some(vpp), path, theirs };
        exposed.want(server, all, true);
        exposed
    }

    fn want(&self, server: &Server, some: &[Stated], wanted: bool) {
        let key = |stated: &Stated| stated.stored().replacen("vpp1", &self.label, 1);
        let change = |stated: &Stated| (key(stated), wanted.then(|| stated.json.to_string()));
        server.change(&some.iter().map(change).collect::<Vec<_>>());
    }

    fn vpp(&self) -> &Running {
        self.vpp.as_ref().unwrap()
    }

    fn received(&self) -> u64 {
        self.vpp().sim().received().values().sum()
    }

    fn begin(&mut self) {
        self.show();
        self.stage.start();
    }

    fn show(&self) {
        std::os::unix::fs::symlink(&self.path, self.stage.socket()).unwrap();
    }

    /// Another VPP, set up by others, takes the place of this one. It dies when the agent has asked so often.
    fn renew(&mut self, dies_after: Option<u64>) {
        std::fs::remove_file(self.stage.socket()).unwrap();
        self.vpp.as_ref().unwrap().sim().clear_faults();
        self.vpp = Some(self.vpp.take().unwrap().restart().unwrap());
        self.theirs = view::foreign(&self.path);
        if let Some(after) = dies_after {
            self.doom(after);
        }
        self.show();
    }

    /// Lets VPP die when the agent has asked so often from now on.
    fn doom(&self, after: u64) {
        let agent = format!("vpp-agent {}", self.label);
        let rule = Rule::new(Which::All, Fault::Crash).client(&agent).after(after).times(1);
        self.vpp().sim().add_fault(rule).unwrap();
    }

    fn dies_in_resync(&mut self, after: u64) {
        self.renew(Some(after));
        self.stage.wait(&format!("death after {after} requests"), || self.vpp().died());
        self.renew(None);
    }

    /// It dies while every other value goes; and by the time there is another one they are wanted again.
    fn dies_in_change(&mut self, server: &Server, all: &[Stated], after: u64) {
        let some: Vec<Stated> = all.iter().step_by(2).cloned().collect();
        self.doom(after);
        self.want(server, &some, false);
        self.stage.wait(&format!("death after {after} requests"), || self.vpp().died());
        self.want(server, &some, true);
        self.renew(None);
    }

    fn has(&self, all: &[Stated], expected: &BTreeMap<String, String>, when: &str) {
        settle(&self.stage, all);
        let mut last = BTreeMap::new();
        let late = crate::common::wait("the same as before", || {
            last = view::models(&self.path);
            (last == *expected).then_some(())
        });
        assert!(late.is_ok(), "{when}: {}\n{}", view::differences(&last, expected), self.stage.log());
        let missing = view::missing(&self.theirs, &view::picture(&self.path));
        assert!(missing.is_empty(), "{when}: {}", missing.join("\n"));
    }
}
