//! The requests of the control plane, one verb each, and the reply to an invalid one.

use std::net::SocketAddr;

use serde::Serialize;

use crate::error::Fault;
use crate::generated_documents::Root;
use crate::generated_values::ErrorCode;
use crate::generated_values::bounds::{
    DAY_MS, MAX_DESCRIPTORS, MAX_EXPECTED_PEERS, MAX_INTEGER, MAX_PUT_PARTS, MAX_WORKERS,
};
use crate::hash::Hash;
use crate::json::Json;
use crate::names::socket_address;
use crate::part::Part;
use crate::read::{Fields, hash, integer, list, nullable, text};

/// A request whose fields and documents are checked.
pub enum Request {
    /// Who are you, and what runs?
    Hello {
        /// The contract that the client speaks, when it says.
        contract: Option<u64>,
    },
    /// Store parts.
    Put {
        /// The parts and their hashes, in the order of the request.
        parts: Vec<(Hash, Part)>,
    },
    /// Run a snapshot.
    Apply(Box<Apply>),
    /// Add the listening sockets that were sent with this frame.
    Sockets {
        /// The names of the descriptors, in their order.
        sockets: Vec<SocketName>,
    },
    /// Send duplicates of the listening sockets.
    TakeSockets {
        /// The number of sockets to skip: those that were sent already.
        after: u64,
    },
    /// Do not count the next handshake from each of these addresses as a client's.
    Expect {
        /// The local addresses of the control plane's connections.
        peers: Vec<SocketAddr>,
    },
    /// Send all counters.
    Stats,
    /// Send events until the connection is closed.
    Events {
        /// The number of the last event that the client has.
        since: u64,
    },
    /// Close all connections gracefully and end the process.
    Drain {
        /// The time for open connections, in milliseconds.
        timeout_ms: u64,
    },
    /// End the process now.
    Stop,
}

/// The fields of an `apply`.
pub struct Apply {
    /// The root document of the snapshot.
    pub root: Root,
    /// Its hash.
    pub hash: Hash,
    /// The epoch of the control plane.
    pub epoch: u64,
    /// The hash of the snapshot that the control plane takes to be running.
    pub base: Option<Hash>,
}

/// The listener and worker of a listening socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SocketName {
    /// The listener's id.
    pub listener: String,
    /// The worker that accepts from it.
    pub worker: usize,
}

impl Request {
    /// Decode and check a request.
    pub fn decode(frame: &[u8]) -> Result<Self, Fault> {
        let json = Json::decode(frame)?;
        let as_json = |fault: Fault| fault.with_code(ErrorCode::BadJson);
        let mut fields = Fields::of(json).map_err(as_json)?;
        let verb = fields.take("verb", text).map_err(bad_request)?;
        let request = Self::of_verb(&verb, &mut fields)?;
        fields.finish().map_err(bad_request)?;
        Ok(request)
    }

    fn of_verb(verb: &str, fields: &mut Fields) -> Result<Self, Fault> {
        match verb {
            "hello" => Self::hello(fields).map_err(bad_request),
            "put" => Self::put(fields),
            "apply" => Self::apply(fields),
            "sockets" => Self::sockets(fields).map_err(bad_request),
            "take_sockets" => Self::take_sockets(fields).map_err(bad_request),
            "expect" => Self::expect(fields).map_err(bad_request),
            "stats" => Ok(Self::Stats),
            "events" => Self::events(fields).map_err(bad_request),
            "drain" => Self::drain(fields).map_err(bad_request),
            "stop" => Ok(Self::Stop),
            _ => Err(Fault::new(ErrorCode::UnknownVerb, "unknown verb")),
        }
    }

    fn hello(fields: &mut Fields) -> Result<Self, Fault> {
        let contract = fields.take_optional("contract", integer(0..=MAX_INTEGER))?;
        Ok(Self::Hello { contract })
    }

    fn put(fields: &mut Fields) -> Result<Self, Fault> {
        let raw = fields
            .take("parts", list(0..=MAX_PUT_PARTS, Ok))
            .map_err(bad_request)?;
        let part =
            |(index, json)| Part::from_json(json).map_err(|fault| fault.at(index).under("parts"));
        let parts = raw
            .into_iter()
            .enumerate()
            .map(part)
            .collect::<Result<_, _>>()?;
        Ok(Self::Put { parts })
    }

    fn apply(fields: &mut Fields) -> Result<Self, Fault> {
        let epoch = fields
            .take("epoch", integer(0..=MAX_INTEGER))
            .map_err(bad_request)?;
        let base = fields.take("base", nullable(hash)).map_err(bad_request)?;
        let raw = fields.take("root", Ok).map_err(bad_request)?;
        // The path of a fault in the root starts at the root, not at the request.
        let (hash, root) = Root::from_json(raw)?;
        Ok(Self::Apply(Box::new(Apply {
            root,
            hash,
            epoch,
            base,
        })))
    }

