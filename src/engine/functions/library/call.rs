//! One call of a function of ours: its arguments, and what it may answer.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use parking_lot::Mutex;
use rusqlite::{
    Connection, Error,
    functions::{Context, FunctionFlags},
    types::{ToSql, ToSqlOutput, Type, Value, ValueRef},
};
use rust_decimal::Decimal;

use super::kept::{self, Held, Kept, Room};
use crate::{
    engine::{
        functions::{Words, interrupted, poll, refused, too_big},
        limits::{Stop, Watch},
        value::push_real,
    },
    variable::{Locale, cut, format::NumberFormat, number::parse_number},
};

/// Values up to here are worked on without asking the watch.
pub(super) const PIECE: usize = 64 * 1024;

/// What SQLite calls a text that is known to be JSON.
const JSON: u32 = b'J' as u32;

/// What functions know of the script that calls them.
#[derive(Debug)]
pub(in crate::engine) struct Host {
    pub(in crate::engine) watch: Arc<Watch>,
    /// The workspace's time zone and phone region.
    pub(in crate::engine) locale: Locale,
    /// The input counts days from 1904-01-01, which it may say only when it is read.
    counts_from_1904: AtomicBool,
    /// Of all SQL so far: the functions that whoever reads the script's tables needs.
    pub(in crate::engine) words: Mutex<Words>,
    kept: Mutex<Kept>,
    room: Room,
}

impl Host {
    pub(in crate::engine) fn new(watch: Arc<Watch>, locale: Locale) -> Self {
        Self {
            watch,
            locale,
            counts_from_1904: AtomicBool::new(locale.excel_1904),
            words: Mutex::default(),
            kept: Mutex::default(),
            room: Room::default(),
        }
    }

    /// From now on the input counts days from 1904-01-01.
    pub(in crate::engine) fn count_from_1904(&self) {
        self.counts_from_1904.store(true, Ordering::Relaxed);
    }

    /// What the formats leave open, also for days of workbooks.
    pub(in crate::engine) fn locale_of_input(&self) -> Locale {
        Locale { excel_1904: self.counts_from_1904.load(Ordering::Relaxed), ..self.locale }
    }
}

/// The arguments of one call.
pub(super) struct Call<'a> {
    name: &'static str,
    arguments: &'a Context<'a>,
    pub(super) host: &'a Host,
}

/// What a function answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    /// Text that other functions take as JSON, not as a string.
    Json(String),
    /// A value that was kept.
    Value(Value),
    /// The argument of this number, as it is.
    Argument(usize),
    /// The argument of this number, known to be JSON.
    JsonArgument(usize),
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        Self::Integer(i64::from(yes))
    }
}

impl ToSql for Answer {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>, Error> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) | Self::Json(text) => ValueRef::Text(text.as_bytes()),
            Self::Value(value) => value.into(),
            Self::Argument(n) | Self::JsonArgument(n) => return Ok(ToSqlOutput::Arg(*n)),
        }))
    }
}

impl Answer {
    /// The answer and its subtype.
    pub(super) fn typed(self) -> (Self, Option<u32>) {
        let subtype = matches!(self, Self::Json(_) | Self::JsonArgument(_)).then_some(JSON);
        (self, subtype)
    }
}

