//! What the settings of the stores have in common: reading them from YAML, durations.

use std::fmt;
#[cfg(any(feature = "net", test))]
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer, de};

/// A password or token: never shown.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "***" })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { "***" })
    }
}

/// Reads the settings of a store from the text of its file. An empty file gives the defaults.
///
/// # Errors
/// What is wrong, with line and column.
pub fn from_yaml<T: de::DeserializeOwned + Default>(text: &str) -> Result<T, String> {
    let blank =
        |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#') || line.trim_end() == "---";
    if text.lines().all(blank) {
        return Ok(T::default());
    }
    serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())
}

/// Durations as Go writes them.
pub mod duration {
    use std::fmt;
    use std::time::Duration;

    use serde::de::{self, Deserializer, Visitor};
    use serde::ser::Serializer;

    /// Reads a duration as Go writes it (`1s`, `1m30s`, `1.5h`), or a number of nanoseconds.
    ///
    /// # Errors
    /// Whatever is neither.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        struct DurationVisitor;
        impl Visitor<'_> for DurationVisitor {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as 500ms, 3s or 1m30s")
            }

            fn visit_u64<E>(self, nanoseconds: u64) -> Result<Duration, E> {
                Ok(Duration::from_nanos(nanoseconds))
            }

            fn visit_i64<E: de::Error>(self, nanoseconds: i64) -> Result<Duration, E> {
                let nanoseconds = u64::try_from(nanoseconds)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(nanoseconds), &self))?;
                Ok(Duration::from_nanos(nanoseconds))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(DurationVisitor)
    }

    /// Writes a duration as Go does.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&text(*duration))
    }

    /// A duration as Go writes it, to the nanosecond.
    pub fn text(duration: Duration) -> String {
        let (seconds, nanoseconds) = (duration.as_secs(), duration.subsec_nanos());
        let fraction = |whole: u64, part: u32, digits: usize| {
            let text = format!("{whole}.{part:0digits$}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        };
        match (seconds, nanoseconds) {
            (0, 0) => "0s".to_owned(),
            (0, n) if n < 1_000 => format!("{n}ns"),
            (0, n) if n < 1_000_000 => format!("{}µs", fraction((n / 1_000).into(), n % 1_000, 3)),
            (0, n) => format!("{}ms", fraction((n / 1_000_000).into(), n % 1_000_000, 6)),
            (s, n) => {
                let (hours, minutes) = (s / 3600, s / 60 % 60);
                let rest = fraction(s % 60, n, 9);
                match (hours, minutes) {
                    (0, 0) => format!("{rest}s"),
                    (0, minutes) => format!("{minutes}m{rest}s"),
                    (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
                }
            }
        }
    }

    pub(super) fn parse(text: &str) -> Option<Duration> {
        let mut rest = text.trim();
        if rest == "0" {
            return Some(Duration::ZERO);
        }
        let mut seconds = 0.0_f64;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (number, after) = rest.split_at(rest.find(|c: char| c != '.' && !c.is_ascii_digit())?);
            let (unit, after) =
                after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
            let scale = match unit {
                "ns" => 1e-9,
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
            seconds += number.parse::<f64>().ok()? * scale;
            rest = after;
        }
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Shortest time between two looks whether a store is still there.
#[cfg(feature = "net")]
const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(1);

/// Refuses to ask a store for signs of life without end.
#[cfg(feature = "net")]
pub(crate) fn keepalive(store: &str, field: &str, time: Duration) -> Result<(), crate::StoreError> {
    if time >= SHORTEST_KEEPALIVE {
        return Ok(());
    }
    let reason = format!("expected at least {SHORTEST_KEEPALIVE:?}, found {time:?}");
    Err(crate::StoreError::Settings { store: store.to_owned(), field: field.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, expected) in [
            ("1s", Some(Duration::from_secs(1))),
            ("1m30s", Some(Duration::from_secs(90))),
            ("1.5h", Some(Duration::from_secs(5400))),
            ("250ms", Some(Duration::from_millis(250))),
            ("0", Some(Duration::ZERO)),
            ("", None),
            ("5", None),
            ("s", None),
            ("1 s", None),
            ("-1s", None),
            ("1d", None),
            ("9e99s", None),
        ] {
            assert_eq!(duration::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_go_does() {
        for text in
            ["0s", "1s", "1.5s", "1m30s", "1m0s", "1h0m0s", "26h3m4.005s", "250ms", "1.5ms", "2µs", "7ns"]
        {
            let duration = duration::parse(text).unwrap();
            assert_eq!(duration::text(duration), text);
        }
    }
}
