//! Rules that the `.proto` files state: forms of addresses, ranges of numbers, numbers of enums.
//!
//! Where the statements of the API's files say less or more than what is meant, [`EXCEPTIONS`] has it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use ipnet::IpNet;
use prost_reflect::{
    DynamicMessage, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    ReflectMessage, Value,
};

use super::Unsaid;
use crate::nearest::shortened;
use crate::net::{AllocRef, is_alloc_ref};
use crate::proto::DESCRIPTOR_POOL;
use crate::proto::ligato::LigatoOptions;
use crate::proto::ligato::ligato_options::{IntRange, Type};

/// What a field may have besides what is stated of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exception {
    /// A reference to an allocated address, but to no gateway.
    Address,
    /// A reference to an allocated address or gateway.
    Reference,
    /// A reference to a gateway.
    Gateway,
    /// A prefix length.
    Mask,
    /// Zero, for the default.
    Zero,
}

/// Full names of fields.
const EXCEPTIONS: &[(&str, Exception)] = &[
    ("ligato.vpp.interfaces.Interface.ip_addresses", Exception::Address),
    ("ligato.linux.interfaces.Interface.ip_addresses", Exception::Address),
    ("ligato.vpp.l3.Route.dst_network", Exception::Reference),
    ("ligato.vpp.l3.Route.next_hop_addr", Exception::Gateway),
    ("ligato.linux.l3.Route.dst_network", Exception::Reference),
    ("ligato.linux.l3.Route.gw_addr", Exception::Gateway),
    ("ligato.linux.l3.ARPEntry.ip_address", Exception::Reference),
    ("ligato.vpp.wireguard.Peer.allowed_ips", Exception::Mask),
    ("ligato.vpp.ipfix.IPFIX.path_mtu", Exception::Zero),
];

/// What a field has to be.
#[derive(Debug, Clone)]
pub(crate) enum Rule {
    /// Text that is an address.
    Address(Form, Option<Exception>),
    /// A number within both ends.
    Range(i128, i128, Option<Exception>),
    /// A number that the enum has.
    Enum(EnumDescriptor),
    /// A message with rules of its own, or fields that have some.
    Inside,
}

/// Family and notation of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// IPv4 or not, IPv6 or not.
    pub(crate) family: Family,
    pub(crate) mask: Mask,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Any,
    V4,
    V6,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mask {
    None,
    Required,
    Optional,
}

impl Form {
    fn of(stated: Type) -> Option<Self> {
        let (family, mask) = match stated {
            Type::Unspecified => return None,
            Type::Ip => (Family::Any, Mask::None),
            Type::Ipv4 => (Family::V4, Mask::None),
            Type::Ipv6 => (Family::V6, Mask::None),
            Type::IpWithMask => (Family::Any, Mask::Required),
            Type::Ipv4WithMask => (Family::V4, Mask::Required),
            Type::Ipv6WithMask => (Family::V6, Mask::Required),
            Type::IpOptionalMask => (Family::Any, Mask::Optional),
            Type::Ipv4OptionalMask => (Family::V4, Mask::Optional),
            Type::Ipv6OptionalMask => (Family::V6, Mask::Optional),
        };
        Some(Self { family, mask })
    }

    /// Whether `text` is an address of the form.
    pub(crate) fn fits(self, text: &str) -> bool {
        let family = |ip: IpAddr| match self.family {
            Family::Any => true,
            Family::V4 => ip.is_ipv4(),
            Family::V6 => ip.is_ipv6(),
        };
        let plain = || text.parse::<IpAddr>().is_ok_and(family);
        let masked = || text.parse::<IpNet>().is_ok_and(|net| family(net.addr()));
        match self.mask {
            Mask::None => plain(),
            Mask::Required => masked(),
            Mask::Optional => plain() || masked(),
        }
    }

    /// The form in words.
    pub(crate) fn noun(self) -> String {
        let (family, plain, masked) = match self.family {
            Family::Any => ("IP", "10.0.0.1 or 2001:db8::1", "10.0.0.1/24 or 2001:db8::1/64"),
            Family::V4 => ("IPv4", "10.0.0.1", "10.0.0.1/24"),
            Family::V6 => ("IPv6", "2001:db8::1", "2001:db8::1/64"),
        };
        match self.mask {
            Mask::None => format!("an {family} address such as {plain}"),
            Mask::Required => format!("an {family} address with prefix length such as {masked}"),
            Mask::Optional => format!("an {family} address, with or without prefix length, such as {masked}"),
        }
    }
}

/// The rules of each message that has some, by full name.
static RULES: LazyLock<HashMap<String, Vec<(u32, Rule)>>> = LazyLock::new(|| {
    let pool = &DESCRIPTOR_POOL;
    let Some(options) = pool.get_extension_by_name("ligato.ligato_options") else { return HashMap::new() };
    let of_message = |message: MessageDescriptor| {
        let rules: Vec<_> = message
            .fields()
            .filter(|field| !field.is_map())
            .filter_map(|field| Some((field.number(), rule(&field, &options)?)))
            .collect();
        (message.full_name().to_owned(), rules)
    };
    pool.all_messages().map(of_message).filter(|(_, rules)| !rules.is_empty()).collect()
});

