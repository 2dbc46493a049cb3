//! From source to one expansion per group of releases.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use binapi_index::{Answer, RELEASES};
use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::token::Brace;
use syn::{Expr, Item, ItemImpl, ItemMod, Path, Token, braced};

use crate::index::{self, Item as ApiItem};
use crate::{condition, fields};

/// What came out for one release.
#[derive(Default)]
struct Expanded {
    /// What tells it from the expansion for another release: arms taken, revisions used, answers of requests.
    key: Vec<String>,
    /// Messages that VPP has to have, as positions in the index.
    required: BTreeSet<usize>,
    /// What `unsupported!` says.
    unsupported: BTreeSet<String>,
}

/// Something that is wrong in some releases.
struct Fault {
    span: Span,
    /// What to say; `{releases}` stands for them.
    what: String,
    releases: Vec<usize>,
}

/// State over all releases: which arms were taken, which names were missed where.
#[derive(Default)]
struct Notes {
    /// By place in the source: the condition of the arm, and whether any release takes it.
    arms: RefCell<BTreeMap<String, (Expr, bool)>>,
    /// By place: names and arms that are missed.
    faults: RefCell<BTreeMap<String, Fault>>,
    /// By place: conditions that are none.
    errors: RefCell<BTreeMap<String, syn::Error>>,
}

impl Notes {
    fn arm(&self, place: &str, condition: &Expr, taken: bool) {
        let mut arms = self.arms.borrow_mut();
        let entry = arms.entry(place.to_string()).or_insert_with(|| (condition.clone(), false));
        entry.1 |= taken;
    }

    fn fault(&self, place: &str, span: Span, what: String, release: usize) {
        let mut faults = self.faults.borrow_mut();
        let entry =
            faults.entry(place.to_string()).or_insert_with(|| Fault { span, what, releases: Vec::new() });
        entry.releases.push(release);
    }

    fn error(&self, place: &str, error: syn::Error) {
        self.errors.borrow_mut().entry(place.to_string()).or_insert(error);
    }

    fn into_result(self) -> syn::Result<()> {
        let errors = self.errors.into_inner().into_values();
        let faults = self.faults.into_inner().into_values().map(|fault| {
            syn::Error::new(fault.span, fault.what.replace("{releases}", &index::spell(&fault.releases)))
        });
        let dead = self.arms.into_inner().into_values().filter(|(_, taken)| !taken);
        let dead = dead.map(|(condition, _)| syn::Error::new_spanned(condition, "no release takes this arm"));
        let error = errors.chain(faults).chain(dead).reduce(|mut all, one| {
            all.combine(one);
            all
        });
        error.map_or(Ok(()), Err)
    }
}

struct Walker<'a> {
    release: usize,
    notes: &'a Notes,
    out: Expanded,
    /// What the arms before the chosen one asked for and the release does not have, innermost `api!` last.
    lacking: Vec<Vec<String>>,
}

