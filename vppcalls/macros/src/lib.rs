//! Expands VPP calls once per *distinct* API.
//!
//! Source is written against message and type names. What differs between releases is asked for, not named:
//!
//! ```text
//! #[calls(BridgeDomainCalls)]
//! pub mod bridge_domain {
//!     #[async_trait]
//!     impl BridgeDomainCalls for Handler {
//!         async fn add(&self, bd: &BridgeDomain) -> Result<()> {
//!             api! {
//!                 has(BridgeDomainAddDelV2) => self.call(&api::BridgeDomainAddDelV2 { .. }).await?,
//!                 _ => self.call(&api::BridgeDomainAddDel { .. }).await?,
//!             };
//!             Ok(())
//!         }
//!     }
//! }
//! ```
//!
//! | in the source | what it is |
//! | --- | --- |
//! | `api::Name` | the revision of that message or type that the release has |
//! | `api! { condition => body, ... }` | the body of the first arm whose condition holds |
//! | `has(Name)`, `has(Name.field)` | the release has the message or type, the field |
//! | `is(Name.field, Type)` | the field has this type: `u8`, `string`, `[u8; 6]`, `MacAddress` |
//! | `!`, `&&`, `\|\|`, `( )`, `_` | as in Rust; `_` always holds |
//! | `unsupported!("what")` | returns the error that this release cannot do it, with what the arms before asked for |
//!
//! The source is expanded for every release of `binapi-index`; releases for which the same comes out share one
//! expansion.

mod condition;
mod expand;
mod fields;
mod index;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// On a module that implements a trait of calls for `Handler`; the argument is the trait.
///
/// Every group of releases becomes a module with a `Handler` of its own; `GROUPS` lists them.
#[proc_macro_attribute]
pub fn calls(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let lines = lines(&item);
    expand::calls(arguments.into(), item.into(), lines).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Lines from the first token to the last.
fn lines(item: &TokenStream) -> u32 {
    let mut spans = item.clone().into_iter().map(|token| token.span());
    let Some(first) = spans.next() else { return 0 };
    let last = spans.last().unwrap_or(first);
    let lines = (last.end().line() + 1).saturating_sub(first.start().line());
    u32::try_from(lines).unwrap_or(u32::MAX)
}

/// On an `impl` for an API type: one `impl` for every distinct revision of it.
#[proc_macro_attribute]
pub fn convert(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::convert(arguments.into(), item.into()).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// On a module of tests: it is expanded like calls, into one module for every group of releases. What it says of
/// `api::Name` is tried with every revision of it, those of releases to come included.
#[proc_macro_attribute]
pub fn revisions(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::revisions(arguments.into(), item.into()).unwrap_or_else(|e| e.to_compile_error()).into()
}
