//! What the binary workbooks of two ages share.

/// A number in 30 bits, whole or the upper half of a float, as it is or a hundred times that.
pub(super) fn rk(packed: u32) -> f64 {
    let value = if packed & 2 != 0 {
        #[expect(clippy::cast_possible_wrap, reason = "two's complement is what it is")]
        f64::from(packed as i32 >> 2)
    } else {
        f64::from_bits(u64::from(packed & !3) << 32)
    };
    if packed & 1 != 0 { value / 100.0 } else { value }
}

pub(super) const fn boolean(byte: u8) -> &'static str {
    if byte == 0 { "FALSE" } else { "TRUE" }
}

/// The name of an error ([MS-XLS] §2.5.10).
pub(super) const fn error(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2a => "#N/A",
        0x2b => "#GETTING_DATA",
        _ => "#ERROR!",
    }
}

/// Appends text in UTF-16, the lower byte first; halves of pairs are replaced.
pub(super) fn push_utf16(bytes: &[u8], text: &mut String) {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    text.extend(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_are_unpacked() {
        for (packed, value) in [
            (0x3ff0_0000, 1.0),
            (0x4024_0001, 0.1),
            ((1_250 << 2) | 2, 1250.0),
            ((1_250 << 2) | 3, 12.5),
            (0xffff_fffe, -1.0),
        ] {
            assert!((rk(packed) - value).abs() < f64::EPSILON, "{packed:x}");
        }
    }
}
