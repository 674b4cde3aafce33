//! What the control plane asks for, one verb a request, and how a refusal is written.

use serde::Serialize;

use crate::error::Fault;
use crate::generated_documents::Root;
use crate::generated_messages::{Drain, Events, Expect, Sockets, TakeSockets};
use crate::generated_values::bounds::{MAX_INTEGER, MAX_PUT_PARTS};
use crate::generated_values::{ErrorCode, Verb};
use crate::hash::Hash;
use crate::json::Json;
use crate::part::Part;
use crate::read::{Fields, hash, integer, list, nullable, text};

/// One request, checked; the documents inside are checked too. What each asks for is said by [`Verb`].
#[allow(missing_docs, reason = "each is the verb of its name")]
pub enum Request {
    Identify,
    Put {
        /// Parts and their hashes, in the order of the request.
        parts: Vec<(Hash, Part)>,
    },
    Apply(Box<Apply>),
    Sockets(Sockets),
    TakeSockets(TakeSockets),
    Expect(Expect),
    Stats,
    Events(Events),
    Drain(Drain),
    Stop,
}

/// The fields of an `apply`.
pub struct Apply {
    /// The snapshot.
    pub root: Root,
    /// Its name.
    pub hash: Hash,
    /// The lease of the control plane that asks.
    pub epoch: u64,
    /// What it believes to be running.
    pub base: Option<Hash>,
}

impl Request {
    /// Read and check a request.
    pub fn decode(frame: &[u8]) -> Result<Self, Fault> {
        let json = Json::decode(frame)?;
        let as_json = |fault: Fault| fault.with_code(ErrorCode::BadJson);
        let mut fields = Fields::of(json).map_err(as_json)?;
        let name = fields.take("verb", text).map_err(bad_request)?;
        let unknown = || Fault::new(ErrorCode::UnknownVerb, "the edge knows no such verb");
        let verb = Verb::parse(&name).ok_or_else(unknown)?;
        let request = Self::of_verb(verb, &mut fields)?;
        fields.finish().map_err(bad_request)?;
        Ok(request)
    }

    fn of_verb(verb: Verb, fields: &mut Fields) -> Result<Self, Fault> {
        let request = match verb {
            Verb::Put => return Self::put(fields),
            Verb::Apply => return Self::apply(fields),
            Verb::Identify => Ok(Self::Identify),
            Verb::Sockets => Sockets::read(fields).map(Self::Sockets),
            Verb::TakeSockets => TakeSockets::read(fields).map(Self::TakeSockets),
            Verb::Expect => Expect::read(fields).map(Self::Expect),
            Verb::Stats => Ok(Self::Stats),
            Verb::Events => Events::read(fields).map(Self::Events),
            Verb::Drain => Drain::read(fields).map(Self::Drain),
            Verb::Stop => Ok(Self::Stop),
        };
        request.map_err(bad_request)
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
        // Its fields are its own: a fault names its place inside the document.
        let (hash, root) = Root::from_json(raw)?;
        Ok(Self::Apply(Box::new(Apply {
            root,
            hash,
            epoch,
            base,
        })))
    }
}

fn bad_request(fault: Fault) -> Fault {
    fault.with_code(ErrorCode::BadRequest)
}

/// A refusal, as it goes into a frame.
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

    /// Each way to be wrong has its own name and place.
    #[test]
    fn refusals_name_the_cause() {
        for (request, code, path) in [
            ("", ErrorCode::BadJson, ""),
            ("[]", ErrorCode::BadJson, ""),
            ("{\"verb\":\"identify\"", ErrorCode::BadJson, ""),
            (
                r#"{"verb":"stop","verb":"identify"}"#,
                ErrorCode::BadJson,
                "",
            ),
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

    /// Workers count from 0, so that the last one's number is one less than their most.
    #[test]
    fn the_last_worker_is_known() {
        let request = r#"{"verb":"sockets","sockets":[{"listener":"a","worker":1023}]}"#;
        assert!(Request::decode(request.as_bytes()).is_ok());
    }

    /// A refusal is written with its code, name and place.
    #[test]
    fn refusals_are_written() {
        let reply = ErrorReply::from(refused(r#"{"verb":"events","since":true}"#));
        let expected = concat!(
            r#"{"error":{"code":"P443-E354","name":"bad_request","path":"since","#,
            r#""message":"since: must be an integer, not a boolean"}}"#
        );
        assert_eq!(expected, serde_json::to_string(&reply).unwrap());
    }
}