impl Walker<'_> {
    /// `place` numbers the tokens on the way here: the same for every release.
    fn tokens(&mut self, input: TokenStream, place: &str) -> syn::Result<TokenStream> {
        let tokens: Vec<TokenTree> = input.into_iter().collect();
        let mut out = TokenStream::new();
        let mut i = 0;
        while let Some(token) = tokens.get(i) {
            let here = format!("{place}.{i:05}");
            match token {
                TokenTree::Ident(ident) if *ident == "api" && !after_path(&tokens, i) => {
                    if let (Some(TokenTree::Punct(bang)), Some(TokenTree::Group(body))) =
                        (tokens.get(i + 1), tokens.get(i + 2))
                        && bang.as_char() == '!'
                    {
                        out.extend(self.choose(body, ident.span(), &here)?);
                        i += 3;
                        continue;
                    }
                    if let Some(name) = path_after(&tokens, i) {
                        out.extend(self.revision(name, &here));
                        i += 4;
                        continue;
                    }
                    out.extend([token.clone()]);
                }
                TokenTree::Ident(ident) if *ident == "unsupported" && !after_path(&tokens, i) => {
                    if let (Some(TokenTree::Punct(bang)), Some(TokenTree::Group(body))) =
                        (tokens.get(i + 1), tokens.get(i + 2))
                        && bang.as_char() == '!'
                    {
                        let what: syn::LitStr = syn::parse2(body.stream())?;
                        let what = self.with_lacking(&what);
                        self.out.unsupported.insert(what.value());
                        out.extend(quote!(return Err(self.unsupported(#what))));
                        i += 3;
                        continue;
                    }
                    out.extend([token.clone()]);
                }
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), self.tokens(group.stream(), &here)?);
                    inner.set_span(group.span());
                    out.extend([TokenTree::Group(inner)]);
                }
                other => out.extend([other.clone()]),
            }
            i += 1;
        }
        Ok(out)
    }

    /// What is not supported, with what it takes: `routes (it lacks ip_route_add_del)`.
    fn with_lacking(&self, what: &syn::LitStr) -> syn::LitStr {
        match self.lacking.iter().rev().find(|names| !names.is_empty()) {
            Some(names) => {
                syn::LitStr::new(&format!("{} (it lacks {})", what.value(), names.join(", ")), what.span())
            }
            None => what.clone(),
        }
    }

    /// The arm of an `api!`.
    fn choose(&mut self, body: &Group, span: Span, place: &str) -> syn::Result<TokenStream> {
        let mut chosen = None;
        let mut lacking = Vec::new();
        for (n, (condition, arm)) in arms(body)?.into_iter().enumerate() {
            let here = format!("{place}.arm{n:03}");
            let takes = match condition::holds(&condition, self.release) {
                Ok(holds) => chosen.is_none() && holds,
                // Noted; that the arm is never taken would only repeat it.
                Err(error) => {
                    self.notes.error(&here, error);
                    return Ok(TokenStream::new());
                }
            };
            self.notes.arm(&here, &condition, takes);
            if takes {
                self.out.key.push(here.clone());
                self.lacking.push(std::mem::take(&mut lacking));
                chosen = Some(self.tokens(arm, &here)?);
                self.lacking.pop();
            } else if chosen.is_none() {
                lacking.extend(condition::lacking(&condition, self.release));
            }
        }
        match chosen {
            // Among the items of a module the arm is items; anywhere else it is an expression.
            Some(tokens) if place.matches('.').count() == 1 => Ok(tokens),
            Some(tokens) => Ok(quote!({ #tokens })),
            None => {
                let what = "no arm for {releases}; add one, or `_ => unsupported!(\"...\")`".to_string();
                self.notes.fault(place, span, what, self.release);
                Ok(quote!({}))
            }
        }
    }

    /// `api::Name`.
    fn revision(&mut self, name: &Ident, place: &str) -> TokenStream {
        let spelled = name.to_string();
        let Some(item) = index::find(&spelled, self.release) else {
            let what = if index::known(&spelled) {
                format!(
                    "`{spelled}` is not in {{releases}}; put it into an `api!` arm behind `has({spelled})`"
                )
            } else {
                format!("no release has a message or type `{spelled}`")
            };
            self.notes.fault(place, name.span(), what, self.release);
            return quote!(());
        };
        if let ApiItem::Message(message) = item {
            self.out.required.insert(message);
            self.answer(message);
        }
        let (module, first) = index::home(item);
        self.out.key.push(format!("{module}::{first}::{spelled}"));
        let span = name.span();
        let (module, first) = (Ident::new(module, span), Ident::new(&first, span));
        // All of it stands where the name stands, so that the compiler's errors do, too.
        quote_spanned!(span=> ::binapi_messages::#module::#first::#name)
    }

    /// What answers a request has to be there, too, and tells releases apart.
    fn answer(&mut self, request: usize) {
        let position = u16::try_from(request).unwrap_or(u16::MAX);
        let Some(answer) = binapi_index::answer(position, self.release) else { return };
        self.out.key.push(format!("{answer:?}"));
        let messages = match answer {
            Answer::Reply(reply, _) => vec![reply],
            Answer::Dump(details) => vec![details],
            Answer::Stream(details, reply) => vec![details, reply],
            Answer::Nothing => Vec::new(),
        };
        self.out.required.extend(messages.into_iter().map(usize::from));
    }
}

/// True for the `api` of `other::api`. One colon is that of a field or of a type.
fn after_path(tokens: &[TokenTree], i: usize) -> bool {
    let colon = |back: usize| {
        let token = i.checked_sub(back).and_then(|p| tokens.get(p));
        matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == ':')
    };
    colon(1) && colon(2)
}

/// The name in `api :: Name`.
fn path_after(tokens: &[TokenTree], i: usize) -> Option<&Ident> {
    let colon = |t: Option<&TokenTree>| matches!(t, Some(TokenTree::Punct(p)) if p.as_char() == ':');
    match tokens.get(i + 3) {
        Some(TokenTree::Ident(name)) if colon(tokens.get(i + 1)) && colon(tokens.get(i + 2)) => Some(name),
        _ => None,
    }
}

/// Takes `condition => body, ...` apart. As in a `match`, a body in braces needs no comma after it, and commas
/// within an expression are its own.
pub(crate) fn arms(body: &Group) -> syn::Result<Vec<(Expr, TokenStream)>> {
    let parser = |input: ParseStream<'_>| {
        let mut arms = Vec::new();
        while !input.is_empty() {
            let condition: Expr = input.parse()?;
            if !input.peek(Token![=>]) {
                return Err(syn::Error::new_spanned(condition, "expected `condition => body`"));
            }
            input.parse::<Token![=>]>()?;
            let arm = if input.peek(Brace) {
                let block;
                braced!(block in input);
                let arm: TokenStream = block.parse()?;
                input.parse::<Option<Token![,]>>()?;
                arm
            } else {
                let arm: Expr = input.parse()?;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
                arm.into_token_stream()
            };
            arms.push((condition, arm));
        }
        Ok(arms)
    };
    parser.parse2(body.stream())
}

/// Releases that share an expansion.
pub(crate) struct Shared {
    pub(crate) releases: Vec<usize>,
    pub(crate) tokens: TokenStream,
    pub(crate) required: BTreeSet<usize>,
    unsupported: BTreeSet<String>,
}

/// Expands for each release. `own` is the name of what `Self` is, where that is of the API.
pub(crate) fn groups(input: &TokenStream, releases: &[usize], own: Option<&str>) -> syn::Result<Vec<Shared>> {
    let notes = Notes::default();
    let mut groups: Vec<(Vec<String>, Shared)> = Vec::new();
    for release in releases {
        let mut walker =
            Walker { release: *release, notes: &notes, out: Expanded::default(), lacking: Vec::new() };
        let tokens = walker.tokens(input.clone(), "")?;
        let Expanded { key, required, unsupported } = walker.out;
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, shared)) => shared.releases.push(*release),
            None => groups.push((key, Shared { releases: vec![*release], tokens, required, unsupported })),
        }
    }
    notes.into_result()?;
    let groups: Vec<Shared> = groups.into_iter().map(|(_, shared)| shared).collect();
    missing_fields(&groups, own)?;
    Ok(groups)
}

