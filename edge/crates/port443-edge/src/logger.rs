//! The log of the program itself, on stderr or in a file: start, end, and errors of the host.
//!
//! All that concerns clients, sites and servers is an event of `edge_observe` instead.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _, stderr};
use std::os::unix::fs::PermissionsExt as _;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// Readable by owner and group only: lines contain file names and addresses.
const FILE_MODE: u32 = 0o640;
const DAY_S: u64 = 86_400;

static LOGGER: OnceLock<Logger> = OnceLock::new();

/// The level of a line, the most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
}

/// The format of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text,
}

/// What is logged, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logger {
    /// Less severe lines are not written.
    pub(crate) level: Level,
    /// A file instead of stderr. It is opened for each line, so that it can be rotated at any time.
    pub(crate) file: Option<PathBuf>,
    /// The format of a line.
    pub(crate) format: Format,
}

impl Logger {
    /// The defaults of the command line.
    pub(crate) const DEFAULT: Self = Self {
        level: Level::Info,
        file: None,
        format: Format::Json,
    };

    /// Make this the logger of the process. Fails if the file cannot be opened.
    pub(crate) fn install(self) -> Result<(), String> {
        if let Some(file) = &self.file {
            self.append(b"")
                .map_err(|error| format!("--log-file {}: {error}", file.display()))?;
            let previous = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                log(
                    Level::Error,
                    "edge_panicked",
                    [("cause", panic.to_string().into())],
                );
                previous(panic);
            }));
        }
        let _ = LOGGER.set(self);
        Ok(())
    }

    fn write(&self, line: &str) {
        // A closed pipe or a full disk must not stop the edge.
        if self.append(line.as_bytes()).is_err() {
            let _ = stderr().write_all(line.as_bytes());
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.file {
            None => stderr().write_all(bytes),
            Some(file) => open(file)?.write_all(bytes),
        }
    }
}

/// Open a file for appending. A new file gets [`FILE_MODE`], independent of the umask.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

impl Level {
    /// Parse a level. No line has the level `debug`, so it is the same as `info`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "error" => Some(Self::Error),
            "warning" => Some(Self::Warning),
            "info" | "debug" => Some(Self::Info),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl Format {
    /// Parse a format.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "json" => Some(Self::Json),
            "text" => Some(Self::Text),
            _ => None,
        }
    }

    fn line<const N: usize>(
        self,
        at_ms: u64,
        level: Level,
        event: &str,
        fields: [(&str, Value); N],
    ) -> String {
        match self {
            Self::Json => {
                let mut line = Map::new();
                line.insert("at_ms".into(), at_ms.into());
                line.insert("level".into(), level.as_str().into());
                line.insert("event".into(), event.into());
                line.extend(fields.map(|(name, value)| (name.to_owned(), value)));
                format!("{}\n", Value::Object(line))
            }
            Self::Text => {
                let head = format!("{} {} {event}", timestamp(at_ms), level.as_str());
                let fields = fields.map(|(name, value)| format!(" {name}={value}"));
                format!("{head}{}\n", fields.concat())
            }
        }
    }
}

/// Write a line: the event's name, in the past tense, and its fields.
pub(crate) fn log<const N: usize>(level: Level, event: &str, fields: [(&str, Value); N]) {
    let logger = LOGGER.get().unwrap_or(&Logger::DEFAULT);
    if level > logger.level {
        return;
    }
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let at_ms = u64::try_from(since_1970.as_millis()).unwrap_or(0);
    logger.write(&logger.format.line(at_ms, level, event, fields));
}

/// Format a time, in milliseconds since 1970, as in RFC 3339 in UTC, to the second.
fn timestamp(at_ms: u64) -> String {
    let seconds = at_ms / 1000;
    let (year, month, day) = date(seconds / DAY_S);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of the Gregorian calendar from the number of days since 1970-01-01.
fn date(mut day: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let days = |year| if is_leap(year) { 366 } else { 365 };
    while day >= days(year) {
        day -= days(year);
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(expected, timestamp(seconds * 1000));
        }
    }

    #[test]
    fn a_newline_in_a_field_is_escaped() {
        let fields = || [("cause", Value::from("a\nb"))];
        let line = |format: Format| format.line(1500, Level::Warning, "x_y", fields());
        assert_eq!(
            "{\"at_ms\":1500,\"cause\":\"a\\nb\",\"event\":\"x_y\",\"level\":\"warning\"}\n",
            line(Format::Json)
        );
        assert_eq!(
            "1970-01-01T00:00:01Z warning x_y cause=\"a\\nb\"\n",
            line(Format::Text)
        );
    }
}