    fn sockets(fields: &mut Fields) -> Result<Self, Fault> {
        let sockets = fields.take("sockets", list(0..=MAX_DESCRIPTORS, SocketName::read))?;
        Ok(Self::Sockets { sockets })
    }

    fn take_sockets(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self::TakeSockets {
            after: fields.take("after", integer(0..=MAX_INTEGER))?,
        })
    }

    fn expect(fields: &mut Fields) -> Result<Self, Fault> {
        let peers = fields.take("peers", list(1..=MAX_EXPECTED_PEERS, socket_address))?;
        Ok(Self::Expect { peers })
    }

    fn events(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self::Events {
            since: fields.take("since", integer(0..=MAX_INTEGER))?,
        })
    }

    fn drain(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self::Drain {
            timeout_ms: fields.take("timeout_ms", integer(0..=DAY_MS))?,
        })
    }
}

fn bad_request(fault: Fault) -> Fault {
    fault.with_code(ErrorCode::BadRequest)
}

impl SocketName {
    fn read(json: Json) -> Result<Self, Fault> {
        let mut fields = Fields::of(json)?;
        let listener = fields.take("listener", crate::names::id)?;
        let worker = fields.take("worker", integer(0..=MAX_WORKERS as u64 - 1))?;
        fields.finish()?;
        let worker = usize::try_from(worker).map_err(|_| Fault::document("is not a worker"))?;
        Ok(Self { listener, worker })
    }
}

/// The reply to an invalid request.
#[derive(Serialize)]
pub struct ErrorReply {
    error: ErrorBody,
}

#[derive(Serialize)]
struct ErrorBody {
    code: &'static str,
    name: &'static str,
    path: String,
    message: String,
}

impl From<Fault> for ErrorReply {
    fn from(fault: Fault) -> Self {
        let message = fault.to_string();
        let (code, name) = (fault.code.code(), fault.code.name());
        Self {
            error: ErrorBody {
                code,
                name,
                path: fault.path,
                message,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(request: &str) -> Fault {
        Request::decode(request.as_bytes()).err().unwrap()
    }

    /// Each error has a code and a path.
    #[test]
    fn errors_have_a_code_and_a_path() {
        for (request, code, path) in [
            ("", ErrorCode::BadJson, ""),
            ("[]", ErrorCode::BadJson, ""),
            ("{\"verb\":\"hello\"", ErrorCode::BadJson, ""),
            (r#"{"verb":"stop","verb":"hello"}"#, ErrorCode::BadJson, ""),
            ("{}", ErrorCode::BadRequest, "verb"),
            (r#"{"verb":1}"#, ErrorCode::BadRequest, "verb"),
            (r#"{"verb":"dance"}"#, ErrorCode::UnknownVerb, ""),
            (
                r#"{"verb":"stats","more":1}"#,
                ErrorCode::BadRequest,
                "more",
            ),
            (
                r#"{"verb":"events","since":-1}"#,
                ErrorCode::BadRequest,
                "since",
            ),
            (r#"{"verb":"put"}"#, ErrorCode::BadRequest, "parts"),
            (
                r#"{"verb":"expect","peers":["127.0.0.1"]}"#,
                ErrorCode::BadRequest,
                "peers[0]",
            ),
            (
                r#"{"verb":"put","parts":[{"kind":"cake"}]}"#,
                ErrorCode::DocumentInvalid,
                "parts[0].kind",
            ),
            (
                r#"{"verb":"apply","epoch":1,"base":null}"#,
                ErrorCode::BadRequest,
                "root",
            ),
            (
                r#"{"verb":"apply","epoch":1,"base":null,"root":{}}"#,
                ErrorCode::DocumentInvalid,
                "contract",
            ),
            (
                r#"{"verb":"sockets","sockets":[{"listener":"a"}]}"#,
                ErrorCode::BadRequest,
                "sockets[0].worker",
            ),
            (
                r#"{"verb":"sockets","sockets":[{"listener":"a","worker":1024}]}"#,
                ErrorCode::BadRequest,
                "sockets[0].worker",
            ),
        ] {
            let fault = refused(request);
            assert_eq!((code, path), (fault.code, fault.path.as_str()), "{request}");
        }
    }

    /// Workers are numbered from 0, so the last one is `MAX_WORKERS` - 1.
    #[test]
    fn the_last_worker_is_accepted() {
        let request = r#"{"verb":"sockets","sockets":[{"listener":"a","worker":1023}]}"#;
        assert!(Request::decode(request.as_bytes()).is_ok());
    }

    /// An error reply has the code, name and path.
    #[test]
    fn error_replies_have_code_name_and_path() {
        let reply = ErrorReply::from(refused(r#"{"verb":"events","since":true}"#));
        let expected = concat!(
            r#"{"error":{"code":"P443-E354","name":"bad_request","path":"since","#,
            r#""message":"since: must be an integer, not a boolean"}}"#
        );
        assert_eq!(expected, serde_json::to_string(&reply).unwrap());
    }
}
