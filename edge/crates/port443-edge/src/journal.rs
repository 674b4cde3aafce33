//! What the operator reads: a few lines, on stderr or in a file. Everything else is an event.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _, stderr};
use std::os::unix::fs::PermissionsExt as _;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

/// Lines may name the operator's files and addresses: for our user and group alone.
const FILE_MODE: u32 = 0o640;
const DAY_S: u64 = 86_400;

static JOURNAL: OnceLock<Journal> = OnceLock::new();

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
    Info,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Text,
}

/// What is written, where to, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Journal {
    /// Lines that matter less are left out.
    pub(crate) level: Level,
    /// A file in place of stderr; opened for each line, so that it may be moved away at any time.
    pub(crate) file: Option<PathBuf>,
    /// The form of a line.
    pub(crate) format: Format,
}

impl Journal {
    /// What holds unless something else is said.
    pub(crate) const STANDARD: Self = Self {
        level: Level::Info,
        file: None,
        format: Format::Json,
    };

    /// Write like this from now on; an error says why that cannot be.
    pub(crate) fn begin(self) -> Result<(), String> {
        if let Some(file) = &self.file {
            self.append(b"")
                .map_err(|error| format!("--log-file {}: {error}", file.display()))?;
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                say(
                    Level::Error,
                    "edge_panicked",
                    [("cause", panic.to_string().into())],
                );
                told(panic);
            }));
        }
        let _ = JOURNAL.set(self);
        Ok(())
    }

    fn write(&self, line: &str) {
        // The reader may be gone; the edge goes on without one.
        if self.append(line.as_bytes()).is_err() {
            let _ = stderr().write_all(line.as_bytes());
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.file {
            None => stderr().write_all(bytes),
            Some(file) => opened(file)?.write_all(bytes),
        }
    }
}

/// Open a file to append to it; one that is made anew gets its mode whatever the umask is.
fn opened(path: &Path) -> io::Result<File> {
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
    /// Read a level's name; `debug` has no lines of its own.
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
    /// Read a format's name.
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
        particulars: [(&str, Value); N],
    ) -> String {
        match self {
            Self::Json => {
                let mut line = Map::new();
                line.insert("at_ms".into(), at_ms.into());
                line.insert("level".into(), level.as_str().into());
                line.insert("event".into(), event.into());
                line.extend(particulars.map(|(name, value)| (name.to_owned(), value)));
                format!("{}\n", Value::Object(line))
            }
            Self::Text => {
                let head = format!("{} {} {event}", moment(at_ms), level.as_str());
                let fields = particulars.map(|(name, value)| format!(" {name}={value}"));
                format!("{head}{}\n", fields.concat())
            }
        }
    }
}

/// Say that something happened, in the past tense, with its particulars.
pub(crate) fn say<const N: usize>(level: Level, event: &str, particulars: [(&str, Value); N]) {
    let journal = JOURNAL.get().unwrap_or(&Journal::STANDARD);
    if level > journal.level {
        return;
    }
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let at_ms = u64::try_from(since_1970.as_millis()).unwrap_or(0);
    journal.write(&journal.format.line(at_ms, level, event, particulars));
}

/// A moment of UTC as RFC 3339 has it, to the second.
fn moment(at_ms: u64) -> String {
    let seconds = at_ms / 1000;
    let (year, month, day) = date(seconds / DAY_S);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date that is so many days after the first of 1970, in the Gregorian calendar.
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
    fn a_moment_has_its_date() {
        for (seconds, told) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(told, moment(seconds * 1000));
        }
    }

    #[test]
    fn a_line_has_its_level_and_stays_one() {
        let particulars = || [("cause", Value::from("a\nb"))];
        let line = |format: Format| format.line(1500, Level::Warning, "x_y", particulars());
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
