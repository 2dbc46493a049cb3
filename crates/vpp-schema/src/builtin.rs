//! The definitions that the program carries with it: those of `api-json/` when it was built.

use std::io::Read as _;

use binapi_gen::model::Component;
use binapi_gen::{Api, Error, Release, parse, resolve};
use flate2::read::DeflateDecoder;

include!(concat!(env!("OUT_DIR"), "/packed.rs"));

/// The releases whose definitions are here, oldest first.
pub fn releases() -> impl DoubleEndedIterator<Item = Release> {
    PACKED.iter().filter_map(|(name, _)| Release::parse(name))
}

/// The definitions of a release; `None` when they are not here.
///
/// # Errors
/// As for definitions read from files, which these are when the program is built; so none in one that was tested.
pub fn api(release: Release) -> Option<Result<Api, Error>> {
    let name = release.to_string();
    let (_, packed) = PACKED.iter().find(|(packed, _)| *packed == name)?;
    let mut text = String::new();
    DeflateDecoder::new(*packed).read_to_string(&mut text).ok()?;
    let mut modules = Vec::new();
    let mut rest = text.as_str();
    while let Some((head, after)) = rest.split_once('\n') {
        let mut words = head.split(' ');
        let (component, module) = (words.next()?, words.next()?);
        let (text, after) = after.split_at_checked(words.next()?.parse().ok()?)?;
        modules.push((component, module, text));
        rest = after;
    }
    let of = |module: &str| match modules.iter().find(|(_, name, _)| *name == module) {
        Some(("core", ..)) => Component::Core,
        _ => Component::Plugin,
    };
    let parsed = parse::read_texts(modules.iter().map(|(_, name, text)| (*name, *text)), &of);
    Some(parsed.and_then(|parsed| {
        let api = Api::new(release, parsed.modules)?;
        resolve::check(&api)?;
        Ok(api)
    }))
}
