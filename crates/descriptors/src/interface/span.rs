//! `vpp.span`: a mirror.

use async_trait::async_trait;
use kvscheduler::{Believed, Dependency, Descriptor, Failure, Invalid, Origin, Retrieved};
use models::ModelMessage;
use models::keys;
use models::proto::ligato::vpp::interfaces::{Span, span::Direction};
use vppcalls::types::{self, SpanDirection};

use crate::check::{check_with, problem};
use crate::southbound::{OrFail as _, or_none};
use crate::vpp::Vpp;

pub(super) struct SpanDescriptor {
    vpp: Vpp,
    prefix: String,
}

impl SpanDescriptor {
    pub(super) fn new(vpp: Vpp) -> Self {
        Self { vpp, prefix: Span::SPEC.key_prefix(false) }
    }

    fn span(&self, value: &Span) -> Result<types::Span, Failure> {
        Ok(types::Span {
            from: self.vpp.interface(&value.interface_from)?,
            to: self.vpp.interface(&value.interface_to)?,
            direction: match value.direction() {
                Direction::Rx => SpanDirection::Rx,
                Direction::Tx => SpanDirection::Tx,
                // Without one it is refused.
                Direction::Both | Direction::Unknown => SpanDirection::Both,
            },
            l2: value.is_l2,
        })
    }
}

#[async_trait]
impl Descriptor for SpanDescriptor {
    type Value = Span;
    type Metadata = ();

    fn name(&self) -> &str {
        "vpp-span"
    }

    fn owns(&self, key: &str) -> bool {
        key.starts_with(&self.prefix)
    }

    fn validate(&self, _key: &str, value: &Span) -> Result<(), Invalid> {
        let mut problems = Vec::new();
        if value.direction() == Direction::Unknown {
            problems.push(problem("direction", "must be stated: RX, TX or BOTH"));
        }
        if value.interface_from == value.interface_to {
            problems.push(problem("interface_to", "is the interface that is watched"));
        }
        check_with(value, problems)
    }

    fn dependencies(&self, _key: &str, value: &Span) -> Vec<Dependency> {
        vec![
            Dependency::key("interface-from", keys::interface(&value.interface_from)),
            Dependency::key("interface-to", keys::interface(&value.interface_to)),
        ]
    }

    async fn create(&self, _key: &str, value: &Span) -> Result<(), Failure> {
        let span = self.span(value)?;
        self.vpp.calls()?.span.set_span(&span).await.or_fail()
    }

    async fn update(&self, key: &str, _old: &Span, new: &Span, (): &()) -> Result<(), Failure> {
        self.create(key, new).await
    }

    fn recreate(&self, _key: &str, old: &Span, new: &Span) -> bool {
        // Each layer has mirrors of its own.
        old.is_l2 != new.is_l2
    }

    async fn delete(&self, _key: &str, value: &Span, (): &()) -> Result<(), Failure> {
        let span = self.span(value)?;
        self.vpp.calls()?.span.unset_span(&span).await.or_fail()
    }

    async fn retrieve(
        &self,
        correlate: &[Believed<'_, Span>],
    ) -> Result<Option<Vec<Retrieved<Span, ()>>>, Failure> {
        let spans = or_none(self.vpp.calls()?.span.dump_spans().await).or_unread()?;
        let names = self.vpp.names();
        let told = spans.iter().filter_map(|span| {
            Some(Span {
                interface_from: names.given(span.from)?.to_string(),
                interface_to: names.any(span.to)?.to_string(),
                direction: match span.direction {
                    SpanDirection::Rx => Direction::Rx,
                    SpanDirection::Tx => Direction::Tx,
                    SpanDirection::Both => Direction::Both,
                }
                .into(),
                is_l2: span.l2,
            })
        });
        let mut found: Vec<Retrieved<Span, ()>> = Vec::new();
        for value in told {
            let key = value.key();
            let asked = correlate.iter().any(|b| b.key == key && b.value.is_l2 == value.is_l2);
            // Both layers can have one between the same interfaces, for which there is one key.
            match found.iter_mut().find(|other| other.key == key) {
                Some(other) if asked => other.value = value,
                Some(_) => {}
                None => found.push(Retrieved { key, value, metadata: (), origin: Origin::Unknown }),
            }
        }
        Ok(Some(found))
    }

    fn retrieve_after(&self) -> Vec<String> {
        vec![super::NAME.to_string()]
    }

    fn examples(&self) -> Vec<(String, Span)> {
        let value = Span {
            interface_from: super::examples::WITH_QUEUES.to_string(),
            interface_to: super::examples::LEASED.to_string(),
            direction: Direction::Both.into(),
            is_l2: false,
        };
        vec![(value.key(), value)]
    }
}
