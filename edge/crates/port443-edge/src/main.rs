//! `port443-edge`, the data plane: runs one snapshot at a time, and goes on with it when no control plane
//! is connected.
//!
//! The program's main thread does everything but serve clients. It owns the control socket, the parts,
//! the boot copy, the listening sockets and the event log; its workers ([`edge_proxy`]) serve.
//!
//! | module | does |
//! |---|---|
//! | `program` | start, run, end: the order of everything |
//! | `control` | the control socket: frames with descriptors in, `verbs::answer`, replies and event streams out |
//! | `edge` | the state of the main thread, as the verbs see it |
//! | `apply` | takes a snapshot over: parts, `Running::build`, boot copy, swap, sockets |
//! | `part_store`, `served` | the parts that are held, and the snapshot as it is served while sites are in quarantine |
//! | `boot`, `place` | the boot copy, and the runtime directory that one edge owns |
//! | `listening`, `descriptors`, `bind` | sockets: held, passed over the control socket, or bound here |
//! | `ending` | drain and signals |
//! | `journal` | the few lines for the operator; everything else is an event |
//!
//! Nothing that comes over the control socket ends the process. A worker that panics does, because the
//! connections of its sockets would wait for ever; its supervisor starts it again, and it boots
//! from its copy.
//!
//! The program must not know settings, issuers or policy names: it gets finished documents. It parses no
//! HTTP and no TLS itself.
//!
//! Start at `program::run`, then `Edge::apply` in `apply.rs`.
#![forbid(unsafe_code)]

mod apply;
mod arguments;
mod bind;
mod boot;
mod control;
mod descriptors;
mod edge;
mod ending;
mod journal;
mod listening;
mod memory;
mod part_store;
mod place;
mod program;
mod served;

use std::env;
use std::io::Write as _;
use std::process::ExitCode;

use tokio::runtime::{Builder, LocalOptions};

use arguments::{Arguments, Command, HELP};

/// The exit code for a start that cannot be: wrong options, or another edge in the same place.
const REFUSED: u8 = 2;

fn main() -> ExitCode {
    match arguments::parse(env::args_os().skip(1)) {
        Ok(Command::Help) => print(HELP),
        Ok(Command::Version) => print(concat!("port443-edge ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(arguments)) => run(&arguments),
        Err(sentence) => refuse(&sentence),
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
        Err(sentence) => refuse(&sentence),
    }
}

fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(sentence: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "port443-edge: {sentence}");
    ExitCode::from(REFUSED)
}
