//! Tests of what happens to tokens, against the releases of the index.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use binapi_index::RELEASES;
use proc_macro2::{Delimiter, Group, TokenStream};
use quote::quote;

use crate::expand::{Shared, arms, convert};
use crate::{expand, index};

fn position(release: &str) -> usize {
    RELEASES.iter().position(|r| r.name == release).unwrap()
}

fn all() -> Vec<usize> {
    (0..RELEASES.len()).collect()
}

fn groups(source: &TokenStream, releases: &[usize]) -> syn::Result<Vec<Shared>> {
    expand::groups(source, releases, None)
}

fn calls(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    expand::calls(arguments, item, 1)
}

/// What a release makes of a source, as text.
fn expanded(source: TokenStream, release: &str) -> String {
    let groups = groups(&source, &all()).unwrap();
    let group = groups.into_iter().find(|g| g.releases.contains(&position(release))).unwrap();
    group.tokens.to_string()
}

/// The source stays as it is, in any release.
fn untouched(source: TokenStream) {
    let groups = groups(&source, &all()).unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].tokens.to_string(), source.to_string());
    assert!(groups[0].required.is_empty());
}

fn errors(result: syn::Result<impl Sized>) -> Vec<String> {
    result.err().into_iter().flatten().map(|e| e.to_string()).collect()
}

fn errors_of(source: TokenStream) -> Vec<String> {
    errors(groups(&source, &all()))
}

/// As text without spaces: two `>` can be one token or two.
fn spelled(tokens: &TokenStream) -> String {
    tokens.to_string().replace(' ', "")
}

