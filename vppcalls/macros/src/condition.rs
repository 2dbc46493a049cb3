//! Conditions of `api!` arms.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{BinOp, Expr, Ident, Member, UnOp};

use crate::index;

/// True where the condition holds in a release.
pub(crate) fn holds(condition: &Expr, release: usize) -> syn::Result<bool> {
    match condition {
        Expr::Infer(_) => Ok(true),
        Expr::Paren(inner) => holds(&inner.expr, release),
        // What another macro put in.
        Expr::Group(inner) => holds(&inner.expr, release),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => Ok(!holds(&unary.expr, release)?),
        Expr::Binary(binary) => {
            let (left, right) = (holds(&binary.left, release)?, holds(&binary.right, release)?);
            match binary.op {
                BinOp::And(_) => Ok(left && right),
                BinOp::Or(_) => Ok(left || right),
                _ => Err(syn::Error::new(binary.op.span(), "expected && or ||")),
            }
        }
        Expr::Call(call) => {
            let name = call.func.to_token_stream().to_string();
            let arguments: Vec<&Expr> = call.args.iter().collect();
            match (name.as_str(), arguments.as_slice()) {
                ("has", [Expr::Path(path)]) => {
                    let name = named(path.path.get_ident(), condition)?;
                    Ok(index::find(&name, release).is_some())
                }
                ("has", [field]) => Ok(find_field(field, release)?.is_some()),
                ("is", [field, ty]) => is(field, ty, release),
                _ => Err(expected(condition)),
            }
        }
        _ => Err(expected(condition)),
    }
}

/// What a condition asks for that a release does not have, by VPP's names: `tap_create_v3`, `tap_create_v2.tap_flags`.
pub(crate) fn lacking(condition: &Expr, release: usize) -> Vec<String> {
    match condition {
        Expr::Paren(inner) => lacking(&inner.expr, release),
        Expr::Group(inner) => lacking(&inner.expr, release),
        Expr::Binary(binary) => [lacking(&binary.left, release), lacking(&binary.right, release)].concat(),
        Expr::Call(call) if !holds(condition, release).unwrap_or(true) => {
            call.args.first().and_then(spelled).into_iter().collect()
        }
        // What must not be there is not lacking.
        _ => Vec::new(),
    }
}

/// `Name` or `Name.field` by VPP's names.
fn spelled(asked: &Expr) -> Option<String> {
    match asked {
        Expr::Path(path) => Some(index::api_name_of(&path.path.get_ident()?.to_string())?.to_string()),
        Expr::Field(field) => {
            let Member::Named(member) = &field.member else { return None };
            Some(format!("{}.{}", spelled(&field.base)?, member.to_string().trim_start_matches("r#")))
        }
        _ => None,
    }
}

fn expected(at: &Expr) -> syn::Error {
    syn::Error::new_spanned(at, "expected has(Name), has(Name.field), is(Name.field, Type), !, &&, || or _")
}

fn named(ident: Option<&Ident>, at: &Expr) -> syn::Result<String> {
    let ident = ident.ok_or_else(|| expected(at))?;
    let name = ident.to_string();
    if index::known(&name) {
        Ok(name)
    } else {
        Err(syn::Error::new(ident.span(), format!("no release has a message or type `{name}`")))
    }
}

fn find_field(expr: &Expr, release: usize) -> syn::Result<Option<binapi_index::Field>> {
    let Expr::Field(field) = expr else { return Err(expected(expr)) };
    let Expr::Path(base) = field.base.as_ref() else { return Err(expected(expr)) };
    let name = named(base.path.get_ident(), expr)?;
    let Member::Named(member) = &field.member else { return Err(expected(expr)) };
    let member = member.to_string();
    let member = member.trim_start_matches("r#");
    if !index::ever(&name, member) {
        return Err(syn::Error::new(
            field.member.span(),
            format!("`{name}` has no field `{member}` in any release"),
        ));
    }
    Ok(index::find(&name, release).and_then(|item| index::field(item, member)))
}

fn is(field: &Expr, ty: &Expr, release: usize) -> syn::Result<bool> {
    let found = find_field(field, release)?;
    let (wanted, arity) = match ty {
        Expr::Path(path) => (path.path.to_token_stream().to_string(), None),
        Expr::Repeat(array) => {
            (array.expr.to_token_stream().to_string(), Some(array.len.to_token_stream().to_string()))
        }
        other => {
            return Err(syn::Error::new_spanned(
                other,
                "expected a type: `u8`, `string`, `[u8; 6]`, `MacAddress`",
            ));
        }
    };
    if !index::is_type(&wanted) {
        return Err(syn::Error::new_spanned(ty, format!("no release has a type `{wanted}`")));
    }
    Ok(found.is_some_and(|f| index::type_name(&f) == wanted && f.arity.map(str::to_string) == arity))
}
