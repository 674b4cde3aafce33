//! The command line: a few options, so no library for it.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use edge_contract::bounds::MAX_WORKERS;

use crate::journal::{Format, Journal, Level};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
port443-edge: the data plane of port443; `port443 serve` starts it and tells it what to run

usage: port443-edge --runtime DIR [--workers N] [--bind] [--log-level LEVEL] [--log-file FILE] [--log-format FORMAT]
       port443-edge --version | --help

  --runtime DIR  the directory for its socket and boot copy, of this user alone, in memory
  --workers N    threads that serve connections; one per core unless said
  --bind         bind the listeners of the boot copy itself, when nobody hands sockets over
  --log-level LEVEL    the least that is worth a line: error, warning or info (the default)
  --log-file FILE      write there and not to stderr; it may be moved away at any time, and is made anew
  --log-format FORMAT  json (the default) or text
";

/// What the program was asked to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print how it is used.
    Help,
    /// Print the version.
    Version,
    /// Serve.
    Run(Arguments),
}

/// How to serve.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Where the socket and the boot copy lie.
    pub(crate) runtime: PathBuf,
    /// How many threads serve connections.
    pub(crate) workers: usize,
    /// Whether to bind the boot copy's listeners.
    pub(crate) bind: bool,
    /// What is logged, where to, and in which form.
    pub(crate) journal: Journal,
}

/// Read the command line, without the program's name; a mistake is one sentence.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut words = words.into_iter();
    let mut runtime = None;
    let mut workers = available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(MAX_WORKERS);
    let mut bind = false;
    let mut journal = Journal::STANDARD;
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--help" | "-h") => return Ok(Command::Help),
            Some("--version" | "-V") => return Ok(Command::Version),
            Some("--bind") => bind = true,
            Some("--runtime") => runtime = Some(PathBuf::from(value(&mut words, "--runtime DIR")?)),
            Some("--log-file") => {
                journal.file = Some(PathBuf::from(value(&mut words, "--log-file FILE")?));
            }
            Some("--log-level") => {
                let wanted = "--log-level takes error, warning, info or debug";
                journal.level = one_of(&value(&mut words, wanted)?, Level::parse, wanted)?;
            }
            Some("--log-format") => {
                let wanted = "--log-format takes json or text";
                journal.format = one_of(&value(&mut words, wanted)?, Format::parse, wanted)?;
            }
            Some("--workers") => workers = count(&value(&mut words, "--workers N")?)?,
            _ => {
                return Err(format!(
                    "{} is no option of port443-edge; see --help",
                    word.display()
                ));
            }
        }
    }
    let runtime = runtime.ok_or("--runtime DIR is missing; see --help")?;
    Ok(Command::Run(Arguments {
        runtime,
        workers,
        bind,
        journal,
    }))
}

fn one_of<T>(
    word: &OsString,
    parse: impl Fn(&str) -> Option<T>,
    wanted: &str,
) -> Result<T, String> {
    word.to_str()
        .and_then(parse)
        .ok_or_else(|| wanted.to_owned())
}

fn value(words: &mut impl Iterator<Item = OsString>, option: &str) -> Result<OsString, String> {
    words
        .next()
        .ok_or_else(|| format!("{option}: the value is missing"))
}

fn count(word: &OsString) -> Result<usize, String> {
    let number = word.to_str().and_then(|word| word.parse().ok());
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
            journal: Journal {
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

    /// A mistake is named, and nothing is started.
    #[test]
    fn mistakes_are_named() {
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
            let sentence = read(line).unwrap_err();
            assert!(sentence.contains(cause), "{line}: {sentence}");
        }
    }
}
