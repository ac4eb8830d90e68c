//! Text as the parts of a workbook write it: in pieces, with escapes.

use quick_xml::events::Event;

use crate::input::{
    error::InputError,
    workbook::xml::{self, Xml},
};

/// Appends the text of an element of rich text, up to its end: the pieces in `t`, without their furigana.
/// `false`: the text became longer than it may, and was not read to its end.
pub(super) fn read_rich_text(
    xml: &mut Xml<'_>,
    end: &str,
    text: &mut String,
    longest: usize,
) -> Result<bool, InputError> {
    let (mut in_text, mut in_reading) = (false, false);
    loop {
        let event = xml.next()?;
        match &event {
            Event::Start(element) => match element.local_name().as_ref() {
                "t" => in_text = true,
                "rPh" => in_reading = true,
                _ => {}
            },
            Event::End(element) => match element.local_name().as_ref() {
                "t" => in_text = false,
                "rPh" => in_reading = false,
                name if name == end => return Ok(true),
                _ => {}
            },
            Event::Eof => return Err(xml.cut_short()),
            piece if in_text && !in_reading => xml::push(piece, text),
            _ => {}
        }
        if text.len() > longest {
            return Ok(false);
        }
    }
}

/// What XML can't hold stands as `_x000D_`, in UTF-16 units; that text itself as `_x005F_x000D_`.
pub(super) fn unescape_from(text: &mut String, start: usize) {
    if !text[start..].contains("_x") {
        return;
    }
    let written = text.split_off(start);
    let mut rest = written.as_str();
    while let Some(at) = rest.find("_x") {
        let (before, behind) = rest.split_at(at);
        text.push_str(before);
        let mut units = [0; 2];
        let mut count = 0;
        let mut after = behind;
        while count < 2
            && let Some((unit, next)) = escaped(after)
        {
            units[count] = unit;
            count += 1;
            after = next;
            if !(0xd800..0xdc00).contains(&unit) {
                break;
            }
        }
        if count == 0 {
            text.push_str("_x");
            rest = &behind[2..];
        } else {
            text.push_str(&String::from_utf16_lossy(&units[..count]));
            rest = after;
        }
    }
    text.push_str(rest);
}

fn escaped(text: &str) -> Option<(u16, &str)> {
    let digits = text.strip_prefix("_x")?;
    let (digits, rest) = (digits.get(..4)?, digits.get(4..)?);
    let rest = rest.strip_prefix('_')?;
    let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten().map(|unit| (unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_characters_again() {
        for (written, text) in [
            ("a_x000D_b", "a\rb"),
            ("_x005F_x000D_", "_x000D_"),
            ("_xD83C__xDF81_!", "🎁!"),
            ("_xD83C_x", "\u{fffd}x"),
            ("_x00_x_xyz_", "_x00_x_xyz_"),
            ("größe_x0", "größe_x0"),
        ] {
            let mut got = format!("before{written}");
            unescape_from(&mut got, "before".len());
            assert_eq!(got, format!("before{text}"));
        }
    }
}