pub(super) fn register(
    db: &Connection,
    host: &Arc<Host>,
    name: &'static str,
    count: i32,
    flags: FunctionFlags,
    run: fn(&Call<'_>) -> Result<Answer, Error>,
) -> Result<(), Error> {
    let host = Arc::clone(host);
    db.create_scalar_function(name, count, flags, move |arguments| {
        let call = Call::new(name, arguments, &host);
        call.poll_if_large()?;
        run(&call).map(Answer::typed)
    })
}

impl<'a> Call<'a> {
    pub(super) fn new(name: &'static str, arguments: &'a Context<'a>, host: &'a Host) -> Self {
        Self { name, arguments, host }
    }

    /// How many arguments there are.
    pub(super) fn len(&self) -> usize {
        self.arguments.len()
    }

    /// The `n`-th argument, from 0.
    pub(super) fn raw(&self, n: usize) -> ValueRef<'_> {
        self.arguments.get_raw(n)
    }

    /// Whether the `n`-th argument came from a JSON function.
    pub(super) fn is_json(&self, n: usize) -> bool {
        self.arguments.get_subtype(n) == JSON
    }

    /// The `n`-th argument as text; `None` for NULL.
    pub(super) fn text(&self, n: usize) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(Some(match self.raw(n) {
            ValueRef::Null => return Ok(None),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cow::Borrowed(
                std::str::from_utf8(bytes)
                    .map_err(|_| self.wrong(format_args!("argument {} is not valid UTF-8", n + 1)))?,
            ),
            ValueRef::Integer(number) => Cow::Owned(number.to_string()),
            ValueRef::Real(number) => Cow::Owned(real_text(number)),
        }))
    }

    /// The `n`-th argument as its bytes; `None` for NULL.
    pub(super) fn bytes(&self, n: usize) -> Result<Option<Cow<'_, [u8]>>, Error> {
        Ok(match self.raw(n) {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(Cow::Borrowed(bytes)),
            _ => self.text(n)?.map(|text| Cow::Owned(text.into_owned().into_bytes())),
        })
    }

    /// The `n`-th argument as a whole number; `None` for NULL, and an error for what is none.
    pub(super) fn integer(&self, n: usize) -> Result<Option<i64>, Error> {
        match number(self.raw(n)) {
            Some(Number::Integer(whole)) => Ok(Some(whole)),
            #[expect(clippy::cast_possible_truncation, reason = "is whole, and far from the ends of i64")]
            Some(Number::Real(real)) if real.fract() == 0.0 && real.abs() < 9e15 => Ok(Some(real as i64)),
            None if self.raw(n).data_type() == Type::Null => Ok(None),
            _ => Err(self.wrong(format_args!("argument {} is {}, not a whole number", n + 1, self.shown(n)))),
        }
    }

    /// The `n`-th argument as an exact decimal; `None` for NULL, and an error for what is none.
    pub(super) fn decimal(&self, n: usize) -> Result<Option<Decimal>, Error> {
        if let ValueRef::Integer(whole) = self.raw(n) {
            return Ok(Some(Decimal::from(whole)));
        }
        let Some(text) = self.text(n)? else { return Ok(None) };
        parse_number(&text, NumberFormat::Plain).map(Some).map_err(|fault| {
            self.wrong(format_args!("{} {fault}; expected {}", self.shown(n), fault.expected))
        })
    }

    /// The argument as it is quoted in a sentence.
    pub(super) fn shown(&self, n: usize) -> String {
        match self.raw(n) {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => real_text(number),
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                // A cut that splits a character shows its rest as a question mark.
                let text = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]);
                format!("'{}'", cut(&text))
            }
        }
    }

    /// An error that begins with the function's name.
    pub(super) fn wrong(&self, sentence: std::fmt::Arguments<'_>) -> Error {
        refused(&format!("{}: {sentence}", self.name))
    }

    /// What was compiled from the `n`-th argument; the error is the end of a sentence about it. SQLite
    /// keeps it for the statement when the argument is a constant; of those that vary some are kept too.
    /// Functions that read an argument in the same way share them under one `what`.
    pub(super) fn compiled<T: Send + Sync + 'static>(
        &self,
        n: usize,
        what: &'static str,
        compile: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<Arc<T>>, Error> {
        self.compiled_of_size(n, what, compile, |_| size_of::<T>())
    }

    /// As [`Self::compiled`], for what takes much more memory than its text.
    pub(super) fn compiled_of_size<T: Send + Sync + 'static>(
        &self,
        n: usize,
        what: &'static str,
        compile: impl FnOnce(&str) -> Result<T, String>,
        size: impl FnOnce(&T) -> usize,
    ) -> Result<Option<Arc<T>>, Error> {
        let place = i32::try_from(n).unwrap_or(i32::MAX);
        if let Some(held) = self.arguments.get_aux::<Held<T>>(place)? {
            return Ok(Some(Arc::clone(&held.ready)));
        }
        let Some(text) = self.text(n)? else { return Ok(None) };
        let known = self.host.kept.lock().get(what, &text);
        let (ready, bytes) = if let Some(known) = known {
            known
        } else {
            let made = compile(&text)
                .map_err(|why| self.wrong(format_args!("the {what} {} {why}", self.shown(n))))?;
            let bytes = kept::bytes(size(&made), &text);
            let made = Arc::new(made);
            self.host.kept.lock().keep(what, &text, &made, bytes);
            (made, bytes)
        };
        if let Some(held) = self.host.room.hold(&ready, bytes) {
            self.arguments.set_aux(place, held)?;
        }
        Ok(Some(ready))
    }

    /// A text in pieces, with a look at the watch between them.
    pub(super) fn pieces<'t>(&self, text: &'t str) -> impl Iterator<Item = Result<&'t str, Error>> {
        let mut rest = text;
        let watch = &self.host.watch;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
            rest = after;
            if after.is_empty() { Some(Ok(piece)) } else { Some(poll(watch).map(|()| piece)) }
        })
    }

    /// Asks the watch.
    pub(super) fn poll(&self) -> Result<(), Error> {
        poll(&self.host.watch)
    }

    /// Asks the watch when there is much to do.
    pub(super) fn poll_if_large(&self) -> Result<(), Error> {
        let large = (0..self.len()).any(|n| match self.raw(n) {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() > PIECE,
            _ => false,
        });
        if large { self.poll() } else { Ok(()) }
    }

    /// Refuses what would be larger than a value may be, before it is made.
    pub(super) fn fits(&self, bytes: usize) -> Result<(), Error> {
        if bytes > self.host.watch.limits().max_value() { Err(too_big()) } else { Ok(()) }
    }

    /// The aggregate is larger than it may be: the watch keeps that, and the error names the limit.
    pub(super) fn out_of_budget(&self) -> Error {
        self.host.watch.stop(Stop::Aggregate);
        interrupted()
    }
}

/// A REAL as it leaves SQL.
pub(super) fn real_text(number: f64) -> String {
    let mut text = String::new();
    push_real(&mut text, number);
    text
}

/// A number as SQLite's arithmetic sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    pub(super) fn real(self) -> f64 {
        match self {
            Self::Integer(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }
}

/// A number, or text that is one from its first to its last sign, white space aside.
pub(super) fn number(value: ValueRef<'_>) -> Option<Number> {
    match value {
        ValueRef::Integer(whole) => Some(Number::Integer(whole)),
        ValueRef::Real(real) => Some(Number::Real(real)),
        ValueRef::Text(bytes) => {
            let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
            if let Ok(whole) = text.parse() {
                return Some(Number::Integer(whole));
            }
            // Words like `inf` and `nan` are no numbers.
            let is_numeric =
                text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
            is_numeric.then(|| text.parse().ok().map(Number::Real)).flatten()
        }
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}
