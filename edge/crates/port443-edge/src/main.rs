//! port443-edge: serves what it is told over its control socket, and goes on when nobody tells.
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
