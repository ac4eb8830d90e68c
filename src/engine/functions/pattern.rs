//! `LIKE` and `GLOB` without recursion.
//!
//! SQLite tries every `%` against every tail of the text, which is exponential in the number of `%`.
//! A pattern is a sequence of things that match one character, cut by `%`: once a piece has matched,
//! an earlier `%` never has to be tried again, so remembering the last one is enough. That is
//! O(text × pattern) at worst, with a pattern of at most 1,000 bytes, and the watch is asked on the way.
//!
//! Characters are read the way SQLite reads them, which also says what bytes that are not UTF-8 match.

use std::sync::Arc;

use rusqlite::{Connection, Error, functions::FunctionFlags};

use super::{
    MAX_PATTERN, STEPS_BETWEEN_POLLS, Watch, poll, refused,
    text::{Texts, until_nul},
};

/// The signs of a language of patterns.
#[derive(Debug, Clone, Copy)]
struct Language {
    any: u32,
    one: u32,
    /// `[` of GLOB.
    set: Option<u32>,
    escape: Option<u32>,
    ignore_case: bool,
}

const LIKE: Language =
    Language { any: '%' as u32, one: '_' as u32, set: None, escape: None, ignore_case: true };
const GLOB: Language =
    Language { any: '*' as u32, one: '?' as u32, set: Some('[' as u32), escape: None, ignore_case: false };

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Any number of characters.
    Any,
    /// One character.
    One,
    /// This character; lower case where case does not count.
    Literal(u32),
    /// One of these, or none of these.
    Set { invert: bool, ranges: Vec<(u32, u32)> },
    /// An open set or a bare escape: nothing matches.
    Never,
}

/// A pattern made ready.
#[derive(Debug)]
struct Pattern {
    pieces: Vec<Piece>,
    ignore_case: bool,
    escape: Option<u32>,
}

pub(super) fn register(db: &Connection, watch: &Arc<Watch>, flags: FunctionFlags) -> Result<(), Error> {
    for (name, arguments, language) in [("like", 2, LIKE), ("like", 3, LIKE), ("glob", 2, GLOB)] {
        let (watch, texts) = (Arc::clone(watch), Texts::new()?);
        db.create_scalar_function(name, arguments, flags, move |call| {
            // In SQLite's order: a wrong escape is an error even where the pattern is NULL.
            let pattern = texts.of(call.get_raw(0))?;
            if pattern.as_ref().is_some_and(|pattern| pattern.len() > MAX_PATTERN as usize) {
                return Err(refused("LIKE or GLOB pattern too complex (at most 1000 bytes)"));
            }
            let language = if arguments == 3 {
                let Some(escape) = texts.of(call.get_raw(2))? else { return Ok(None) };
                escaped_by(language, &escape)?
            } else {
                language
            };
            let Some(pattern) = pattern else { return Ok(None) };
            let Some(text) = texts.of(call.get_raw(1))? else { return Ok(None) };
            // SQLite keeps this for as long as the pattern is a constant of the statement.
            let kept = call.get_aux::<Pattern>(0)?.filter(|kept| kept.escape == language.escape);
            let ready = match kept {
                Some(kept) => kept,
                None => call.set_aux(0, Pattern::new(&pattern, language))?,
            };
            ready.matches(until_nul(&text), &watch).map(Some)
        })?;
    }
    Ok(())
}

/// The language with an escape character, which loses its own meaning if it had one.
fn escaped_by(mut language: Language, escape: &[u8]) -> Result<Language, Error> {
    let escape = until_nul(escape);
    let mut at = 0;
    let sign = read(escape, &mut at);
    if escape.is_empty() || end_of_character(escape, 0) != escape.len() {
        return Err(refused("ESCAPE expression must be a single character"));
    }
    language.escape = Some(sign);
    Ok(language)
}

impl Pattern {
    fn new(pattern: &[u8], language: Language) -> Self {
        let pattern = until_nul(pattern);
        let (mut pieces, mut at) = (Vec::new(), 0);
        while at < pattern.len() {
            let sign = read(pattern, &mut at);
            let piece = if Some(sign) == language.escape {
                if at < pattern.len() {
                    Piece::Literal(language.fold(read(pattern, &mut at)))
                } else {
                    Piece::Never
                }
            } else if sign == language.any {
                Piece::Any
            } else if sign == language.one {
                Piece::One
            } else if Some(sign) == language.set {
                read_set(pattern, &mut at)
            } else {
                Piece::Literal(language.fold(sign))
            };
            if piece != Piece::Any || pieces.last() != Some(&Piece::Any) {
                pieces.push(piece);
            }
        }
        Self { pieces, ignore_case: language.ignore_case, escape: language.escape }
    }

