//! The command line: `--name value` pairs, nothing else.

use std::collections::HashMap;
use std::str::FromStr;

use crate::fault::Fault;

/// The pairs of one command line.
#[derive(Debug)]
pub struct Arguments(HashMap<String, String>);

impl Arguments {
    /// Read pairs; a name without a value, or a value without a name, is refused.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let mut pairs = HashMap::new();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| Fault::new(format!("{word} is no --name")))?
                .to_owned();
            let value = words
                .next()
                .ok_or_else(|| Fault::new(format!("--{name} has no value")))?;
            pairs.insert(name, value);
        }
        Ok(Self(pairs))
    }

    /// The value of a name that must be there.
    pub fn text(&self, name: &str) -> Result<&str, Fault> {
        self.optional(name)
            .ok_or_else(|| Fault::new(format!("--{name} is missing")))
    }

    /// The value of a name that may be there.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a name, parsed; the default when it is not there.
    pub fn parsed<T: FromStr>(&self, name: &str, default: T) -> Result<T, Fault> {
        self.optional(name).map_or(Ok(default), |value| {
            value
                .parse()
                .map_err(|_| Fault::new(format!("--{name} {value} cannot be read")))
        })
    }
}
