//! Readers from JSON to values: each takes the value, and a fault names the place inside it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serializer;

use crate::error::Fault;
use crate::hash::Hash;
use crate::json::Json;

/// The fields of an object, each taken once; what is left over is unknown.
pub(crate) struct Fields(BTreeMap<String, Json>);

impl Fields {
    /// Open an object.
    pub(crate) fn of(json: Json) -> Result<Self, Fault> {
        match json {
            Json::Object(fields) => Ok(Self(fields)),
            other => Err(unfit("an object", &other)),
        }
    }

    /// Take a field that must stand there.
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

    /// Take a field that may be left out.
    pub(crate) fn take_optional<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Json) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.0
            .remove(name)
            .map(read)
            .transpose()
            .map_err(|fault| fault.under(name))
    }

    /// Say that every field has been taken.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        match self.0.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(Fault::document("is not a known field").under(&name)),
        }
    }
}

fn unfit(wanted: &str, found: &Json) -> Fault {
    Fault::document(format!("should be {wanted}, is {}", found.kind()))
}

/// Read a string.
pub(crate) fn text(json: Json) -> Result<String, Fault> {
    match json {
        Json::Text(text) => Ok(text),
        other => Err(unfit("a string", &other)),
    }
}

/// Read `true` or `false`.
pub(crate) fn boolean(json: Json) -> Result<bool, Fault> {
    match json {
        Json::Bool(value) => Ok(value),
        other => Err(unfit("true or false", &other)),
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
            "should be {}, is {value}",
            bounds.start()
        ))),
        Json::Integer(value) => Err(Fault::document(format!(
            "{value} is not between {} and {}",
            bounds.start(),
            bounds.end()
        ))),
        other => Err(unfit("an integer", &other)),
    }
}

/// Read a TCP port.
pub(crate) fn port(json: Json) -> Result<u16, Fault> {
    let value = integer(1..=u64::from(u16::MAX))(json)?;
    u16::try_from(value).map_err(|_| Fault::document("is not a port"))
}

/// Read a list of a bounded length.
pub(crate) fn list<T>(
    bounds: RangeInclusive<usize>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Vec<T>, Fault> {
    move |json| {
        let items = match json {
            Json::List(items) => items,
            other => return Err(unfit("a list", &other)),
        };
        if !bounds.contains(&items.len()) {
            let (least, most) = (bounds.start(), bounds.end());
            let count = items.len();
            return Err(Fault::document(format!(
                "has {count} entries, not {least} to {most}"
            )));
        }
        let place = |(index, item)| read(item).map_err(|fault: Fault| fault.at(index));
        items.into_iter().enumerate().map(place).collect()
    }
}

/// Read a list whose entries differ from each other.
pub(crate) fn distinct<T: PartialEq>(
    bounds: RangeInclusive<usize>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Vec<T>, Fault> {
    move |json| {
        let items = list(bounds, read)(json)?;
        match (1..items.len()).find(|&index| items[..index].contains(&items[index])) {
            None => Ok(items),
            Some(index) => Err(Fault::document("stands twice").at(index)),
        }
    }
}

/// Read a list whose entries rise, each standing once.
pub(crate) fn sorted<T: Ord>(
    bounds: RangeInclusive<usize>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<Vec<T>, Fault> {
    move |json| {
        let items = list(bounds, read)(json)?;
        match items.windows(2).position(|pair| pair[0] >= pair[1]) {
            None => Ok(items),
            Some(index) => Err(Fault::document("is not sorted, or stands twice").at(index + 1)),
        }
    }
}

/// Read an object as a map; both its keys and its values are read.
pub(crate) fn map<T>(
    most: usize,
    key: impl Fn(&str) -> Result<(), Fault>,
    read: impl Fn(Json) -> Result<T, Fault>,
) -> impl FnOnce(Json) -> Result<BTreeMap<String, T>, Fault> {
    move |json| {
        let fields = Fields::of(json)?.0;
        if fields.len() > most {
            return Err(Fault::document(format!(
                "has {} entries, not 0 to {most}",
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
    wanted: &'static str,
) -> impl Fn(Json) -> Result<T, Fault> {
    move |json| {
        let name = text(json)?;
        parse(&name).ok_or_else(|| Fault::document(format!("{name:?} is not {wanted}")))
    }
}

/// Read a document's hash.
pub(crate) fn hash(json: Json) -> Result<Hash, Fault> {
    text(json)?
        .parse()
        .map_err(|_| Fault::document("is not 64 lower-case hexadecimal digits"))
}

/// Read base64 of a bounded number of bytes; it has one spelling only (RFC 4648 §3.5).
pub(crate) fn base64(bounds: RangeInclusive<usize>) -> impl Fn(Json) -> Result<Vec<u8>, Fault> {
    move |json| {
        // The text may be secret, and so may what the decoder says about it.
        let bytes = STANDARD
            .decode(text(json)?)
            .map_err(|_| Fault::document("is not canonical base64"))?;
        if bounds.contains(&bytes.len()) {
            return Ok(bytes);
        }
        let (least, most) = (bounds.start(), bounds.end());
        Err(Fault::document(format!(
            "holds {} bytes, not {least} to {most}",
            bytes.len()
        )))
    }
}

/// Read base64 of a fixed number of bytes.
pub(crate) fn base64_array<const N: usize>(json: Json) -> Result<[u8; N], Fault> {
    let bytes = base64(N..=N)(json)?;
    bytes
        .try_into()
        .map_err(|_| Fault::document(format!("does not hold {N} bytes")))
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
