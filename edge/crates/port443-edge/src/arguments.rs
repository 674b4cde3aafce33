//! The command line. Parsed by hand: it has few options and no subcommands.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use edge_contract::bounds::MAX_WORKERS;

use crate::logger::{Format, Level, Logger};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
port443-edge: the data plane of port443, started and configured by `port443 serve`

usage: port443-edge --runtime DIR [--workers N] [--bind] [--log-level LEVEL] [--log-file FILE] [--log-format FORMAT]
       port443-edge --version | --help

  --runtime DIR  directory for the control socket and the boot copy; private to this user, best in memory
  --workers N    threads that serve connections; default: one per core
  --bind         bind the listeners of the boot copy, for a start without a control plane
  --log-level LEVEL    lowest level that is logged: error, warning or info (the default)
  --log-file FILE      log to FILE instead of stderr; FILE is created again after it was moved away
  --log-format FORMAT  json (the default) or text
";

/// A parsed command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the usage.
    Help,
    /// Print the version.
    Version,
    /// Run the edge.
    Run(Arguments),
}

/// The options of [`Command::Run`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The directory of the control socket and the boot copy.
    pub(crate) runtime: PathBuf,
    /// The number of threads that serve connections.
    pub(crate) workers: usize,
    /// Whether to bind the boot copy's listeners.
    pub(crate) bind: bool,
    /// The log of the program.
    pub(crate) logger: Logger,
}

/// Parse the command line without the program's name. The error is one message for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut arguments = arguments.into_iter();
    let mut runtime = None;
    let mut workers = available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(MAX_WORKERS);
    let mut bind = false;
    let mut logger = Logger::DEFAULT;
    while let Some(argument) = arguments.next() {
        match argument.to_str() {
            Some("--help" | "-h") => return Ok(Command::Help),
            Some("--version" | "-V") => return Ok(Command::Version),
            Some("--bind") => bind = true,
            Some("--runtime") => {
                runtime = Some(PathBuf::from(value(&mut arguments, "--runtime DIR")?));
            }
            Some("--log-file") => {
                logger.file = Some(PathBuf::from(value(&mut arguments, "--log-file FILE")?));
            }
            Some("--log-level") => {
                let expected = "--log-level takes error, warning, info or debug";
                logger.level = one_of(&value(&mut arguments, expected)?, Level::parse, expected)?;
            }
            Some("--log-format") => {
                let expected = "--log-format takes json or text";
                logger.format = one_of(&value(&mut arguments, expected)?, Format::parse, expected)?;
            }
            Some("--workers") => workers = count(&value(&mut arguments, "--workers N")?)?,
            _ => {
                return Err(format!("unknown option {}; see --help", argument.display()));
            }
        }
    }
    let runtime = runtime.ok_or("--runtime DIR is missing; see --help")?;
    Ok(Command::Run(Arguments {
        runtime,
        workers,
        bind,
        logger,
    }))
}

fn one_of<T>(
    argument: &OsString,
    parse: impl Fn(&str) -> Option<T>,
    expected: &str,
) -> Result<T, String> {
    argument
        .to_str()
        .and_then(parse)
        .ok_or_else(|| expected.to_owned())
}

fn value(arguments: &mut impl Iterator<Item = OsString>, option: &str) -> Result<OsString, String> {
    arguments
        .next()
        .ok_or_else(|| format!("{option}: missing value"))
}

fn count(argument: &OsString) -> Result<usize, String> {
    let number = argument.to_str().and_then(|argument| argument.parse().ok());
    number
        .filter(|number| (1..=MAX_WORKERS).contains(number))
        .ok_or_else(|| format!("--workers takes a number from 1 to {MAX_WORKERS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    /// All options are understood together.
    #[test]
    fn options_are_read() {
        let expected = Arguments {
            runtime: PathBuf::from("/run/x"),
            workers: 3,
            bind: true,
            logger: Logger {
                level: Level::Warning,
                file: Some(PathBuf::from("/var/log/edge.log")),
                format: Format::Text,
            },
        };
        assert_eq!(
            Ok(Command::Run(expected)),
            read(
                "--bind --workers 3 --runtime /run/x --log-level warning --log-file /var/log/edge.log \
                 --log-format text"
            )
        );
        assert_eq!(Ok(Command::Version), read("--version"));
        assert_eq!(Ok(Command::Help), read("--runtime /run/x -h"));
    }

    /// The message of a wrong command line names the option or the allowed values.
    #[test]
    fn errors_name_the_option() {
        for (line, cause) in [
            ("", "--runtime"),
            ("--runtime", "missing"),
            ("--runtime /x --workers 0", "1 to 1024"),
            ("--runtime /x --workers two", "1 to 1024"),
            ("--runtime /x --speed 9", "--speed"),
            (
                "--runtime /x --log-level loud",
                "error, warning, info or debug",
            ),
            ("--runtime /x --log-format xml", "json or text"),
            ("--runtime /x --log-file", "missing"),
        ] {
            let message = read(line).unwrap_err();
            assert!(message.contains(cause), "{line}: {message}");
        }
    }
}