    fn matches(&self, text: &[u8], watch: &Watch) -> Result<bool, Error> {
        let (mut at, mut piece) = (0, 0);
        // After the last `%`: the piece that follows it, and where in the text it is tried.
        let mut retry: Option<(usize, usize)> = None;
        let mut steps = 0_usize;
        loop {
            steps += 1;
            if steps.is_multiple_of(STEPS_BETWEEN_POLLS) {
                poll(watch)?;
            }
            match self.pieces.get(piece) {
                Some(Piece::Any) => {
                    piece += 1;
                    if piece == self.pieces.len() {
                        return Ok(true);
                    }
                    at = self.skip_to(piece, text, at);
                    retry = Some((piece, at));
                    continue;
                }
                None if at == text.len() => return Ok(true),
                Some(wanted) if at < text.len() => {
                    let mut next = at;
                    let found = read(text, &mut next);
                    if self.is_match(wanted, found) {
                        (at, piece) = (next, piece + 1);
                        continue;
                    }
                }
                // The text is over and the pattern is not: no later start helps.
                Some(_) => return Ok(false),
                None => {}
            }
            let Some((after, tried)) = retry else { return Ok(false) };
            if tried >= text.len() {
                return Ok(false);
            }
            at = self.skip_to(after, text, end_of_character(text, tried));
            retry = Some((after, at));
            piece = after;
        }
    }

    /// The first place from `at` on where a piece that is an ASCII character can match.
    fn skip_to(&self, piece: usize, text: &[u8], at: usize) -> usize {
        let Some(Piece::Literal(sign)) = self.pieces.get(piece) else { return at };
        let Ok(byte) = u8::try_from(*sign) else { return at };
        if !byte.is_ascii() {
            return at;
        }
        let found = if self.ignore_case {
            memchr::memchr2(byte, byte.to_ascii_uppercase(), &text[at..])
        } else {
            memchr::memchr(byte, &text[at..])
        };
        found.map_or(text.len(), |n| at + n)
    }

    fn is_match(&self, piece: &Piece, found: u32) -> bool {
        match piece {
            Piece::One => true,
            Piece::Literal(wanted) => *wanted == if self.ignore_case { fold(found) } else { found },
            Piece::Set { invert, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&found)) != *invert
            }
            Piece::Any | Piece::Never => false,
        }
    }
}

impl Language {
    fn fold(self, sign: u32) -> u32 {
        if self.ignore_case { fold(sign) } else { sign }
    }
}

/// ASCII letters in lower case: the only ones whose case LIKE ignores.
fn fold(sign: u32) -> u32 {
    if (u32::from(b'A')..=u32::from(b'Z')).contains(&sign) { sign + 32 } else { sign }
}

/// What follows `[`. A `]` or `-` that comes first, and a `-` that comes last, stand for themselves.
fn read_set(pattern: &[u8], at: &mut usize) -> Piece {
    let (close, dash) = (u32::from(b']'), u32::from(b'-'));
    let mut ranges = Vec::new();
    let mut sign = read(pattern, at);
    let invert = sign == u32::from(b'^');
    if invert {
        sign = read(pattern, at);
    }
    if sign == close {
        ranges.push((close, close));
        sign = read(pattern, at);
    }
    let mut before = 0;
    while sign != 0 && sign != close {
        let next = pattern.get(*at).copied();
        if sign == dash && before > 0 && next.is_some_and(|byte| byte != b']') {
            sign = read(pattern, at);
            ranges.push((before, sign));
            before = 0;
        } else {
            ranges.push((sign, sign));
            before = sign;
        }
        sign = read(pattern, at);
    }
    if sign == 0 { Piece::Never } else { Piece::Set { invert, ranges } }
}

/// The character at `at`, which moves behind it; 0 at the end. This is `sqlite3Utf8Read`.
pub(super) fn read(text: &[u8], at: &mut usize) -> u32 {
    let Some(first) = text.get(*at).copied() else { return 0 };
    *at += 1;
    if first < 0xc0 {
        return u32::from(first);
    }
    let mut sign = match first {
        0xc0..=0xdf => u32::from(first & 0x1f),
        0xe0..=0xef => u32::from(first & 0x0f),
        0xf0..=0xf7 => u32::from(first & 0x07),
        0xf8..=0xfb => u32::from(first & 0x03),
        0xfc..=0xfd => u32::from(first & 0x01),
        _ => 0,
    };
    while let Some(byte) = text.get(*at).filter(|byte| **byte & 0xc0 == 0x80) {
        sign = (sign << 6).wrapping_add(u32::from(byte & 0x3f));
        *at += 1;
    }
    if sign < 0x80 || sign & 0xffff_f800 == 0xd800 || sign & 0xffff_fffe == 0xfffe { 0xfffd } else { sign }
}

/// Where the character at `at` ends.
fn end_of_character(text: &[u8], mut at: usize) -> usize {
    read(text, &mut at);
    at
}
