//! Requests read and answers made by field names, whatever shape the release gives the fields.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Map, Value};
use vpp_schema::{FieldKind, Schema, hex};

/// A request.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    schema: &'a Schema,
    name: &'a str,
    fields: &'a Value,
}

impl<'a> Request<'a> {
    pub(crate) fn new(schema: &'a Schema, name: &'a str, fields: &'a Value) -> Self {
        Self { schema, name, fields }
    }

    /// True when the release has the field.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.schema.field(self.name, path).is_some()
    }

    /// A value by its way through objects: `route.prefix.len`.
    pub(crate) fn value(&self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.fields, |value, step| value.get(step))
    }

    pub(crate) fn number(&self, path: &str) -> u32 {
        number(self.value(path))
    }

    pub(crate) fn byte(&self, path: &str) -> u8 {
        u8::try_from(self.number(path)).unwrap_or(u8::MAX)
    }

    pub(crate) fn flag(&self, path: &str) -> bool {
        flag(self.value(path))
    }

    pub(crate) fn bytes<const N: usize>(&self, path: &str) -> [u8; N] {
        bytes(self.value(path))
    }

    /// Text, also from the byte arrays that older releases have for it.
    pub(crate) fn text(&self, path: &str) -> String {
        let Some(text) = self.value(path).and_then(Value::as_str) else { return String::new() };
        let text = match self.schema.field(self.name, path) {
            Some(FieldKind::Bytes(_)) => {
                String::from_utf8_lossy(&hex::read(text).unwrap_or_default()).into_owned()
            }
            _ => text.to_string(),
        };
        text.split('\0').next().unwrap_or_default().to_string()
    }

    /// `{address: {af, un}, len}` below a path.
    pub(crate) fn prefix(&self, path: &str) -> (IpAddr, u8) {
        prefix(self.value(path))
    }

    /// `{af, un}` below a path.
    pub(crate) fn ip(&self, path: &str) -> IpAddr {
        ip(self.value(path))
    }

    /// A number that fits 16 bits.
    pub(crate) fn short(&self, path: &str) -> u16 {
        u16::try_from(self.number(path)).unwrap_or(u16::MAX)
    }

    /// What a list holds; nothing when there is none.
    pub(crate) fn list(&self, path: &str) -> &'a [Value] {
        self.value(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// 16 bytes of which an IPv4 address takes the first four.
    pub(crate) fn address(&self, path: &str, v6: bool) -> IpAddr {
        address(self.bytes::<16>(path), v6)
    }
}

/// `{address: {af, un}, len}`.
pub(crate) fn prefix(value: Option<&Value>) -> (IpAddr, u8) {
    let len = number(value.and_then(|value| value.get("len")));
    (ip(value.and_then(|value| value.get("address"))), u8::try_from(len).unwrap_or(u8::MAX))
}

/// `{af, un}`.
pub(crate) fn ip(value: Option<&Value>) -> IpAddr {
    let at = |steps: &[&str]| steps.iter().try_fold(value?, |value, step| value.get(step));
    match number(at(&["af"])) {
        0 => IpAddr::V4(Ipv4Addr::from(bytes::<4>(at(&["un", "ip4"])))),
        _ => IpAddr::V6(Ipv6Addr::from(bytes::<16>(at(&["un", "ip6"])))),
    }
}

pub(crate) fn address(bytes: [u8; 16], v6: bool) -> IpAddr {
    if v6 {
        return IpAddr::V6(Ipv6Addr::from(bytes));
    }
    let [a, b, c, d, ..] = bytes;
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

/// The other way: an IPv4 address in the first four of 16 bytes.
pub(crate) fn sixteen(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(ip) => ip.octets(),
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
    }
}