/// Fields that some groups do not have, or need, are told once, with the releases of all of them.
fn missing_fields(groups: &[Shared], own: Option<&str>) -> syn::Result<()> {
    let mut faults: Vec<(String, fields::Missing, Vec<usize>)> = Vec::new();
    for group in groups {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        // What does not parse is told by the compiler.
        let Ok(file) = syn::parse2::<syn::File>(group.tokens.clone()) else { continue };
        let first = group.releases.first().copied().unwrap_or_default();
        let own = own.and_then(|name| index::find(name, first));
        for missing in fields::missing(&file, first, own) {
            // The same place of the source, whichever group it was expanded for.
            let place = format!("{:?} {} {}", missing.span, missing.name, missing.field);
            let nth = seen.entry(place.clone()).or_default();
            *nth += 1;
            let place = format!("{place} {nth}");
            match faults.iter_mut().find(|(p, ..)| *p == place) {
                Some((_, _, releases)) => releases.extend(&group.releases),
                None => faults.push((place, missing, group.releases.clone())),
            }
        }
    }
    let error = faults.into_iter().map(|(_, missing, mut releases)| {
        releases.sort_unstable();
        syn::Error::new(missing.span, missing.text(&releases))
    });
    let error = error.reduce(|mut all, one| {
        all.combine(one);
        all
    });
    error.map_or(Ok(()), Err)
}

fn all_releases() -> Vec<usize> {
    (0..RELEASES.len()).collect()
}

fn ident_of(release: usize) -> String {
    RELEASES.get(release).map(|r| r.ident()).unwrap_or_default()
}

fn module_and_body(input: TokenStream) -> syn::Result<(ItemMod, TokenStream)> {
    let module: ItemMod = syn::parse2(input)?;
    let Some((_, items)) = &module.content else {
        return Err(syn::Error::new(module.span(), "expected a module with its contents"));
    };
    let body = items.iter().map(Item::to_token_stream).collect();
    Ok((module, body))
}

