//! `port443-edge`, the data plane: runs one snapshot at a time, with or without a connected control plane.
//!
//! The program's main thread does everything but serve clients. It owns the control socket, the parts,
//! the boot copy, the listening sockets and the event log; the workers ([`edge_proxy`]) serve clients.
//!
//! | module | does |
//! |---|---|
//! | `program` | start, run, drain, end |
//! | `control` | the control socket: frames with descriptors in, `verbs::execute`, replies and event streams out |
//! | `edge` | the state of the main thread |
//! | `apply` | applies a snapshot: parts, `Running::build`, boot copy, swap, sockets |
//! | `part_store`, `served` | the stored parts, and the snapshot as it is served while sites are in quarantine |
//! | `boot`, `runtime_directory` | the boot copy, and the runtime directory that one edge locks |
//! | `sockets`, `descriptors`, `bind` | listening sockets: stored, passed over the control socket, or bound here |
//! | `drain` | drain and signals |
//! | `logger` | the log of the program; everything else is an event |
//!
//! No request on the control socket can crash the process. A worker that panics does end it, because
//! connections to that worker's sockets would never be accepted; the supervisor starts the program
//! again, and it boots from the boot copy.
//!
//! The program must not know settings, issuers or policy names: it is sent complete documents. It
//! parses neither HTTP nor TLS.
//!
//! Start at `program::run`, then `Edge::apply` in `apply.rs`.
#![forbid(unsafe_code)]

mod apply;
mod arguments;
mod bind;
mod boot;
mod control;
mod descriptors;
mod drain;
mod edge;
mod logger;
mod memory;
mod part_store;
mod program;
mod runtime_directory;
mod served;
mod sockets;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use tokio::runtime::{Builder, LocalOptions};

use arguments::{Arguments, Command, HELP};

/// The exit code of a failed start: a wrong option, or another edge in the same runtime directory.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    match arguments::parse(env::args_os().skip(1)) {
        Ok(Command::Help) => print(HELP),
        Ok(Command::Version) => print(concat!("port443-edge ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(arguments)) => run(&arguments),
        Err(message) => refuse(&message),
    }
}

fn run(arguments: &Arguments) -> ExitCode {
    let runtime = match Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
    {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&error.to_string()),
    };
    match runtime.block_on(program::run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => refuse(&message),
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(message: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "port443-edge: {message}");
    ExitCode::from(REFUSED)
}