pub(crate) fn number(value: Option<&Value>) -> u32 {
    value.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

pub(crate) fn flag(value: Option<&Value>) -> bool {
    value.is_some_and(|v| v.as_bool().unwrap_or_else(|| v.as_u64() != Some(0)))
}

pub(crate) fn bytes<const N: usize>(value: Option<&Value>) -> [u8; N] {
    let given = value.and_then(Value::as_str).and_then(hex::read).unwrap_or_default();
    let mut out = [0; N];
    for (to, from) in out.iter_mut().zip(given) {
        *to = from;
    }
    out
}

/// An answer under construction. Setting a field that the release does not have does nothing.
#[derive(Clone)]
pub(crate) struct Record<'a> {
    schema: &'a Schema,
    name: String,
    fields: Value,
}

impl<'a> Record<'a> {
    pub(crate) fn new(schema: &'a Schema, name: &str) -> Self {
        Self { schema, name: name.to_string(), fields: Value::Object(Map::new()) }
    }

    pub(crate) fn into_parts(self) -> (String, Value) {
        (self.name, self.fields)
    }

    fn kind(&self, path: &str) -> Option<FieldKind> {
        self.schema.field(&self.name, path)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.kind(path).is_some()
    }

    pub(crate) fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        if self.has(path) {
            let mut place = &mut self.fields;
            for step in path.split('.') {
                if !place.is_object() {
                    *place = Value::Object(Map::new());
                }
                let Value::Object(object) = place else { return self };
                place = object.entry(step).or_insert(Value::Null);
            }
            *place = value.into();
        }
        self
    }

    /// A flag, in releases that have no `bool` a number.
    pub(crate) fn flag(self, path: &str, value: bool) -> Self {
        match self.kind(path) {
            Some(FieldKind::Bool) => self.set(path, value),
            Some(_) => self.set(path, u8::from(value)),
            None => self,
        }
    }

    /// Text, cut where the field ends; as bytes where the release has no text.
    pub(crate) fn text(self, path: &str, value: &str) -> Self {
        let cut = |longest: usize| {
            let mut end = longest.saturating_sub(1).min(value.len());
            while !value.is_char_boundary(end) {
                end = end.saturating_sub(1);
            }
            value.get(..end).unwrap_or_default()
        };
        match self.kind(path) {
            Some(FieldKind::Text(Some(longest))) => {
                let value = cut(longest).to_string();
                self.set(path, value)
            }
            Some(FieldKind::Text(None)) => self.set(path, value),
            Some(FieldKind::Bytes(Some(longest))) => {
                let value = hex::write(cut(longest).as_bytes());
                self.set(path, value)
            }
            Some(FieldKind::Bytes(None)) => {
                let value = hex::write(value.as_bytes());
                self.set(path, value)
            }
            _ => self,
        }
    }

    /// Bytes; missing ones at the end are zero.
    pub(crate) fn bytes(self, path: &str, value: &[u8]) -> Self {
        let value = match self.kind(path) {
            Some(FieldKind::Bytes(Some(n))) => value.get(..n).unwrap_or(value),
            _ => value,
        };
        let value = hex::write(value);
        self.set(path, value)
    }

    /// `{address: {af, un}, len}` below a path.
    pub(crate) fn prefix(self, path: &str, ip: IpAddr, len: u8) -> Self {
        self.ip(&format!("{path}.address"), ip).set(&format!("{path}.len"), len)
    }

    /// `{af, un}` below a path; older releases have the octets there.
    pub(crate) fn ip(self, path: &str, ip: IpAddr) -> Self {
        if matches!(self.kind(path), Some(FieldKind::Bytes(_))) {
            return self.bytes(path, &sixteen(ip));
        }
        let (af, arm) = match ip {
            IpAddr::V4(_) => (0, "ip4"),
            IpAddr::V6(_) => (1, "ip6"),
        };
        self.set(&format!("{path}.af"), af).bytes(&format!("{path}.un.{arm}"), &sixteen(ip))
    }

    /// What was set below a path: an item of a list, made with the names of the list's fields.
    pub(crate) fn item(self, path: &str) -> Value {
        let found = path.split('.').try_fold(&self.fields, |value, step| value.get(step));
        found.cloned().unwrap_or_default()
    }
}
