//! Fields that the revision of some releases does not have, told by release.
//!
//! The compiler would find them, too, but it names a revision only. So are fields that a literal does not give. What is looked at is where the type can be seen in
//! the source: literals and patterns of structs, `self` of a conversion, parameters and variables with a type or a
//! value that tells it, replies to a request that does. Everything else is left to the compiler.

use std::collections::HashMap;

use binapi_index::Answer;
use proc_macro2::Span;
use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, Ident, Member, Pat, Path, Signature, Stmt, Type};

use crate::index::{self, Item};

/// A field that is not there, in the release or in the source.
pub(crate) struct Missing {
    pub(crate) span: Span,
    /// As the source has it: `Prefix`.
    pub(crate) name: String,
    pub(crate) field: String,
    /// The fields that the release has.
    pub(crate) has: Vec<&'static str>,
}

impl Missing {
    /// What to say of it for these releases.
    pub(crate) fn text(&self, releases: &[usize]) -> String {
        let Self { name, field, .. } = self;
        let spelled = index::spell(releases);
        if self.has.contains(&field.as_str()) {
            return format!(
                "`{name}` has a field `{field}` in {spelled} that is not given; give it in an `api!` arm behind \
                 `has({name}.{field})`, or end with `..Default::default()`"
            );
        }
        let has = if self.has.is_empty() { "no field".to_string() } else { self.has.join(", ") };
        if index::ever(name, field) {
            format!(
                "`{name}` has no field `{field}` in {spelled} (it has {has}); put it into an `api!` arm behind \
                 `has({name}.{field})`"
            )
        } else {
            format!("`{name}` has no field `{field}` in any release (it has {has})")
        }
    }
}

/// Looks through what was expanded for a release. `own` is what `Self` is.
pub(crate) fn missing(file: &syn::File, release: usize, own: Option<Item>) -> Vec<Missing> {
    let mut look = Look { release, own, scopes: vec![HashMap::new()], missing: Vec::new() };
    look.visit_file(file);
    look.missing
}

struct Look {
    release: usize,
    own: Option<Item>,
    /// Variables, innermost scope last; those whose type is not known hide those that have the same name.
    scopes: Vec<HashMap<String, Option<Item>>>,
    missing: Vec<Missing>,
}

impl Look {
    fn scope(&mut self, look: impl FnOnce(&mut Self)) {
        self.scopes.push(HashMap::new());
        look(self);
        self.scopes.pop();
    }

