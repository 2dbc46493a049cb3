//! Keeps keys and secrets out of recordings.

use serde_json::Value;

/// What stands for them.
const MASK: &str = "***";

/// Whether a recording has keys and secrets in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secrets {
    /// They are masked.
    #[default]
    Masked,
    /// They are there in clear, and so are the bytes of messages that could not be read.
    Shown,
}

/// Messages whose secrets have names that others have for harmless things.
const FIELDS: &[(&str, &str)] = &[("ikev2_profile_set_auth", "data"), ("ikev2_profile_details", "data")];

/// Words of VPP's command line behind which a secret stands.
const WORDS: &[&str] = &[
    "secret",
    "key",
    "psk",
    "password",
    "private-key",
    "preshared-key",
    "crypto-key",
    "integ-key",
    "local-crypto-key",
    "remote-crypto-key",
    "local-integ-key",
    "remote-integ-key",
    "shared-key-mic",
];

/// True for a field that holds a key or a secret, whatever message it is in: `crypto_key` and `integrity_key` of IPsec,
/// `private_key` of WireGuard, `secret` of memif, `key` of BFD and LISP, `certkey` of TLS.
fn is_secret(name: &str, value: &Value) -> bool {
    let name = name.to_ascii_lowercase();
    let key = name == "key" || name == "certkey" || name.ends_with("_key") && !name.contains("public");
    // A number that is called a key tells tunnels or tables apart.
    key && !value.is_number()
        || ["secret", "password", "passwd", "psk"].iter().any(|word| name.contains(word))
}

/// Masks what is secret in the fields of a message.
pub(crate) fn fields(message: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if is_secret(name, value) || FIELDS.contains(&(message, name)) {
                    *value = MASK.into();
                } else {
                    self::fields(message, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fields(message, item)),
        _ => {}
    }
    if message.starts_with("cli_inband") {
        for field in ["cmd", "reply"] {
            if let Some(Value::String(text)) = value.get_mut(field) {
                *text = words(text);
            }
        }
    }
}

/// Masks what stands behind a word that announces a secret, in a command or in what it printed. `public-key` and
/// `key-len` are none.
fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut secret = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let (bare, inline) = match word.split_once([':', '=']) {
            Some((bare, inline)) => (bare, inline),
            None => (word, ""),
        };
        let bare = bare.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let announces = WORDS.contains(&bare.to_ascii_lowercase().as_str());
        if secret && !word.is_empty() {
            out.push_str(MASK);
            out.push_str(piece.get(word.len()..).unwrap_or_default());
            secret = false;
        } else if announces && !inline.is_empty() {
            let kept = word.len().saturating_sub(inline.len());
            out.push_str(word.get(..kept).unwrap_or_default());
            out.push_str(MASK);
            out.push_str(piece.get(word.len()..).unwrap_or_default());
        } else {
            out.push_str(piece);
            secret = announces || secret && word.is_empty();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_masked_wherever_they_stand_and_public_ones_are_not() {
        let mut message = json!({
            "interface": {"private_key": "00ff", "public_key": "aa", "port": 1},
            "entry": {"crypto_key": {"length": 16, "data": "00"}, "integrity_key": {"length": 0}},
            "rules": [{"secret": "s3cret"}, {"key": 7}],
        });
        fields("some_message", &mut message);
        assert_eq!(
            message,
            json!({
                "interface": {"private_key": "***", "public_key": "aa", "port": 1},
                "entry": {"crypto_key": "***", "integrity_key": "***"},
                "rules": [{"secret": "***"}, {"key": 7}],
            })
        );
    }

    #[test]
    fn secrets_of_the_command_line_are_masked() {
        let told = |text: &str| {
            let mut message = json!({"cmd": text});
            fields("cli_inband", &mut message);
            message["cmd"].as_str().unwrap().to_string()
        };
        assert_eq!(told("create memif id 1 secret  hidden role"), "create memif id 1 secret  *** role");
        assert_eq!(
            told("wireguard create private-key AbC= src 1.1.1.1"),
            "wireguard create private-key *** src 1.1.1.1"
        );
        assert_eq!(told("  key:abc public-key:def"), "  key:*** public-key:def");
        assert_eq!(told("show interface"), "show interface");
    }
}
