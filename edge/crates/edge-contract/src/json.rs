//! The subset of JSON that the contract allows, and its canonical form.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::Fault;
use crate::generated_values::ErrorCode;
use crate::generated_values::bounds::MAX_INTEGER;

/// A JSON value. Keys of an object are unique and sorted by code point.
#[derive(Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number from 0 to 2^53 - 1.
    Integer(u64),
    /// Any other number. No document may contain one; decoding the document reports its path.
    OtherNumber,
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// Parse one JSON value. A duplicate key in an object is an error.
    pub fn decode(text: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(text)
            .map_err(|error| Fault::new(ErrorCode::BadJson, error.to_string()))
    }

    /// The type of the value, for messages. Values may be secret and are never shown.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::OtherNumber => "a number outside the integers 0 to 2^53-1",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The canonical form: keys sorted by code point, no spaces, the shortest escapes.
    pub(crate) fn canonical(&self) -> Result<String, Fault> {
        serde_json::to_string(self).map_err(|error| Fault::document(error.to_string()))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind())
    }
}

/// Write a value of this crate in its canonical form.
pub fn canonical<T: Serialize + ?Sized>(value: &T) -> Result<String, Fault> {
    let text = serde_json::to_vec(value).map_err(|error| Fault::document(error.to_string()))?;
    Json::decode(&text)?.canonical()
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_u64(*value),
            Self::OtherNumber => Err(serde::ser::Error::custom(self.kind())),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            // UTF-8 preserves the order of code points, so the map's byte order is the canonical one.
            Self::Object(fields) => serializer.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> DeserializeSeed<'de> for JsonVisitor {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        Json::deserialize(deserializer)
    }
}

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Json, E> {
        Ok(if value <= MAX_INTEGER {
            Json::Integer(value)
        } else {
            Json::OtherNumber
        })
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Json, E> {
        u64::try_from(value).map_or(Ok(Json::OtherNumber), |value| self.visit_u64(value))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(JsonVisitor)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(key) = object.next_key::<String>()? {
            let value = object.next_value_seed(JsonVisitor)?;
            if fields.insert(key.clone(), value).is_some() {
                return Err(de::Error::custom(format_args!("duplicate key {key:?}")));
            }
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        Json::decode(text.as_bytes())
            .unwrap_or(Json::Null)
            .canonical()
            .unwrap()
    }

    /// Keys are sorted by code point and spaces are removed.
    #[test]
    fn canonical_form_is_sorted_and_compact() {
        let expected = r#"{"B":[1,2],"a":null,"é":true,"€":{},"😀":"x"}"#;
        let loose = r#" {"😀": "x", "€": { }, "é":true, "a":null, "B" : [1, 2]} "#;
        assert_eq!(expected, rewritten(loose));
    }

    /// Strings are escaped as Python's `json.dumps(ensure_ascii=False)` does.
    #[test]
    fn canonical_form_escapes_shortest() {
        let loose = r#""\u0000\u0008\u0009\u000a\u000c\u000d\u001f\u0022\u005c\/\u007fé""#;
        assert_eq!(
            "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\u{7f}é\"",
            rewritten(loose)
        );
    }

    /// A duplicate key at any depth is refused.
    #[test]
    fn duplicate_keys_are_refused() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"[{"b":{"a":1,"a":2}}]"#,
            r#"{"a":1,"\u0061":1}"#,
        ] {
            let fault = Json::decode(text.as_bytes()).err().unwrap();
            assert_eq!(ErrorCode::BadJson, fault.code);
            assert!(fault.message.contains(r#"duplicate key "a""#), "{fault}");
        }
    }

    /// A number that is not an integer from 0 to 2^53-1 is a value of its own, so that its path can be reported.
    #[test]
    fn other_numbers_are_distinct() {
        for text in [
            "1.0",
            "-1",
            "9007199254740992",
            "1e3",
            "99999999999999999999",
        ] {
            assert!(
                Json::OtherNumber == Json::decode(text.as_bytes()).unwrap(),
                "{text}"
            );
        }
        assert!(Json::Integer(MAX_INTEGER) == Json::decode(b"9007199254740991").unwrap());
    }
}