/// One module a group, each with all of the source.
pub(crate) fn revisions(arguments: TokenStream, input: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new_spanned(arguments, "#[revisions] takes no arguments"));
    }
    let (module, body) = module_and_body(input)?;
    let mut modules = TokenStream::new();
    for group in groups(&body, &all_releases(), None)? {
        let first = group.releases.first().copied().unwrap_or_default();
        let (name, tokens) = (format_ident!("{}", ident_of(first)), &group.tokens);
        let doc = format!("VPP {}.", index::spell(&group.releases));
        modules.extend(quote! {
            #[doc = #doc]
            #[allow(unused_imports, clippy::useless_conversion, clippy::unnecessary_cast)]
            mod #name { #tokens }
        });
    }
    let (attributes, visibility, name) = (&module.attrs, &module.vis, &module.ident);
    Ok(quote!(#(#attributes)* #visibility mod #name { #modules }))
}

/// `lines` is how many the source has.
pub(crate) fn calls(arguments: TokenStream, input: TokenStream, lines: u32) -> syn::Result<TokenStream> {
    let calls: Path = syn::parse2(arguments)?;
    let (module, body) = module_and_body(input)?;
    let mut modules = TokenStream::new();
    let mut rows = TokenStream::new();
    for group in groups(&body, &all_releases(), None)? {
        let first = group.releases.first().copied().unwrap_or_default();
        let name = format_ident!("{}", ident_of(first));
        let marker = format_ident!("{}", ident_of(first).to_uppercase());
        let tokens = &group.tokens;
        let spelled = index::spell(&group.releases);
        let doc = format!("VPP {spelled}.");
        modules.extend(quote! {
            #[doc = #doc]
            #[allow(unused_imports, clippy::useless_conversion, clippy::unnecessary_cast)]
            mod #name {
                #tokens

                /// The calls of this group.
                #[derive(Debug)]
                pub(super) struct Handler(pub(super) crate::Vpp<::binapi_messages::release::#marker>);

                impl ::core::ops::Deref for Handler {
                    type Target = crate::Vpp<::binapi_messages::release::#marker>;

                    fn deref(&self) -> &Self::Target {
                        &self.0
                    }
                }
            }
        });
        let positions = group.releases.iter().map(|r| *r as u8);
        let required = group.required.iter().map(|m| *m as u16);
        let unsupported = group.unsupported.iter();
        let name_text = name.to_string();
        rows.extend(quote! {
            crate::select::Group {
                name: #name_text,
                releases: &[#(#positions),*],
                required: &[#(#required),*],
                unsupported: &[#(#unsupported),*],
                lines: #lines,
                make: |client, release| ::std::sync::Arc::new(#name::Handler(crate::Vpp::new(client, release))),
            },
        });
    }
    let (attributes, visibility, name) = (&module.attrs, &module.vis, &module.ident);
    Ok(quote! {
        #(#attributes)*
        #visibility mod #name {
            #modules

            /// Handlers by group of releases.
            pub(crate) static GROUPS: &[crate::select::Group<dyn super::#calls>] = &[#rows];
        }
    })
}

pub(crate) fn convert(arguments: TokenStream, input: TokenStream) -> syn::Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(syn::Error::new_spanned(arguments, "#[convert] takes no arguments"));
    }
    let item: ItemImpl = syn::parse2(input)?;
    let target: Vec<TokenTree> = item.self_ty.to_token_stream().into_iter().collect();
    let api = matches!(target.first(), Some(TokenTree::Ident(ident)) if *ident == "api");
    let Some(name) = path_after(&target, 0).filter(|_| api && target.len() == 4) else {
        return Err(syn::Error::new_spanned(item.self_ty, "expected an impl for api::Name"));
    };
    if !index::known(&name.to_string()) {
        return Err(syn::Error::new(name.span(), format!("no release has a message or type `{name}`")));
    }
    // Releases that do not have the type have nothing to convert. Several groups may have one revision of it, where
    // they differ in something else that the source mentions: the first serves all.
    let have: Vec<usize> =
        all_releases().into_iter().filter(|r| index::find(&name.to_string(), *r).is_some()).collect();
    let mut seen = Vec::new();
    let mut out = TokenStream::new();
    for group in groups(&item.to_token_stream(), &have, Some(&name.to_string()))? {
        let first = group.releases.first().copied().unwrap_or_default();
        let revision = index::find(&name.to_string(), first);
        if !seen.contains(&revision) {
            seen.push(revision);
            let tokens = &group.tokens;
            out.extend(quote! {
                #[allow(clippy::useless_conversion)]
                #tokens
            });
        }
    }
    Ok(out)
}
