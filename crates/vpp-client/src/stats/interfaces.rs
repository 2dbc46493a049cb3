//! Counters of interfaces.

use super::layout::Kind;
use super::value::{self, Combined};
use super::view::Fault;
use super::{Snapshot, Stats, StatsError};

/// The counters of an interface on one thread, or of all threads together.
///
/// They start over when they are cleared, and when an index is given to another interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Counters {
    pub rx: Combined,
    pub rx_unicast: Combined,
    pub rx_multicast: Combined,
    pub rx_broadcast: Combined,
    pub tx: Combined,
    pub tx_unicast: Combined,
    pub tx_multicast: Combined,
    pub tx_broadcast: Combined,
    pub drops: u64,
    pub punt: u64,
    pub ip4: u64,
    pub ip6: u64,
    /// From 19.04.
    pub mpls: u64,
    /// Packets that were lost as there was no buffer.
    pub rx_no_buf: u64,
    /// Packets that were lost as the ring was full.
    pub rx_miss: u64,
    pub rx_error: u64,
    pub tx_error: u64,
}

type Simple = (&'static [&'static str], fn(&mut Counters) -> &mut u64);
type Pairs = (&'static [&'static str], fn(&mut Counters) -> &mut Combined);

/// Names of entries, the first that there is counts (`vnet/interface.h`).
const SIMPLE: [Simple; 9] = [
    (&["/if/drops"], |c| &mut c.drops),
    (&["/if/punt"], |c| &mut c.punt),
    (&["/if/ip4"], |c| &mut c.ip4),
    (&["/if/ip6"], |c| &mut c.ip6),
    (&["/if/mpls"], |c| &mut c.mpls),
    (&["/if/rx-no-buf"], |c| &mut c.rx_no_buf),
    (&["/if/rx-miss"], |c| &mut c.rx_miss),
    (&["/if/rx-error"], |c| &mut c.rx_error),
    (&["/if/tx-error"], |c| &mut c.tx_error),
];

const COMBINED: [Pairs; 8] = [
    (&["/if/rx"], |c| &mut c.rx),
    (&["/if/rx-unicast"], |c| &mut c.rx_unicast),
    (&["/if/rx-multicast"], |c| &mut c.rx_multicast),
    (&["/if/rx-broadcast"], |c| &mut c.rx_broadcast),
    (&["/if/tx"], |c| &mut c.tx),
    // Up to 19.04 it has a name that was a mistake.
    (&["/if/tx-unicast", "/if/tx-unicast-miss"], |c| &mut c.tx_unicast),
    (&["/if/tx-multicast"], |c| &mut c.tx_multicast),
    (&["/if/tx-broadcast"], |c| &mut c.tx_broadcast),
];

impl std::ops::AddAssign for Counters {
    fn add_assign(&mut self, mut other: Self) {
        for (_, field) in SIMPLE {
            let sum = field(self).wrapping_add(*field(&mut other));
            *field(self) = sum;
        }
        for (_, field) in COMBINED {
            let sum = *field(self) + *field(&mut other);
            *field(self) = sum;
        }
    }
}

/// The counters of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Its index.
    pub sw_if_index: u32,
    /// Its name in VPP. `None` before 19.04: the segment has no names, and no sign of which indices are in use, so that
    /// all up to the highest are told. Names are those of the API then.
    pub name: Option<String>,
    /// The counters of each thread, the main thread first.
    pub threads: Vec<Counters>,
}

impl InterfaceCounters {
    /// The sum over all threads.
    pub fn total(&self) -> Counters {
        let mut total = Counters::default();
        for thread in &self.threads {
            total += *thread;
        }
        total
    }
}

impl Stats {
    /// The counters of all interfaces, by index.
    ///
    /// # Errors
    /// The segment or one of its interface counters cannot be read.
    pub fn interface_counters(&mut self) -> Result<Vec<InterfaceCounters>, StatsError> {
        self.consistent(|snapshot| snapshot.interface_counters())
    }
}

impl Snapshot<'_> {
    fn interface_counters(&self) -> Result<Vec<InterfaceCounters>, Fault> {
        let mut simple = Vec::with_capacity(SIMPLE.len());
        for (names, field) in SIMPLE {
            simple.push((self.first(names, Kind::Simple, value::simple)?, field));
        }
        let mut combined = Vec::with_capacity(COMBINED.len());
        for (names, field) in COMBINED {
            combined.push((self.first(names, Kind::Combined, value::pairs)?, field));
        }
        let lengths = simple.iter().flat_map(|(threads, _)| threads.iter().map(Vec::len));
        let longest =
            lengths.chain(combined.iter().flat_map(|(threads, _)| threads.iter().map(Vec::len))).max();
        let threads = simple.iter().map(|(threads, _)| threads.len());
        let threads = threads.chain(combined.iter().map(|(threads, _)| threads.len())).max().unwrap_or(0);

        let interfaces: Vec<(u32, Option<String>)> = match self.raw("/if/names", Kind::Names)? {
            Some(names) => (0..)
                .zip(self.view.names(&names)?)
                .filter(|(index, name)| self.directory.has_interface(*index, name.as_deref()))
                .collect(),
            None => (0..).take(longest.unwrap_or(0)).map(|index| (index, None)).collect(),
        };
        let counters = |index: u32, thread: usize| {
            let mut counters = Counters::default();
            for (threads, field) in &simple {
                *field(&mut counters) = at(threads, thread, index);
            }
            for (threads, field) in &combined {
                *field(&mut counters) = at(threads, thread, index);
            }
            counters
        };
        let of = |(index, name)| InterfaceCounters {
            sw_if_index: index,
            name,
            threads: (0..threads).map(|thread| counters(index, thread)).collect(),
        };
        Ok(interfaces.into_iter().map(of).collect())
    }

    /// The first of several entries that there is.
    fn first<T>(
        &self,
        names: &[&str],
        kind: Kind,
        read: fn(&super::View<'_>, &super::RawEntry) -> Result<Vec<T>, Fault>,
    ) -> Result<Vec<T>, Fault> {
        for name in names {
            if let Some(raw) = self.raw(name, kind)? {
                return read(&self.view, &raw);
            }
        }
        Ok(Vec::new())
    }
}

/// An element; zero where a thread has none.
pub(super) fn at<T: Copy + Default>(threads: &[Vec<T>], thread: usize, index: u32) -> T {
    let vector = threads.get(thread);
    vector.and_then(|v| v.get(usize::try_from(index).ok()?)).copied().unwrap_or_default()
}