    fn name(&mut self, ident: &Ident, item: Option<Item>) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(ident.to_string(), item);
        }
    }

    /// All names of a pattern; a plain one has the type of the whole.
    fn bind(&mut self, pattern: &Pat, item: Option<Item>) {
        match pattern {
            Pat::Ident(plain) if plain.subpat.is_none() => self.name(&plain.ident, item),
            Pat::Type(typed) => self.bind(&typed.pat, self.type_named(&typed.ty)),
            Pat::Reference(inner) => self.bind(&inner.pat, item),
            Pat::Paren(inner) => self.bind(&inner.pat, item),
            other => {
                let mut names = Names(Vec::new());
                names.visit_pat(other);
                names.0.iter().for_each(|ident| self.name(ident, None));
            }
        }
    }

    fn of_path(&self, path: &Path) -> Option<Item> {
        if path.is_ident("Self") {
            return self.own;
        }
        let segments: Vec<&Ident> = path.segments.iter().map(|s| &s.ident).collect();
        match segments.as_slice() {
            [krate, _, _, name] if *krate == "binapi_messages" => {
                index::find(&name.to_string(), self.release)
            }
            _ => None,
        }
    }

    fn type_named(&self, ty: &Type) -> Option<Item> {
        match ty {
            Type::Path(path) if path.qself.is_none() => self.of_path(&path.path),
            Type::Reference(inner) => self.type_named(&inner.elem),
            Type::Paren(inner) => self.type_named(&inner.elem),
            _ => None,
        }
    }

    fn type_of(&self, expr: &Expr) -> Option<Item> {
        match expr {
            Expr::Struct(literal) => self.of_path(&literal.path),
            Expr::Reference(inner) => self.type_of(&inner.expr),
            Expr::Paren(inner) => self.type_of(&inner.expr),
            Expr::Block(block) => match block.block.stmts.as_slice() {
                // Anything before the last could name what the last says.
                [Stmt::Expr(last, None)] => self.type_of(last),
                _ => None,
            },
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                self.scopes.iter().rev().find_map(|scope| scope.get(&name)).copied().flatten()
            }
            Expr::Call(call) => {
                let Expr::Path(function) = call.func.as_ref() else { return None };
                let mut path = function.path.clone();
                let last = path.segments.pop()?.into_value();
                path.segments.pop_punct();
                (last.ident == "default").then(|| self.of_path(&path)).flatten()
            }
            Expr::Try(question) => {
                let Expr::Await(awaited) = question.expr.as_ref() else { return None };
                let Expr::MethodCall(call) = awaited.base.as_ref() else { return None };
                let is_call = call.method == "call" || call.method == "call_unchecked";
                let Some(Item::Message(request)) = self.type_of(call.args.first()?).filter(|_| is_call)
                else {
                    return None;
                };
                match binapi_index::answer(u16::try_from(request).ok()?, self.release)? {
                    Answer::Reply(reply, _) => Some(Item::Message(reply.into())),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn check(&mut self, item: Option<Item>, member: &Member) {
        let (Some(item), Member::Named(ident)) = (item, member) else { return };
        let Some(has) = index::field_names(item) else { return };
        let field = ident.to_string().trim_start_matches("r#").to_string();
        if !has.contains(&field.as_str()) {
            let name = index::rust_name(item);
            self.missing.push(Missing { span: ident.span(), name, field, has });
        }
    }

    /// All fields are given, where no `..` gives the others.
    fn check_given(&mut self, item: Option<Item>, literal: &syn::ExprStruct) {
        let Some((item, has)) = item.and_then(|item| Some((item, index::field_names(item)?))) else { return };
        let Some(last) = literal.path.segments.last() else { return };
        let given = |name: &str| {
            literal.fields.iter().any(|field| match &field.member {
                Member::Named(ident) => ident.to_string().trim_start_matches("r#") == name,
                Member::Unnamed(_) => false,
            })
        };
        for field in has.iter().filter(|name| !given(name)) {
            let (span, name) = (last.ident.span(), index::rust_name(item));
            self.missing.push(Missing { span, name, field: (*field).to_string(), has: has.clone() });
        }
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        self.scope(|look| {
            for input in &signature.inputs {
                match input {
                    FnArg::Receiver(receiver) => {
                        look.name(&Ident::new("self", receiver.self_token.span), look.own);
                    }
                    FnArg::Typed(typed) => look.bind(&typed.pat, look.type_named(&typed.ty)),
                }
            }
            look.visit_block(block);
        });
    }
}

/// Names that a pattern binds.
struct Names(Vec<Ident>);

impl Visit<'_> for Names {
    fn visit_pat_ident(&mut self, pattern: &syn::PatIdent) {
        self.0.push(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
    }
}

impl Visit<'_> for Look {
    fn visit_item_fn(&mut self, function: &syn::ItemFn) {
        self.function(&function.sig, &function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        self.function(&function.sig, &function.block);
    }

    fn visit_expr_closure(&mut self, closure: &syn::ExprClosure) {
        self.scope(|look| {
            closure.inputs.iter().for_each(|input| look.bind(input, None));
            look.visit_expr(&closure.body);
        });
    }

    fn visit_block(&mut self, block: &Block) {
        self.scope(|look| visit::visit_block(look, block));
    }

    fn visit_local(&mut self, local: &syn::Local) {
        let mut item = None;
        if let Some(init) = &local.init {
            self.visit_expr(&init.expr);
            if let Some((_, diverge)) = &init.diverge {
                self.visit_expr(diverge);
            }
            item = self.type_of(&init.expr);
        }
        self.visit_pat(&local.pat);
        self.bind(&local.pat, item);
    }

    fn visit_arm(&mut self, arm: &syn::Arm) {
        self.scope(|look| {
            look.bind(&arm.pat, None);
            visit::visit_arm(look, arm);
        });
    }

    fn visit_expr_for_loop(&mut self, each: &syn::ExprForLoop) {
        self.visit_expr(&each.expr);
        self.scope(|look| {
            look.bind(&each.pat, None);
            look.visit_block(&each.body);
        });
    }

    fn visit_expr_let(&mut self, test: &syn::ExprLet) {
        visit::visit_expr_let(self, test);
        // Into the scope around it, which hides a little more than it should.
        self.bind(&test.pat, None);
    }

    fn visit_expr_struct(&mut self, literal: &syn::ExprStruct) {
        let item = self.of_path(&literal.path);
        let before = self.missing.len();
        literal.fields.iter().for_each(|field| self.check(item, &field.member));
        // A name that is wrong explains another one that is not given.
        if literal.dot2_token.is_none() && self.missing.len() == before {
            self.check_given(item, literal);
        }
        visit::visit_expr_struct(self, literal);
    }

    fn visit_pat_struct(&mut self, pattern: &syn::PatStruct) {
        let item = self.of_path(&pattern.path);
        pattern.fields.iter().for_each(|field| self.check(item, &field.member));
        visit::visit_pat_struct(self, pattern);
    }

    fn visit_expr_field(&mut self, field: &syn::ExprField) {
        let item = self.type_of(&field.base);
        self.check(item, &field.member);
        visit::visit_expr_field(self, field);
    }
}
