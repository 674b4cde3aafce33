//! Readers from JSON to typed values. A fault has the path inside the value that was read.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serializer;

use crate::error::Fault;
use crate::generated_values::bounds::MAX_WORKERS;
use crate::hash::Hash;
use crate::json::Json;

/// The fields of an object that have not been read yet.
pub(crate) struct Fields(BTreeMap<String, Json>);

impl Fields {
    /// The fields of an object; a fault for any other value.
    pub(crate) fn of(json: Json) -> Result<Self, Fault> {
        match json {
            Json::Object(fields) => Ok(Self(fields)),
            other => Err(wrong_type("an object", &other)),
        }
    }

    /// Read a required field.
    pub(crate) fn take<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Json) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.0
            .remove(name)
            .ok_or_else(|| Fault::document("is missing"))
            .and_then(read)
            .map_err(|fault| fault.under(name))
    }

    /// Check that every field has been read.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Fault::document("is not a known field").under(&name)),
        }
    }
}

fn wrong_type(expected: &str, found: &Json) -> Fault {
    Fault::document(format!("must be {expected}, not {}", found.kind()))
}

/// Read a string.
pub(crate) fn text(json: Json) -> Result<String, Fault> {
    match json {
        Json::Text(text) => Ok(text),
        other => Err(wrong_type("a string", &other)),
    }
}

/// Read `true` or `false`.
pub(crate) fn boolean(json: Json) -> Result<bool, Fault> {
    match json {
        Json::Bool(value) => Ok(value),
        other => Err(wrong_type("true or false", &other)),
    }
}