/// What `field` has to be, if anything is said of it.
pub(crate) fn rule_of(field: &FieldDescriptor) -> Option<&'static Rule> {
    let rules = RULES.get(field.parent_message().full_name())?;
    rules.iter().find(|(number, _)| *number == field.number()).map(|(_, rule)| rule)
}

fn rule(field: &FieldDescriptor, extension: &ExtensionDescriptor) -> Option<Rule> {
    match field.kind() {
        Kind::Message(_) => return Some(Rule::Inside),
        Kind::Enum(descriptor) => return Some(Rule::Enum(descriptor)),
        _ => {}
    }
    let exception =
        EXCEPTIONS.iter().find(|(name, _)| *name == field.full_name()).map(|(_, exception)| *exception);
    let options = field.options();
    let stated: LigatoOptions = options.get_extension(extension).as_message()?.transcode_to().ok()?;
    if let Some(IntRange { minimum, maximum }) = stated.int_range {
        return Some(Rule::Range(minimum.into(), maximum.into(), exception));
    }
    let mut form = Form::of(stated.r#type())?;
    if exception == Some(Exception::Mask) {
        form.mask = Mask::Optional;
    }
    Some(Rule::Address(form, exception))
}

/// Checks every field of `message`, and of the messages in it.
pub(super) fn check(problems: &mut Unsaid, message: &DynamicMessage) {
    walk(problems, message, &mut String::new());
}

fn walk(problems: &mut Unsaid, message: &DynamicMessage, path: &mut String) {
    let descriptor = message.descriptor();
    let Some(rules) = RULES.get(descriptor.full_name()) else { return };
    for (number, rule) in rules {
        let Some(field) = descriptor.get_field(*number) else { continue };
        // An empty text is one that is not stated, a zero that is not stated may be out of range all the same.
        if !message.has_field(&field) && (field.is_list() || !matches!(rule, Rule::Range(..))) {
            continue;
        }
        let before = path.len();
        if before > 0 {
            path.push('.');
        }
        path.push_str(field.name());
        match message.get_field(&field).as_ref() {
            Value::List(items) => {
                for (i, item) in items.iter().enumerate() {
                    let before = path.len();
                    path.push_str(&format!("[{i}]"));
                    value(problems, rule, item, path);
                    path.truncate(before);
                }
            }
            single => value(problems, rule, single, path),
        }
        path.truncate(before);
    }
}

fn value(problems: &mut Unsaid, rule: &Rule, value: &Value, path: &mut String) {
    match (rule, value) {
        (Rule::Inside, Value::Message(message)) => walk(problems, message, path),
        (Rule::Enum(descriptor), Value::EnumNumber(number)) if descriptor.get_value(*number).is_none() => {
            let names: Vec<String> = descriptor.values().map(|v| v.name().to_owned()).collect();
            problems.add(path, || format!("{number} is not one of {}", names.join(", ")));
        }
        (Rule::Range(least, most, exception), number) => {
            let number = match number {
                Value::U32(n) => i128::from(*n),
                Value::I32(n) => i128::from(*n),
                Value::U64(n) => i128::from(*n),
                Value::I64(n) => i128::from(*n),
                _ => return,
            };
            let default = number == 0 && *exception == Some(Exception::Zero);
            if !(*least..=*most).contains(&number) && !default {
                problems.add(path, || format!("is {number}, which is not from {least} to {most}"));
            }
        }
        (Rule::Address(form, exception), Value::String(text)) => {
            if let Some(reason) = address(*form, *exception, text) {
                problems.add(path, || reason);
            }
        }
        _ => {}
    }
}

/// What is wrong with an address.
fn address(form: Form, exception: Option<Exception>, text: &str) -> Option<String> {
    let allowed = match exception {
        Some(Exception::Address) => " or an `alloc:` reference",
        Some(Exception::Reference) => " or an `alloc:` reference",
        Some(Exception::Gateway) => " or an `alloc:` reference that ends in `/GW`",
        _ => "",
    };
    if is_alloc_ref(text) && !allowed.is_empty() {
        let Some(reference) = AllocRef::parse(text) else {
            return Some(format!(
                "`{}` is not a reference such as alloc:<network>, alloc:<network>/<interface> or \
                 alloc:<network>/<interface>/GW",
                shortened(text)
            ));
        };
        return match (exception, reference.gateway) {
            (Some(Exception::Address), true) => {
                Some(format!("`{}` refers to a gateway, not to an address", shortened(text)))
            }
            (Some(Exception::Gateway), false) => Some(format!(
                "`{}` refers to an address, not to a gateway: such references end in `/GW`",
                shortened(text)
            )),
            _ => None,
        };
    }
    (!form.fits(text)).then(|| format!("`{}` is not {}{allowed}", shortened(text), form.noun()))
}
