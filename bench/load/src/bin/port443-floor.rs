//! The machine's floor as a process: `port443-floor --listen IP:PORT --backend IP:PORT --request N …`.

use std::net::SocketAddr;
use std::process::ExitCode;

use bench_load::arguments::Arguments;
use bench_load::fault::Fault;
use bench_load::floor::{Relay, Shape};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("port443-floor: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Fault> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let shape = Shape {
        request: arguments.parsed("request", 0)?,
        response: arguments.parsed("response", 0)?,
        hello: arguments.parsed("hello", 0)?,
        flight: arguments.parsed("flight", 0)?,
        batch: arguments.parsed("batch", false)?,
    };
    if shape.request == 0 || shape.response == 0 {
        return Err(Fault::new(
            "--request and --response are lengths above zero",
        ));
    }
    Relay::new(
        address(&arguments, "listen")?,
        address(&arguments, "backend")?,
        shape,
    )?
    .run()
}

fn address(arguments: &Arguments, name: &str) -> Result<SocketAddr, Fault> {
    arguments
        .text(name)?
        .parse()
        .map_err(|_| Fault::new(format!("--{name} is no IP:PORT")))
}
