//! Mirrors.

use async_trait::async_trait;
use vppcalls_macros::calls;

use crate::error::Result;
use crate::types::Span;

/// See the module.
#[async_trait]
pub trait SpanCalls: Send + Sync {
    /// Makes a mirror, or gives it another direction.
    async fn set_span(&self, span: &Span) -> Result<()>;

    /// Takes a mirror away, whatever its direction.
    async fn unset_span(&self, span: &Span) -> Result<()>;

    /// All mirrors.
    async fn dump_spans(&self) -> Result<Vec<Span>>;
}

#[calls(SpanCalls)]
pub(crate) mod handlers {
    use async_trait::async_trait;
    use futures::future::try_join;

    use crate::SpanCalls;
    use crate::error::{Error, Result};
    use crate::types::{Span, SpanDirection};
    use crate::wire::Flag;

    #[async_trait]
    impl SpanCalls for Handler {
        async fn set_span(&self, span: &Span) -> Result<()> {
            let state = match span.direction {
                SpanDirection::Rx => 1,
                SpanDirection::Tx => 2,
                SpanDirection::Both => 3,
            };
            self.change(span, state).await
        }

        async fn unset_span(&self, span: &Span) -> Result<()> {
            self.change(span, 0).await
        }

        async fn dump_spans(&self) -> Result<Vec<Span>> {
            let (device, l2) = try_join(self.layer(false), self.layer(true)).await?;
            Ok([device, l2].concat())
        }
    }

    impl Handler {
        async fn change(&self, span: &Span, state: u8) -> Result<()> {
            let request = api::SwInterfaceSpanEnableDisable {
                sw_if_index_from: span.from,
                sw_if_index_to: span.to,
                state: api! {
                    has(SpanState) => api::SpanState(state.into()),
                    _ => state,
                },
                is_l2: span.l2.into(),
            };
            self.call(&request).await?;
            Ok(())
        }

        async fn layer(&self, l2: bool) -> Result<Vec<Span>> {
            let details = self.dump(&api::SwInterfaceSpanDump { is_l2: l2.into() }).await?;
            let spans = details.into_iter().map(|d| {
                let state = api! {
                    has(SpanState) => d.state.0,
                    _ => u32::from(d.state),
                };
                let direction = match state {
                    1 => SpanDirection::Rx,
                    2 => SpanDirection::Tx,
                    3 => SpanDirection::Both,
                    other => {
                        return Err(Error::Nonsense {
                            what: "a mirror",
                            found: format!("direction {other} of interface {}", d.sw_if_index_from),
                        });
                    }
                };
                Ok(Span { from: d.sw_if_index_from, to: d.sw_if_index_to, direction, l2: d.is_l2.on() })
            });
            spans.collect()
        }
    }
}
