//! What one run of the load does, read from its command line.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use crate::arguments::Arguments;
use crate::channel::Channel;
use crate::exchange::{Allowance, Exchange};
use crate::fault::Fault;
use crate::tickets::Tickets;
use crate::trust::{Offer, client_config};
use crate::{h1, h2};

/// What becomes of a connection whose units are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It takes the next unit; all connections share the phase's units.
    Kept,
    /// It is closed, and another is opened for the next unit.
    Closed,
    /// It stays open and silent.
    Held,
}

/// What goes below the protocol.
#[derive(Debug)]
enum Below {
    Plain,
    Staged { hello: usize, flight: usize },
    Tls(Arc<ClientConfig>, ServerName<'static>, Arc<Tickets>),
}

/// What is said on a connection.
#[derive(Debug)]
enum Above {
    Http1(Rc<h1::Request>),
    Http2(Rc<h2::Request>),
}

/// One run.
#[derive(Debug)]
pub struct Plan {
    /// The proxy.
    pub address: SocketAddr,
    /// Connections at once.
    pub connections: usize,
    /// Connections that may be opening at once.
    pub opening: usize,
    /// What becomes of them.
    pub life: Life,
    /// How long the phase that is not counted begins work.
    pub warm_up: Duration,
    /// How long the counted phase begins work.
    pub time: Duration,
    /// Units that the counted phase begins at most.
    pub most: u64,
    below: Below,
    above: Above,
}

impl Plan {
    /// Read a plan from the command line.
    pub fn read(arguments: &Arguments) -> Result<Self, Fault> {
        let seconds = |name| arguments.parsed(name, 0.0).map(Duration::from_secs_f64);
        Ok(Self {
            address: arguments
                .text("address")?
                .parse()
                .map_err(|_| Fault::new("--address is no IP:PORT"))?,
            connections: arguments.parsed("connections", 1)?,
            opening: arguments.parsed("opening", usize::MAX)?,
            life: life(arguments)?,
            warm_up: seconds("warm-up-seconds")?,
            time: seconds("seconds")?,
            most: arguments.parsed("most", u64::MAX)?,
            below: below(arguments)?,
            above: above(arguments)?,
        })
    }

    /// Whether a connection of the next phase may find no ticket to resume with.
    #[must_use]
    pub fn lacks_tickets(&self) -> bool {
        let at_once = self.opening.min(self.connections);
        matches!(&self.below, Below::Tls(_, _, tickets) if tickets.lacks(at_once))
    }

    /// Start a connection's channel; a staged one's first bytes are appended to `wire`.
    pub fn channel(&self, wire: &mut Vec<u8>) -> Result<Channel, Fault> {
        Ok(match &self.below {
            Below::Plain => Channel::Plain,
            Below::Staged { hello, flight } => {
                wire.resize(wire.len() + hello, 0);
                Channel::Staged {
                    flight_left: *flight,
                }
            }
            Below::Tls(config, name, _) => {
                let tls = ClientConnection::new(config.clone(), name.clone())?;
                Channel::Tls(Box::new(tls))
            }
        })
    }

    /// Start a connection's protocol.
    #[must_use]
    pub fn exchange(&self) -> Box<dyn Exchange> {
        let allowance = match self.life {
            Life::Kept => Allowance::Shared,
            Life::Closed | Life::Held => Allowance::Granted(1),
        };
        match &self.above {
            Above::Http1(request) => Box::new(h1::Http1::new(request.clone(), allowance)),
            Above::Http2(request) => Box::new(h2::Http2::new(request.clone(), allowance)),
        }
    }
}

fn life(arguments: &Arguments) -> Result<Life, Fault> {
    match arguments.text("life")? {
        "kept" => Ok(Life::Kept),
        "closed" => Ok(Life::Closed),
        "held" => Ok(Life::Held),
        other => Err(Fault::new(format!(
            "--life {other} is not kept, closed or held"
        ))),
    }
}

fn below(arguments: &Arguments) -> Result<Below, Fault> {
    match arguments.text("below")? {
        "plain" => Ok(Below::Plain),
        "staged" => Ok(Below::Staged {
            hello: arguments.parsed("hello", 0)?,
            flight: arguments.parsed("flight", 0)?,
        }),
        "tls" => tls(arguments),
        other => Err(Fault::new(format!(
            "--below {other} is not plain, staged or tls"
        ))),
    }
}

fn tls(arguments: &Arguments) -> Result<Below, Fault> {
    let offer = Offer {
        suite: arguments.text("suite")?,
        group: arguments.text("group")?,
        alpn: match arguments.text("above")? {
            "h2" => "h2",
            _ => "http/1.1",
        },
    };
    let certificate = std::fs::read(arguments.text("certificate")?)?;
    let keep = arguments.optional("tickets") == Some("keep");
    let tickets = Arc::new(Tickets::new(keep));
    let name = ServerName::try_from(arguments.text("name")?.to_owned())
        .map_err(|_| Fault::new("--name is no host name"))?;
    Ok(Below::Tls(
        client_config(&offer, certificate, tickets.clone())?,
        name,
        tickets,
    ))
}

fn above(arguments: &Arguments) -> Result<Above, Fault> {
    let body = arguments.parsed("body", 0)?;
    let at_once = arguments.parsed("at-once", 1)?;
    match arguments.text("above")? {
        "h1" => Ok(Above::Http1(Rc::new(h1::Request {
            head: std::fs::read(arguments.text("head")?)?,
            upload: arguments.parsed("upload", 0)?,
            body,
            depth: at_once,
        }))),
        "h2" => Ok(Above::Http2(Rc::new(h2::Request {
            fields: fields(arguments)?,
            body,
            streams: at_once,
        }))),
        other => Err(Fault::new(format!("--above {other} is not h1 or h2"))),
    }
}

/// The request's fields by their indexes in HPACK's static table (RFC 7541 appendix A).
fn fields(arguments: &Arguments) -> Result<Vec<(u8, String)>, Fault> {
    const AUTHORITY: u8 = 1;
    const PATH: u8 = 4;
    const ACCEPT: u8 = 19;
    const USER_AGENT: u8 = 58;
    Ok(vec![
        (AUTHORITY, arguments.text("name")?.to_owned()),
        (PATH, arguments.text("path")?.to_owned()),
        (USER_AGENT, arguments.text("user-agent")?.to_owned()),
        (ACCEPT, "*/*".to_owned()),
    ])
}