fn arms_of(body: TokenStream) -> syn::Result<Vec<(String, String)>> {
    let arms = arms(&Group::new(Delimiter::Brace, body))?;
    let text = |(condition, body): &(syn::Expr, TokenStream)| (quote!(#condition).to_string(), spelled(body));
    Ok(arms.iter().map(text).collect())
}

#[test]
fn bodies_without_braces_keep_their_commas_and_arrows() {
    let bodies = [
        quote!(make::<u8, u16>(1, 2)),
        quote!(<T as Into<(u8, u16)>>::into(x)),
        quote!(|a, b| match a {
            1 => b,
            _ => 0,
        }),
        quote!(if a { b } else { c }),
        quote!(match x {
            A => 1,
            _ => 2,
        }),
        quote!(list.iter().map(|x: &u8| *x).collect::<Vec<_>>()),
        quote!(self.call(&api::ControlPing {}).await?),
        quote!(unsupported!("that, and more")),
        quote!(return Err(error)),
        quote!(api! { has(ControlPing) => 1, _ => 2 }),
        quote!(a >= b && c <= d),
        quote!([1, 2]),
    ];
    for body in &bodies {
        for comma in [quote!(), quote!(,)] {
            let arms =
                arms_of(quote!(has(A) => #body, !has(A) || (has(B.c) && is(B.c, [u8; 6])) => #body #comma));
            let expected = [("has (A)", body), ("! has (A) || (has (B . c) && is (B . c , [u8 ; 6]))", body)];
            assert_eq!(arms.unwrap(), expected.map(|(c, b)| (c.to_string(), spelled(b))));
        }
    }
}

#[test]
fn bodies_in_braces_need_no_comma() {
    let arms = arms_of(quote!(has(A) => { let x = |a, b| a; x } has(B) => { 2 }, _ => {})).unwrap();
    let bodies: Vec<&str> = arms.iter().map(|(_, body)| body.as_str()).collect();
    assert_eq!(bodies, ["letx=|a,b|a;x", "2", ""]);
    // Items of a module.
    let items: TokenStream = "use a::{b, c}; fn f<T, U>(x: T) -> U { match x { _ => 1, } }".parse().unwrap();
    assert_eq!(arms_of(quote!(_ => { #items })).unwrap()[0].1, spelled(&items));
}

#[test]
fn arms_that_are_none() {
    assert_eq!(errors(arms_of(quote!(has(A)))), ["expected `condition => body`"]);
    assert_eq!(errors(arms_of(quote!(has(A) => 1 _ => 2))), ["expected `,`"]);
    assert_eq!(errors(arms_of(quote!(has(A) =>))).len(), 1);
}

#[test]
fn choices_within_choices_and_within_other_macros() {
    let source = quote! {
        fn f() {
            let a = vec![api! { has(IpRouteAddDel) => api! { _ => 1 + 1 }, _ => g::<u8, u16>() }, 3];
            assert!(matches!(x, Some(_)), "{}", api! { has(IpRouteAddDel) => "new", _ => "old" });
        }
    };
    assert_eq!(
        expanded(source.clone(), "26.06"),
        quote!(
            fn f() {
                let a = vec![{ { 1 + 1 } }, 3];
                assert!(matches!(x, Some(_)), "{}", { "new" });
            }
        )
        .to_string()
    );
    assert_eq!(
        expanded(source, "18.10"),
        quote!(
            fn f() {
                let a = vec![{ g::<u8, u16>() }, 3];
                assert!(matches!(x, Some(_)), "{}", { "old" });
            }
        )
        .to_string()
    );
}

#[test]
fn names_become_revisions_wherever_they_stand() {
    let source = quote! {
        fn f(x: &api::Address, y: Vec<api::Address>) -> Option<[api::Address; 2]> {
            let z = S { field: api::Address::default(), at: a ..api::Address };
            json!({ "a": api::Address });
            Vec::<api::Address>::new()
        }
    };
    let new = quote!(::binapi_messages::ip_types::v2005::Address).to_string();
    let old = expanded(source.clone(), "18.10");
    let text = expanded(source.clone(), "26.06");
    assert_eq!(text.matches(&new).count(), 7, "{text}");
    assert!(!text.contains(" api "), "{text}");
    assert!(!old.contains(&new) && old.matches("v1810").count() == 7, "{old}");
    // One group for each revision, and every release in one.
    let groups = groups(&source, &all()).unwrap();
    let mut releases: Vec<usize> = groups.iter().flat_map(|g| g.releases.clone()).collect();
    releases.sort_unstable();
    assert_eq!(releases, all());
    for group in &groups {
        let found: Vec<_> = group.releases.iter().map(|r| index::find("Address", *r)).collect();
        assert!(found.iter().all(|f| f.is_some() && *f == found[0]));
    }
}

#[test]
fn requests_require_their_answers() {
    let groups = groups(
        &quote!(
            fn f() {
                self.dump(&api::SwInterfaceDump::default())
            }
        ),
        &[position("26.06")],
    )
    .unwrap();
    let required: Vec<&str> = groups[0].required.iter().map(|m| binapi_index::MESSAGES[*m].name).collect();
    assert_eq!(required.len(), 2, "{required:?}");
    assert!(required.contains(&"sw_interface_dump") && required.contains(&"sw_interface_details"));
}

#[test]
fn api_is_also_an_ordinary_name() {
    untouched(quote! {
        mod api {}
        fn api<'api>(api: &'api u8) -> u8 {
            let api = Api { api, other: x.api };
            'api: loop { break 'api; }
            if api != (api) && !api(api).api.is_api() { api } else { api::<u8>() }
        }
        use crate::api::{A, B};
        use other::api::Address;
        fn g() -> ::api::Address { crate::api!(1); r#api::Address(r#api!(2)) }
        fn h() { let s = "api::Address api! {}"; crate::unsupported!("not ours"); x.unsupported(1); }
    });
}

#[test]
fn all_mistakes_are_told_at_once() {
    let found = errors_of(quote! {
        fn f() {
            api::NoSuchThing;
            api::IpRouteAddDel;
            api! { has(IpRouteAddDel) => 1 }
            api! { _ => 1, has(IpRouteAddDel) => 2 }
            api! { has(AlsoNot) => 1, _ => 2 }
            api! { has(Prefix.nothing) => 1, _ => 2 }
            api! { is(Prefix.address, u24) => 1, _ => 2 }
            api! { is(Prefix.address, &u8) => 1, _ => 2 }
            api! { _ => 1, !is(Prefix.address, IpRouteAddDel) => 1 }
            api! { 5 => 1, _ => 2 }
            api! { has(IpRouteAddDel) + has(Prefix) => 1, _ => 2 }
        }
    });
    assert_eq!(
        found,
        [
            "no release has a message or type `AlsoNot`",
            "`Prefix` has no field `nothing` in any release",
            "no release has a type `u24`",
            "expected a type: `u8`, `string`, `[u8; 6]`, `MacAddress`",
            "no release has a type `IpRouteAddDel`",
            "expected has(Name), has(Name.field), is(Name.field, Type), !, &&, || or _",
            "expected && or ||",
            "no release has a message or type `NoSuchThing`",
            "`IpRouteAddDel` is not in 18.10 to 19.04; put it into an `api!` arm behind `has(IpRouteAddDel)`",
            "no arm for 18.10 to 19.04; add one, or `_ => unsupported!(\"...\")`",
            "no release takes this arm",
        ]
    );
}

#[test]
fn a_choice_of_items_has_no_braces_around_it() {
    let source = "use a::b; api! { has(IpRouteAddDel) => { fn f() {} } _ => { fn g() {} } }";
    let expected: TokenStream = "use a::b; fn f() {}".parse().unwrap();
    assert_eq!(expanded(source.parse().unwrap(), "26.06"), expected.to_string());
}

#[test]
fn conversions_are_of_api_types() {
    let converted = |arguments, item| errors(convert(arguments, item));
    let good = quote!(impl From<u8> for api::Address { fn from(n: u8) -> Self { n.into() } });
    assert_eq!(converted(quote!(), good.clone()), Vec::<String>::new());
    assert_eq!(converted(quote!(x), good), ["#[convert] takes no arguments"]);
    for item in [
        quote!(impl From<u8> for other::Address {}),
        quote!(impl From<u8> for api::Address::Inner {}),
        quote!(impl From<u8> for &api::Address {}),
    ] {
        assert_eq!(converted(quote!(), item), ["expected an impl for api::Name"]);
    }
    assert_eq!(
        converted(quote!(), quote!(impl From<u8> for api::Nothing {})),
        ["no release has a message or type `Nothing`"]
    );
}

#[test]
fn calls_are_of_a_module_with_its_contents() {
    assert_eq!(
        errors(calls(
            quote!(Calls),
            quote!(
                mod handlers;
            )
        )),
        ["expected a module with its contents"]
    );
    assert_eq!(
        errors(calls(
            quote!(),
            quote!(
                mod handlers {}
            )
        ))
        .len(),
        1
    );
    let text = calls(
        quote!(Calls),
        quote!(
            mod handlers {
                use a::b;
            }
        ),
    )
    .unwrap()
    .to_string();
    // Nothing differs: one group, named by the first release.
    assert_eq!(text.matches("struct Handler").count(), 1);
    assert!(text.contains("mod v1810"));
}

#[test]
fn what_is_unsupported_tells_what_the_release_lacks() {
    let source = quote! {
        fn f() {
            api! {
                has(TapCreateV3) => 1,
                has(TapFlags) && (!has(ControlPing) || is(TapCreateV2.tap_flags, TapFlags)) => 2,
                _ => api! { has(IpRouteAddDel) => unsupported!("outer"), _ => unsupported!("inner") },
            }
            unsupported!("alone")
        }
    };
    let text = expanded(source.clone(), "18.10");
    assert!(text.contains(r#"unsupported ("inner (it lacks ip_route_add_del)")"#), "{text}");
    assert!(text.contains(r#"unsupported ("alone")"#), "{text}");
    let text = expanded(source, "19.08");
    assert!(
        text.contains(
            r#"unsupported ("outer (it lacks tap_create_v3, tap_flags, tap_create_v2.tap_flags)")"#
        ),
        "{text}"
    );
}

#[test]
fn fields_that_a_group_does_not_have_are_told_with_its_releases() {
    let found = errors_of(quote! {
        fn literal() { call(&api::Prefix { len: 1, ..Default::default() }); }
        fn pattern(p: Pair) { let api::Prefix { address_length, .. } = p.0; }
        fn parameter(p: &api::Prefix) -> u8 { p.address_length }
        fn closure() { list.iter().map(|p: &api::Prefix| p.len) }
        fn variable() { let p = api::Prefix::default(); p.nothing = 1; }
        impl Handler {
            async fn reply(&self) {
                let reply = self.call(&api::ControlPing {}).await?;
                reply.vpe_pid + reply.vpe_uid
            }
        }
    });
    let old = "`Prefix` has no field `len` in 18.10 to 19.04 (it has address, address_length); put it into an `api!` \
               arm behind `has(Prefix.len)`";
    let new = "`Prefix` has no field `address_length` in 19.08 to 26.06 (it has address, len); put it into an `api!` \
               arm behind `has(Prefix.address_length)`";
    assert_eq!(
        found,
        [
            old,
            old,
            "`Prefix` has no field `nothing` in any release (it has address, address_length)",
            "`ControlPingReply` has no field `vpe_uid` in any release (it has retval, client_index, vpe_pid)",
            new,
            new,
        ]
    );
}

#[test]
fn fields_that_a_literal_does_not_give_are_told_with_the_releases_that_have_them() {
    let found = errors_of(quote! {
        fn f() { g(api::BridgeDomainDump { bd_id: 1 }, api::SwInterfaceDump { ..Default::default() }); }
        fn h(d: &api::BridgeDomainDump) { let api::BridgeDomainDump { bd_id } = d; }
    });
    assert_eq!(
        found,
        [
            "`BridgeDomainDump` has a field `sw_if_index` in 20.05 to 26.06 that is not given; give it in an `api!` arm \
          behind `has(BridgeDomainDump.sw_if_index)`, or end with `..Default::default()`"
        ]
    );
    // A counter is no field in Rust.
    let abf = quote!(
        fn f() {
            api::AbfPolicy { policy_id: 1, acl_index: 2, paths: Vec::new() }
        }
    );
    assert_eq!(errors_of(abf), Vec::<String>::new());
}

#[test]
fn fields_of_what_cannot_be_told_are_left_to_the_compiler() {
    let source = quote! {
        fn f(p: &api::Prefix, q: Other) {
            let address = p.address;
            let p = q;
            p.address_length;
            for p in list { p.len }
            match x { Some(p) => p.len, None => api! { has(Prefix.len) => 1, _ => 2 } };
            if let Some(p) = y { p.len }
            list.iter().map(|p| p.len);
            p.len();
        }
        fn g(p: &api::Prefix) -> u8 {
            api! { has(Prefix.len) => p.len, _ => p.address_length }
        }
    };
    assert_eq!(errors_of(source), Vec::<String>::new());
}

#[test]
fn a_module_of_tests_has_every_revision_of_what_it_names() {
    let source = quote! {
        mod tests {
            #[test]
            fn tried() {
                let _: api::Address = api::Address::default();
            }
        }
    };
    let text = spelled(&expand::revisions(TokenStream::new(), source).unwrap());
    for item in binapi_index::TYPES.iter().filter(|t| t.name == "address") {
        let path = format!("binapi_messages::{}::{}::Address", item.module, RELEASES[item.first()].ident());
        assert!(text.contains(&path), "{path} is not in {text}");
    }
    assert_eq!(text.matches("fntried()").count(), 3);
    let arguments = errors(expand::revisions(
        quote!(Address),
        quote!(
            mod tests {}
        ),
    ));
    assert_eq!(arguments, ["#[revisions] takes no arguments"]);
    let somewhere = quote! { mod tests { fn f(x: api::IpRouteAddDel) {} } };
    let missed = errors(expand::revisions(TokenStream::new(), somewhere));
    assert!(missed.iter().any(|e| e.contains("`IpRouteAddDel` is not in 18.10 to 19.04")), "{missed:?}");
}
