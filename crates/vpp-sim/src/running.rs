//! A VPP that serves its sockets, and what can be done to it from outside.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::SockType;

use crate::Release;
use crate::control::Control;
use crate::options::{Nic, Options};
use crate::server::{Order, Orders, Role, Server, lock};
use crate::sim::Sim;
use crate::socket::{Listener, ServeError};
use crate::state::InterfaceEvent;
use crate::stats::{StatsOptions, StatsServer};

/// A VPP that serves its socket. Dropped, it closes its connections and removes the socket file.
pub struct Running {
    host: Arc<Host>,
    control: Option<Control>,
}

/// The place of a VPP: it can die and be started again here.
pub(crate) struct Host {
    path: PathBuf,
    sim: Arc<Mutex<Sim>>,
    /// The one that serves; still there when the VPP died of itself.
    serving: Mutex<Option<Serving>>,
}

struct Serving {
    orders: Arc<Orders>,
    thread: JoinHandle<()>,
    /// Statistics go with the VPP that they are of.
    _stats: Option<StatsServer>,
}

impl Serving {
    fn end(self) {
        self.orders.stop();
        let _ = self.thread.join();
    }
}

impl Sim {
    /// Serves the API at a path. A socket file that nobody serves is replaced.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn serve(self, path: impl Into<PathBuf>) -> Result<Running, ServeError> {
        let host = Host { path: path.into(), sim: Arc::new(Mutex::new(self)), serving: Mutex::new(None) };
        let serving = host.serve()?;
        *lock(&host.serving) = Some(serving);
        Ok(Running { host: Arc::new(host), control: None })
    }
}

impl Host {
    pub(crate) fn sim(&self) -> MutexGuard<'_, Sim> {
        lock(&self.sim)
    }

    /// Binds the sockets of the VPP that is there and serves them.
    fn serve(&self) -> Result<Serving, ServeError> {
        let seqpacket = self.sim().behaviour().seqpacket;
        let kind = if seqpacket { SockType::SeqPacket } else { SockType::Stream };
        let stats = {
            let mut sim = self.sim();
            let path = sim.options().stats_socket.clone();
            path.map(|path| sim.serve_stats(path, &StatsOptions::default())).transpose()?
        };
        let listeners = vec![(Role::Api, Listener::bind(&self.path, kind)?)];
        let refused = |what| move |source| ServeError::system(&self.path, what, source);
        let (orders, woken) = Orders::new().map_err(refused("cannot make a pair of sockets"))?;
        let orders = Arc::new(orders);
        let server = Server::new(Arc::clone(&self.sim), Arc::clone(&orders), woken, listeners);
        let thread = std::thread::Builder::new()
            .name("vpp-sim".to_string())
            .spawn(move || server.run())
            .map_err(refused("cannot start a thread"))?;
        Ok(Serving { orders, thread, _stats: stats })
    }

    /// True unless it died or was stopped.
    pub(crate) fn runs(&self) -> bool {
        lock(&self.serving).is_some() && self.sim().died().is_none()
    }

    /// Ends the VPP that is there, if one is, and starts another.
    ///
    /// # Errors
    /// When there are no such definitions the old one stays.
    pub(crate) fn restart(&self, release: Release, options: Options) -> Result<(), ServeError> {
        let mut serving = lock(&self.serving);
        let mut sim = Sim::new(release, options)?;
        if let Some(serving) = serving.take() {
            serving.end();
        }
        {
            let mut before = self.sim();
            sim.succeed(&mut before);
            *before = sim;
        }
        *serving = Some(self.serve()?);
        Ok(())
    }

    /// Ends the VPP in good order.
    pub(crate) fn end(&self) {
        if let Some(serving) = lock(&self.serving).take() {
            serving.end();
        }
    }

    /// Kills the VPP: its connections close, its socket file stays.
    pub(crate) fn crash(&self, why: &str) {
        let serving = lock(&self.serving).take();
        self.sim().die(why.to_string());
        if let Some(Serving { orders, thread, .. }) = serving {
            orders.give(Order::Look);
            let _ = thread.join();
        }
    }

    pub(crate) fn give(&self, order: Order) {
        if let Some(serving) = &*lock(&self.serving) {
            serving.orders.give(order);
        }
    }

    pub(crate) fn event(&self, event: InterfaceEvent) {
        self.sim().event(event);
        self.give(Order::Look);
    }

    pub(crate) fn set_link(&self, sw_if_index: u32, up: bool) -> bool {
        let there = self.sim().set_link(sw_if_index, up);
        self.give(Order::Look);
        there
    }

    pub(crate) fn add_nic(&self, nic: Nic) -> u32 {
        let sw_if_index = self.sim().add_nic(nic);
        self.give(Order::Look);
        sw_if_index
    }
}

impl Running {
    /// The path of the socket.
    pub fn path(&self) -> &Path {
        &self.host.path
    }

    /// The VPP, for a look or a change; messages wait meanwhile, and so does everything else here.
    pub fn sim(&self) -> MutexGuard<'_, Sim> {
        self.host.sim()
    }

    /// Why the simulated VPP died, once it did. Its connections are closed then; the socket file stays, as that of
    /// a crashed VPP does.
    pub fn died(&self) -> Option<String> {
        self.sim().died().map(str::to_string)
    }

    /// Ends it, if it has not died, and starts another one of the same release and options, with nothing
    /// configured. Rules of faults and the control socket stay.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn restart(self) -> Result<Self, ServeError> {
        let (release, options) = {
            let sim = self.sim();
            (sim.release(), sim.options().clone())
        };
        self.restart_as(release, options)
    }

    /// Ends it and starts another release at the same path, or the same one with other plugins.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn restart_as(self, release: Release, options: Options) -> Result<Self, ServeError> {
        self.host.restart(release, options)?;
        Ok(self)
    }

    /// Takes commands at a path: a line of JSON each, answered by a line of JSON. `docs/simulator.md` has them.
    /// It is there through crashes and restarts, until this is stopped or dropped.
    ///
    /// # Errors
    /// See [`ServeError`].
    pub fn control(&mut self, path: impl Into<PathBuf>) -> Result<(), ServeError> {
        self.control = Some(Control::start(Arc::clone(&self.host), path.into())?);
        Ok(())
    }

    /// Its main loop stops for a time.
    pub fn stall(&self, time: Duration) {
        self.host.give(Order::Stall(time));
    }

    /// Ends a connection, or all of them, without a word. [`Sim::clients`] has their numbers.
    pub fn close(&self, connection: Option<u64>) {
        self.host.give(Order::Close(connection));
    }

    /// Sends bytes as they are to a connection, or to all. [`crate::frame`] makes a frame of a message.
    pub fn send(&self, connection: Option<u64>, bytes: impl Into<Vec<u8>>) {
        self.host.give(Order::Send(connection, bytes.into()));
    }

    /// Tells subscribers of something that did not happen.
    pub fn event(&self, event: InterfaceEvent) {
        self.host.event(event);
    }

    /// Sets the link of an interface and tells subscribers. False when there is no such interface.
    pub fn set_link(&self, sw_if_index: u32, up: bool) -> bool {
        self.host.set_link(sw_if_index, up)
    }

    /// Adds an interface that no request made and that is there again after a restart. Its index.
    pub fn add_nic(&self, nic: Nic) -> u32 {
        self.host.add_nic(nic)
    }

    /// Kills it: connections close, the socket file stays. [`Running::restart`] starts it again.
    pub fn crash(&self) {
        self.host.crash("told to crash");
    }

    /// Ends it.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // First, as a command could start it again.
        self.control = None;
        self.host.end();
    }
}
