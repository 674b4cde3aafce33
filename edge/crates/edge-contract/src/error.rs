//! What the edge answers when it refuses: a stable code, the place, and the cause.

use std::fmt;

macro_rules! error_codes {
    ($($variant:ident $code:literal $name:literal $promise:literal)*) => {
        /// A refusal's stable name; the same list as `contract/errors.json`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrorCode { $(#[doc = $promise] $variant,)* }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code that `port443 explain` takes.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The name, in `snake_case`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

error_codes! {
    BadJson "P443-E350" "bad_json" "A frame held no JSON object."
    BadFrame "P443-E351" "bad_frame" "A frame was cut off in its middle."
    FrameTooLong "P443-E352" "frame_too_long" "A frame announced more than 64 MiB."
    UnknownVerb "P443-E353" "unknown_verb" "The edge knows no such verb."
    BadRequest "P443-E354" "bad_request" "A field of the request is missing, unknown or of the wrong type."
    DocumentInvalid "P443-E355" "document_invalid" "A document broke a rule of the contract."
    FdCountWrong "P443-E356" "fd_count_wrong" "More or fewer file descriptors came than were listed."
    FdKindWrong "P443-E357" "fd_kind_wrong" "A file descriptor is no listening TCP socket."
    StaleEpoch "P443-E358" "stale_epoch" "A newer control plane has taken over."
    StaleBase "P443-E359" "stale_base" "Another snapshot runs than the control plane believes."
    ContractDiffers "P443-E360" "contract_differs" "The two programs speak different contracts."
    Internal "P443-E361" "internal" "The edge failed at something that is not the client's fault."
    TooManyClients "P443-E362" "too_many_clients" "The control socket serves no more clients at once."
    Draining "P443-E363" "draining" "The edge is ending and takes nothing new."
}

/// A refusal: its code, the JSON path of the place (`servers[0].port`), and the cause in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The stable code.
    pub code: ErrorCode,
    /// The place inside the document or request; empty for the whole.
    pub path: String,
    /// The cause, without the place.
    pub message: String,
}

impl Fault {
    /// A fault of the whole, for any reason but a broken document.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            path: String::new(),
            message: message.into(),
        }
    }

    /// A broken rule of a document; its place is added on the way up.
    pub(crate) fn document(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::DocumentInvalid, message)
    }

    /// The same fault, seen from the object that holds the place under `prefix`.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => prefix.to_owned(),
            inner if inner.starts_with('[') => format!("{prefix}{inner}"),
            inner => format!("{prefix}.{inner}"),
        };
        self
    }

    /// The same fault, seen from the list that holds the place at `index`.
    pub(crate) fn at(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    /// The same place and cause under another code.
    pub(crate) fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            formatter.write_str(&self.message)
        } else {
            write!(formatter, "{}: {}", self.path, self.message)
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The enum and `contract/errors.json` are one list.
    #[test]
    fn codes_are_the_contracts() {
        let text = include_str!("../../../../contract/errors.json");
        let listed: BTreeMap<String, BTreeMap<String, String>> =
            serde_json::from_str(text).unwrap();
        let ours: BTreeMap<_, _> = ErrorCode::ALL
            .iter()
            .map(|code| (code.code().to_owned(), code.name()))
            .collect();
        let theirs: BTreeMap<_, _> = listed
            .iter()
            .map(|(code, entry)| (code.clone(), entry["name"].as_str()))
            .collect();
        assert_eq!(theirs, ours);
        assert!(listed.values().all(|entry| entry["explain"].len() > 40));
    }

    /// A place is spelled as one would write it in code.
    #[test]
    fn paths_read_like_code() {
        let fault = Fault::document("is wrong")
            .under("port")
            .at(0)
            .under("servers")
            .at(3);
        assert_eq!("[3].servers[0].port", fault.path);
        assert_eq!(
            "parts[3].servers[0].port: is wrong",
            fault.under("parts").to_string()
        );
    }
}
