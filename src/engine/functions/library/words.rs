//! Text.

use std::borrow::Cow;

use md5::Md5;
use rusqlite::Error;
use sha2::{Digest, Sha256};
use unicode_normalization::char::decompose_canonical;

use super::{Answer, Call, Function, call::PIECE, rows};
use crate::hex;

pub(super) const FUNCTIONS: &[Function] = rows! { "text";
    initcap "(s)" [1] Scalar(initcap):
        "Every word with its first letter large and the others small; what is neither letter nor digit ends a word.";
        "initcap('jean-luc PICARD')" => "Jean-Luc Picard";
    split_part "(s, delim, n)" [3] Scalar(split_part):
        "The n-th part of a text, from 1, or from the end with a negative n; empty when there are fewer. Without a delimiter ('') the text is its only part.";
        "split_part('a,b,c', ',', -1)" => "c";
    normalize_space "(s)" [1] Scalar(normalize_space):
        "Without white space at the ends, and with one space for every run of it inside.";
        "normalize_space('  Ada   Lovelace ')" => "Ada Lovelace";
    digits_only "(s)" [1] Scalar(digits_only):
        "The digits 0 to 9 alone.";
        "digits_only('+49 (30) 12-34')" => "49301234";
    slugify "(s)" [1] Scalar(slugify):
        "Lower case without accents, and one hyphen for every run of what is neither letter nor digit. Letters of other scripts stay.";
        "slugify(' Crème brûlée & Co. ')" => "creme-brulee-co";
    left "(s, n)" [2] Scalar(left):
        "The first n characters; with a negative n all but the last ones.";
        "left('Köln', 2)" => "Kö";
    right "(s, n)" [2] Scalar(right):
        "The last n characters; with a negative n all but the first ones.";
        "right('Köln', -1)" => "öln";
    lpad "(s, n[, fill])" [2, 3] Scalar(lpad):
        "Filled on the left to n characters, with spaces or the given text; cut at n characters when longer.";
        "lpad(7, 3, '0')" => "007";
    rpad "(s, n[, fill])" [2, 3] Scalar(rpad):
        "Filled on the right to n characters, with spaces or the given text; cut at n characters when longer.";
        "rpad('ab', 5, '.-')" => "ab.-.";
    starts_with "(s, start)" [2] Scalar(starts_with):
        "1 when the text starts so, letter case included, else 0.";
        "starts_with('invoice-7', 'invoice')" => "1";
    ends_with "(s, end)" [2] Scalar(ends_with):
        "1 when the text ends so, letter case included, else 0.";
        "ends_with('orders.CSV', '.csv')" => "0";
    md5 "(s)" [1] Scalar(digest::<Md5>):
        "The MD5 checksum of the bytes, in hexadecimal. It proves nothing against people: use sha256 for that.";
        "md5('abc')" => "900150983cd24fb0d6963f7d28e17f72";
    sha256 "(s)" [1] Scalar(digest::<Sha256>):
        "The SHA-256 checksum of the bytes, in hexadecimal.";
        "sha256('abc')" => "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    unaccent "(s)" [1] Scalar(unaccent):
        "Latin and Greek letters without their accents, and ß, Æ, Ø, Đ, Ł, Œ, Þ and the like as plain letters.";
        "unaccent('Smörgåsbord, Łódź, Straße')" => "Smorgasbord, Lodz, Strasse";
};

fn initcap(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    let (mut out, mut inside) = (String::with_capacity(text.len()), false);
    for piece in call.pieces(&text) {
        for c in piece?.chars() {
            if inside {
                out.extend(c.to_lowercase());
            } else {
                out.extend(c.to_uppercase());
            }
            inside = c.is_alphanumeric();
        }
    }
    Ok(Answer::Text(out))
}

fn split_part(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(delimiter), Some(n)) = (call.text(0)?, call.text(1)?, call.integer(2)?) else {
        return Ok(Answer::Null);
    };
    if n == 0 {
        return Err(call.wrong(format_args!("parts count from 1 (or from -1, at the end), and n is 0")));
    }
    let nth = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    let part = if delimiter.is_empty() {
        (nth == 1).then_some(&*text)
    } else if n > 0 {
        text.split(&*delimiter).nth(nth - 1)
    } else {
        // Counted from the start: from the end, 'aaa' would be cut at another 'aa'.
        let parts = text.split(&*delimiter).count();
        parts.checked_sub(nth).and_then(|before| text.split(&*delimiter).nth(before))
    };
    Ok(Answer::Text(part.unwrap_or_default().to_owned()))
}

fn normalize_space(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    let (mut out, mut space) = (String::with_capacity(text.len()), false);
    for piece in call.pieces(&text) {
        for c in piece?.chars() {
            if c.is_whitespace() {
                space = !out.is_empty();
                continue;
            }
            if std::mem::take(&mut space) {
                out.push(' ');
            }
            out.push(c);
        }
    }
    Ok(Answer::Text(out))
}

fn digits_only(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    let mut out = String::with_capacity(text.len());
    for piece in call.pieces(&text) {
        out.extend(piece?.chars().filter(char::is_ascii_digit));
    }
    Ok(Answer::Text(out))
}

