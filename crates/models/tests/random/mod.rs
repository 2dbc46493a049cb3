//! Random messages of any type, with addresses and numbers that fit what the `.proto` files state.

use models::proto::DESCRIPTOR_POOL;
use models::proto::ligato::LigatoOptions;
use models::proto::ligato::ligato_options::Type;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// A sequence of numbers that a seed stands for (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// A message in which each field is stated with a probability of two thirds.
    pub(crate) fn message(&mut self, descriptor: &MessageDescriptor) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        for field in descriptor.fields().filter(|field| field.containing_oneof().is_none()) {
            if self.below(3) > 0 {
                let value = self.field(&field);
                message.set_field(&field, value);
            }
        }
        for oneof in descriptor.oneofs() {
            let fields: Vec<FieldDescriptor> = oneof.fields().collect();
            if let Some(field) = fields.get(self.below(fields.len() as u64 + 1) as usize) {
                let value = self.field(field);
                message.set_field(field, value);
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        if !field.is_list() {
            return self.value(field);
        }
        let length = self.below(4);
        Value::List((0..length).map(|_| self.value(field)).collect())
    }

    fn value(&mut self, field: &FieldDescriptor) -> Value {
        let extension = DESCRIPTOR_POOL.get_extension_by_name("ligato.ligato_options").unwrap();
        let options = field.options();
        let stated: LigatoOptions =
            options.get_extension(&extension).as_message().unwrap().transcode_to().unwrap();
        let number = match &stated.int_range {
            Some(range) => range.minimum as u64 + self.below(range.maximum - range.minimum as u64 + 1),
            None => self.pick(&[0, 1, 255, 65_536, u64::from(u32::MAX)]),
        };
        match field.kind() {
            Kind::Bool => Value::Bool(self.below(2) == 1),
            Kind::String => Value::String(self.text(stated.r#type())),
            Kind::Uint32 => Value::U32(number as u32),
            Kind::Int32 => Value::I32(self.pick(&[i32::MIN, -1, 0, 7, i32::MAX])),
            Kind::Uint64 => Value::U64(self.pick(&[0, 1, 1 << 53, (1 << 53) + 1, u64::MAX])),
            Kind::Int64 => Value::I64(self.pick(&[i64::MIN, -1, 0, i64::MAX])),
            Kind::Enum(kind) => {
                let numbers: Vec<i32> = kind.values().map(|value| value.number()).collect();
                Value::EnumNumber(self.pick(&numbers))
            }
            Kind::Message(kind) => Value::Message(self.message(&kind)),
            kind => panic!("{kind:?} of {} is not provided for", field.full_name()),
        }
    }

    fn text(&mut self, stated: Type) -> String {
        let v4 = ["10.0.0.1", "0.0.0.0", "192.0.2.255"];
        let v6 = ["::", "2001:db8::1", "fe80::a:b"];
        let masked = |ips: &[&str], length: &str| ips.iter().map(|ip| format!("{ip}/{length}")).collect();
        let all = |a: Vec<String>, b: Vec<String>| [a, b].concat();
        let plain = |ips: &[&str]| ips.iter().map(|ip| (*ip).to_owned()).collect();
        let choices: Vec<String> = match stated {
            Type::Ipv4 => plain(&v4),
            Type::Ipv6 => plain(&v6),
            Type::Ip | Type::IpOptionalMask => all(plain(&v4), plain(&v6)),
            Type::IpWithMask => all(masked(&v4, "24"), masked(&v6, "128")),
            Type::Unspecified => {
                let texts = [
                    "",
                    "if1",
                    "Gig0/8/0",
                    "näme-日本",
                    "true",
                    "null",
                    "~",
                    "1.10",
                    "0x1f",
                    "1e3",
                    "yes",
                    "no",
                    "# no comment",
                    "a: b",
                    "- a",
                    "\"quoted\"",
                    "line\nbreak\n",
                    " padded ",
                    "tab\there",
                    "'",
                    "!",
                    "%x",
                    "@x",
                    "{a}",
                    "[a]",
                    "02:fe:00:00:00:01",
                    "2001-01-01",
                    "12:30:45",
                    "\u{1}\u{7f}\u{85}",
                    "\\",
                ];
                plain(&texts)
            }
            other => panic!("{other:?} is not provided for"),
        };
        choices[self.below(choices.len() as u64) as usize].clone()
    }
}