/// Read an object whose fields are all known.
pub(crate) fn object<T>(
    read: impl Fn(&mut Fields) -> Result<T, Fault>,
) -> impl Fn(Json) -> Result<T, Fault> {
    move |json| {
        let mut fields = Fields::of(json)?;
        let value = read(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }
}

/// Read an integer within bounds.
pub(crate) fn integer(bounds: RangeInclusive<u64>) -> impl Fn(Json) -> Result<u64, Fault> {
    move |json| match json {
        Json::Integer(value) if bounds.contains(&value) => Ok(value),
        Json::Integer(value) if bounds.start() == bounds.end() => Err(Fault::document(format!(
            "must be {}, not {value}",
            bounds.start()
        ))),
        Json::Integer(value) => Err(Fault::document(format!(
            "must be {} to {}, not {value}",
            bounds.start(),
            bounds.end()
        ))),
        other => Err(wrong_type("an integer", &other)),
    }
}

/// Read a TCP port.
pub(crate) fn port(json: Json) -> Result<u16, Fault> {
    let value = integer(1..=u64::from(u16::MAX))(json)?;
    u16::try_from(value).map_err(|_| Fault::document("is not a port"))
}

/// Read the index of a worker.
pub(crate) fn worker_index(json: Json) -> Result<usize, Fault> {
    let value = integer(0..=MAX_WORKERS as u64 - 1)(json)?;
    usize::try_from(value).map_err(|_| Fault::document("is no worker"))
}

/// Read a list of a bounded length.
pub(crate) fn list<T>(
    bounds: RangeInclusive<usize>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Vec<T>, Fault> {
    move |json| {
        let items = match json {
            Json::List(items) => items,
            other => return Err(wrong_type("a list", &other)),
        };
        if !bounds.contains(&items.len()) {
            let (min, max) = (bounds.start(), bounds.end());
            let count = items.len();
            return Err(Fault::document(format!(
                "must have {min} to {max} entries, not {count}"
            )));
        }
        let entry = |(index, item)| read(item).map_err(|fault: Fault| fault.at(index));
        items.into_iter().enumerate().map(entry).collect()
    }
}

/// Read a list without duplicates.
pub(crate) fn distinct<T: PartialEq>(
    bounds: RangeInclusive<usize>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Vec<T>, Fault> {
    move |json| {
        let items = list(bounds, read)(json)?;
        match (1..items.len()).find(|&index| items[..index].contains(&items[index])) {
            None => Ok(items),
            Some(index) => Err(Fault::document("is a duplicate").at(index)),
        }
    }
}

/// Read a sorted list without duplicates.
pub(crate) fn sorted<T: Ord>(
    bounds: RangeInclusive<usize>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Vec<T>, Fault> {
    move |json| {
        let items = list(bounds, read)(json)?;
        match items.windows(2).position(|pair| pair[0] >= pair[1]) {
            None => Ok(items),
            Some(index) => Err(Fault::document("is not sorted, or a duplicate").at(index + 1)),
        }
    }
}

/// Read an object as a map of at most `max` entries; checks its keys and reads its values.
pub(crate) fn map<T>(
    max: usize,
    key: impl Fn(&str) -> Result<(), Fault>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<BTreeMap<String, T>, Fault> {
    move |json| {
        let fields = Fields::of(json)?.0;
        if fields.len() > max {
            return Err(Fault::document(format!(
                "must have 0 to {max} entries, not {}",
                fields.len()
            )));
        }
        let entry = |(name, value): (String, Json)| match key(&name).and_then(|()| read(value)) {
            Ok(value) => Ok((name, value)),
            Err(fault) => Err(fault.under(&name)),
        };
        fields.into_iter().map(entry).collect()
    }
}

/// Read `null` or a value.
pub(crate) fn nullable<T>(
    read: impl FnOnce(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Option<T>, Fault> {
    move |json| match json {
        Json::Null => Ok(None),
        value => read(value).map(Some),
    }
}

/// Read one of a closed set of names.
pub(crate) fn one_of<T>(
    parse: impl Fn(&str) -> Option<T>,
    expected: &'static str,
) -> impl Fn(Json) -> Result<T, Fault> {
    move |json| {
        let name = text(json)?;
        parse(&name).ok_or_else(|| Fault::document(format!("{name:?} is not {expected}")))
    }
}

/// Read a document's hash.
pub(crate) fn hash(json: Json) -> Result<Hash, Fault> {
    text(json)?
        .parse()
        .map_err(|_| Fault::document("is not 64 lower-case hexadecimal digits"))
}

/// Read canonical base64 (RFC 4648 §3.5) of a bounded number of bytes.
pub(crate) fn base64(bounds: RangeInclusive<usize>) -> impl Fn(Json) -> Result<Vec<u8>, Fault> {
    move |json| {
        // The text may be secret, and the decoder's message could quote it.
        let bytes = STANDARD
            .decode(text(json)?)
            .map_err(|_| Fault::document("is not canonical base64"))?;
        if bounds.contains(&bytes.len()) {
            return Ok(bytes);
        }
        let (min, max) = (bounds.start(), bounds.end());
        Err(Fault::document(format!(
            "must hold {min} to {max} bytes, not {}",
            bytes.len()
        )))
    }
}

/// Read base64 of a fixed number of bytes.
pub(crate) fn base64_array<const N: usize>(json: Json) -> Result<[u8; N], Fault> {
    let bytes = base64(N..=N)(json)?;
    bytes
        .try_into()
        .map_err(|_| Fault::document(format!("must hold {N} bytes")))
}

/// Write bytes as base64.
pub(crate) fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

/// Write each entry's bytes as base64.
pub(crate) fn all_base64<S: Serializer>(
    entries: &[Vec<u8>],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(entries.iter().map(|bytes| STANDARD.encode(bytes)))
}

/// Write each entry's bytes as base64, or `null`.
#[allow(clippy::ref_option, reason = "serde hands over the field as it is")]
pub(crate) fn all_base64_or_null<S: Serializer>(
    entries: &Option<Vec<Vec<u8>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match entries {
        Some(entries) => all_base64(entries, serializer),
        None => serializer.serialize_none(),
    }
}