fn slugify(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    let (mut out, mut gap) = (String::with_capacity(text.len()), false);
    let mut plain = String::new();
    for piece in call.pieces(&text) {
        plain.clear();
        push_plain(piece?, &mut plain);
        for c in plain.chars() {
            if !c.is_alphanumeric() {
                gap = !out.is_empty();
                continue;
            }
            if std::mem::take(&mut gap) {
                out.push('-');
            }
            out.extend(c.to_lowercase());
        }
    }
    Ok(Answer::Text(out))
}

fn unaccent(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(text) = call.text(0)? else { return Ok(Answer::Null) };
    if text.is_ascii() {
        return Ok(Answer::Text(text.into_owned()));
    }
    let mut out = String::with_capacity(text.len());
    for piece in call.pieces(&text) {
        push_plain(piece?, &mut out);
    }
    Ok(Answer::Text(out))
}

/// Letters without accents. A character that has none stays as it is, also where Unicode takes it apart,
/// as Korean syllables.
fn push_plain(text: &str, out: &mut String) {
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
            continue;
        }
        if is_accent(c) {
            // Text may have its accents apart from the letters.
            if !out.chars().next_back().is_some_and(takes_accents) {
                out.push(c);
            }
            continue;
        }
        let (mut letter, mut has_accent) = (c, false);
        decompose_canonical(c, |part| {
            if is_accent(part) {
                has_accent = true;
            } else {
                letter = part;
            }
        });
        push_letter(if has_accent && takes_accents(letter) { letter } else { c }, out);
    }
}

/// Latin and Greek letters. In other scripts the same signs make another letter: й is not и.
const fn takes_accents(letter: char) -> bool {
    matches!(letter, 'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' | '\u{370}'..='\u{3ff}' | '\u{1e00}'..='\u{1fff}')
}

const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Latin letters that Unicode does not take apart.
fn push_letter(c: char, out: &mut String) {
    out.push_str(match c {
        'ß' => "ss",
        'ẞ' => "SS",
        'Æ' => "AE",
        'æ' => "ae",
        'Œ' => "OE",
        'œ' => "oe",
        'Ø' => "O",
        'ø' => "o",
        'Đ' | 'Ð' => "D",
        'đ' | 'ð' => "d",
        'Ħ' => "H",
        'ħ' => "h",
        'ı' => "i",
        'Ł' => "L",
        'ł' => "l",
        'Ŧ' => "T",
        'ŧ' => "t",
        'Þ' => "TH",
        'þ' => "th",
        _ => return out.push(c),
    });
}

/// Where the first `n` characters end; all but the last ones, when negative.
fn end_of(text: &str, n: i64) -> usize {
    let nth = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    if n >= 0 {
        text.char_indices().nth(nth).map_or(text.len(), |(at, _)| at)
    } else {
        text.char_indices().nth_back(nth - 1).map_or(0, |(at, _)| at)
    }
}

fn left(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(n)) = (call.text(0)?, call.integer(1)?) else { return Ok(Answer::Null) };
    Ok(Answer::Text(text[..end_of(&text, n)].to_owned()))
}

fn right(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(n)) = (call.text(0)?, call.integer(1)?) else { return Ok(Answer::Null) };
    let start = match n {
        0 => text.len(),
        _ => end_of(&text, n.saturating_neg()),
    };
    Ok(Answer::Text(text[start..].to_owned()))
}

fn lpad(call: &Call<'_>) -> Result<Answer, Error> {
    pad(call, true)
}

fn rpad(call: &Call<'_>) -> Result<Answer, Error> {
    pad(call, false)
}

fn pad(call: &Call<'_>, on_the_left: bool) -> Result<Answer, Error> {
    let (Some(text), Some(n)) = (call.text(0)?, call.integer(1)?) else { return Ok(Answer::Null) };
    let fill = if call.len() == 3 { call.text(2)? } else { Some(Cow::Borrowed(" ")) };
    let Some(fill) = fill else { return Ok(Answer::Null) };
    let n = usize::try_from(n).unwrap_or(0);
    let length = text.chars().count();
    if length >= n || fill.is_empty() {
        return Ok(Answer::Text(text.chars().take(n).collect()));
    }
    // A character has at least one byte.
    call.fits(n)?;
    let mut filling = String::new();
    for (done, c) in fill.chars().cycle().take(n - length).enumerate() {
        filling.push(c);
        if done % PIECE == 0 {
            call.fits(filling.len())?;
            call.poll()?;
        }
    }
    Ok(Answer::Text(if on_the_left { filling + &text } else { text.into_owned() + &filling }))
}

fn starts_with(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(start)) = (call.bytes(0)?, call.bytes(1)?) else { return Ok(Answer::Null) };
    Ok(text.starts_with(&start).into())
}

fn ends_with(call: &Call<'_>) -> Result<Answer, Error> {
    let (Some(text), Some(end)) = (call.bytes(0)?, call.bytes(1)?) else { return Ok(Answer::Null) };
    Ok(text.ends_with(&end).into())
}

fn digest<D: Digest>(call: &Call<'_>) -> Result<Answer, Error> {
    let Some(bytes) = call.bytes(0)? else { return Ok(Answer::Null) };
    let mut digest = D::new();
    for (n, piece) in bytes.chunks(PIECE).enumerate() {
        if n > 0 {
            call.poll()?;
        }
        digest.update(piece);
    }
    Ok(Answer::Text(hex::written(&digest.finalize())))
}
