//! Load one proxy: `port443-load --name value …`; whoever measures is told when, and says when.
//!
//! It warms up, says `warm …` and waits for a line; does the counted work, says `done …` and waits for
//! the end of its input; says `held lost=…` when its connections were to stay open. A run that proves
//! nothing ends with `failed …` instead.

use std::io::{Write, stdin, stdout};
use std::process::ExitCode;
use std::time::Duration;

use bench_load::arguments::Arguments;
use bench_load::fault::Fault;
use bench_load::plan::{Life, Plan};
use bench_load::reactor::Reactor;
use bench_load::tally::Tally;

const MORE_WARM_UPS: usize = 20;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Whoever does not read any more has ended this run.
            let _ = say(&format!("failed {fault}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Fault> {
    let plan = Plan::read(&Arguments::read(std::env::args().skip(1))?)?;
    let mut reactor = Reactor::new(&plan)?;
    say(&warm_up(&plan, &mut reactor)?.line("warm"))?;
    if stdin().read_line(&mut String::new())? == 0 {
        return Ok(());
    }
    let mut counted = Tally::new(plan.time, plan.most);
    reactor.run(&mut counted)?;
    say(&counted.line("done"))?;
    while stdin().read_line(&mut String::new())? > 0 {}
    if plan.life == Life::Held {
        say(&format!("held lost={}", reactor.lost()))?;
    }
    Ok(())
}

/// Do work that is not counted: until each connection has a ticket, where the counted ones resume. A server
/// that gives too few is found by what is counted.
fn warm_up(plan: &Plan, reactor: &mut Reactor<'_>) -> Result<Tally, Fault> {
    let mut tally = Tally::new(plan.warm_up, u64::MAX);
    if plan.warm_up > Duration::ZERO {
        reactor.run(&mut tally)?;
        for _ in 0..MORE_WARM_UPS {
            if !plan.lacks_tickets() {
                break;
            }
            tally = Tally::new(plan.warm_up, u64::MAX);
            reactor.run(&mut tally)?;
        }
    }
    Ok(tally)
}

fn say(line: &str) -> Result<(), Fault> {
    writeln!(stdout(), "{line}")?;
    stdout().flush()?;
    Ok(())
}
