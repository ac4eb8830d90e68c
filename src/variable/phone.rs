//! Phone numbers, as E.164.
//!
//! Countries, lengths and prefixes come from libphonenumber's data, by the `phonenumber` crate. A number
//! is taken when it is *possible*: its country code exists and its length occurs there. Whether its range
//! is in service is not asked: ranges are opened faster than servers are upgraded, and a number refused
//! for that reason is a row lost.
//!
//! The crate takes some two microseconds a number. Nearly all numbers in files are plain: a `+` and
//! digits, or digits of the national number, with punctuation. For these the answer is the digits
//! themselves, less the prefix of the country, which one regular expression per country code finds
//! (`numbering.rs`). All others go through the crate, and the tests hold the two ways together.

use std::{fmt, str::FromStr};

use phonenumber::{Mode, PhoneNumber, country, metadata::DATABASE};

use super::{
    fault::{Fault, FaultCode, Warning},
    format::PhoneOutput,
    numbering::PLANS,
};

/// Longer texts are no phone numbers, and not worth a parser's time.
const LONGEST_TEXT: usize = 80;
/// Country code and national number (ITU-T E.164).
const MOST_DIGITS: usize = 15;

/// A country or territory with a numbering plan, by its ISO 3166 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region(pub(super) country::Id);

impl FromStr for Region {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<country::Id>()
            .ok()
            .filter(|id| DATABASE.by_id(id.as_ref()).is_some())
            .map(Self)
            .ok_or_else(|| format!("\"{text}\" is not the ISO 3166 code of a country with phone numbers"))
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref())
    }
}

/// Every region, by code.
pub fn regions() -> impl Iterator<Item = Region> {
    let mut codes: Vec<&str> = DATABASE.iter().map(phonenumber::Metadata::id).collect();
    codes.sort_unstable();
    codes.dedup();
    codes.into_iter().filter_map(|code| code.parse().ok())
}

/// How a phone number is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneFormat {
    /// `+` and digits, nothing else.
    E164,
    /// International, or national of the region if there is one.
    Region(Option<Region>),
}

impl PhoneFormat {
    /// Reads the API's word; `default` is the workspace's region, for `auto`.
    pub fn parse(text: &str, default: Option<Region>) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Region(default)),
            "e164" => Ok(Self::E164),
            _ => match text.strip_prefix("region:") {
                Some(code) => code.parse().map(|region| Self::Region(Some(region))),
                None => Err("is none of auto, e164, region:<ISO 3166 code>".to_owned()),
            },
        }
    }

    fn fault(self) -> Fault {
        match self {
            Self::E164 => {
                Fault::new(FaultCode::NotAPhoneNumber, "+, country code and number, such as +16502530000")
            }
            Self::Region(None) => Fault::new(
                FaultCode::NotAPhoneNumber,
                "an international number, such as +1 650 253 0000 (no region is set for national ones)",
            ),
            Self::Region(Some(region)) => Fault::new(
                FaultCode::NotAPhoneNumber,
                format!("an international number, such as +1 650 253 0000, or one of {region}"),
            ),
        }
    }
}

/// Reads one number into E.164; white space around it does not count.
pub fn parse_phone(text: &str, format: PhoneFormat) -> Result<(String, Option<Warning>), Fault> {
    let text = text.trim();
    let number = match format {
        PhoneFormat::E164 if !is_e164(text) => None,
        PhoneFormat::E164 => read(text, None),
        PhoneFormat::Region(region) => read(text, region),
    };
    number.ok_or_else(|| format.fault())
}

/// Whether the number's range is in use, by libphonenumber's data: what tells a phone number from any
/// other ten digits.
pub(super) fn is_in_service(text: &str, region: Option<Region>) -> bool {
    text.len() <= LONGEST_TEXT && through_crate(text, region).is_some_and(|number| number.is_valid())
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn read(text: &str, region: Option<Region>) -> Option<(String, Option<Warning>)> {
    if text.len() > LONGEST_TEXT {
        return None;
    }
    if let Some(number) = plain(text, region) {
        return Some((number, None));
    }
    let number = through_crate(text, region)?;
    let national = number.national().to_string();
    let plan = PLANS.of(number.code().value())?;
    plan.has_length(national.len()).then_some(())?;
    let warning = number.extension().map(|_| Warning::ExtensionDropped);
    Some((format!("+{}{national}", number.code().value()), warning))
}

/// The crate applies the region's own prefixes to foreign numbers too, when it is told a region. So it is
/// told one for national numbers only, and the way out of the country is taken off here. It also takes
/// the digits before the first separator for the country code (`+4930-123456`): so punctuation goes first.
fn through_crate(text: &str, region: Option<Region>) -> Option<PhoneNumber> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if text.starts_with(['+', '\u{ff0b}']) {
        let only_digits = text.bytes().skip(1).all(|byte| byte.is_ascii_digit() || is_punctuation(byte));
        return if only_digits {
            phonenumber::parse(None, format!("+{digits}")).ok()
        } else {
            phonenumber::parse(None, text).ok()
        };
    }
    let abroad = region
        .and_then(|region| PLANS.home(region)?.way_out.as_ref()?.find(&digits))
        .map(|way_out| format!("+{}", &digits[way_out.end()..]));
    match abroad {
        Some(international) => phonenumber::parse(None, international).ok(),
        None => phonenumber::parse(region.map(|region| region.0), text).ok(),
    }
}

const fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'/')
}

/// The number, when its digits can stand as they are. `None`: ask the crate.
fn plain(text: &str, region: Option<Region>) -> Option<String> {
    let mut number = String::with_capacity(MOST_DIGITS + 1);
    number.push('+');
    let digits = if let Some(rest) = text.strip_prefix('+') {
        rest
    } else {
        let home = PLANS.home(region?)?;
        number.push_str(&home.code);
        text
    };
    let from = number.len();
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' if number.len() <= MOST_DIGITS => number.push(char::from(byte)),
            _ if is_punctuation(byte) => {}
            _ => return None,
        }
    }
    // Abroad the country code is among the digits; at home the way out of the country must not be.
    let (plan, mut national) = if from == 1 {
        let plan = PLANS.starting(&number[1..])?;
        (plan, &number[1 + plan.code.len()..])
    } else {
        let home = PLANS.home(region?)?;
        let national = &number[from..];
        if home.way_out.as_ref().is_none_or(|out| out.is_match(national)) {
            return None;
        }
        (PLANS.starting(&home.code)?, national)
    };
    if from > 1
        && let Some(rest) = national.strip_prefix(&plan.code)
    {
        // A country code without its `+`, if the digits make sense only so.
        if plan.looks_right(national) || plan.has_length(national.len()) || !plan.looks_right(rest) {
            return None;
        }
        national = rest;
    }
    let bare = plan.without_prefix(national)?;
    if from == 1 && bare.len() < national.len() {
        // `+49 (0)30 …`: whether that is meant depends on more than the digits.
        return None;
    }
    let is_number = plan.has_length(bare.len()) && !bare.bytes().all(|byte| byte == b'0');
    let cut = number.len() - bare.len();
    is_number.then(|| {
        // Whatever stood before the bare number gives way to the country code.
        number.replace_range(1..cut, &plan.code);
        number
    })
}

/// Writes an E.164 number as people dial it.
pub fn render_phone(number: &str, format: PhoneOutput, out: &mut String) {
    use fmt::Write as _;
    let mode = match format {
        PhoneOutput::E164 => return out.push_str(number),
        PhoneOutput::National => Mode::National,
        PhoneOutput::International => Mode::International,
    };
    let start = out.len();
    let written = number
        .parse::<PhoneNumber>()
        .is_ok_and(|parsed| write!(out, "{}", parsed.format().mode(mode)).is_ok());
    if !written {
        out.truncate(start);
        out.push_str(number);
    }
}

#[cfg(test)]
mod tests {
    use phonenumber::metadata::Descriptor;
    use proptest::prelude::*;

    use super::*;
    use crate::variable::numbering::kinds;

    fn us() -> PhoneFormat {
        PhoneFormat::parse("region:US", None).unwrap()
    }

    fn number(text: &str, format: PhoneFormat) -> Option<String> {
        parse_phone(text, format).ok().map(|(number, _)| number)
    }

    /// What the crate alone makes of it, under the same rule of lengths.
    fn slow(text: &str, region: Option<Region>) -> Option<String> {
        let number = through_crate(text, region)?;
        let national = number.national().to_string();
        PLANS.of(number.code().value())?.has_length(national.len()).then_some(())?;
        Some(format!("+{}{national}", number.code().value()))
    }

    #[test]
    fn national_and_international_writings_of_one_number_are_one() {
        for text in [
            "+16502530000",
            "+1 (650) 253-0000",
            "+1 650.253.0000",
            "(650) 253-0000",
            "650/253/0000",
            "1-650-253-0000",
            "16502530000",
            "011 1 650 253 0000",
            "tel:+1-650-253-0000",
        ] {
            assert_eq!(number(text, us()).as_deref(), Some("+16502530000"), "{text}");
        }
        for (text, region, want) in [
            ("030 123456", "DE", "+4930123456"),
            ("06 31 96 65 43", "FR", "+33631966543"),
            ("+33 (0)6 31 96 65 43", "FR", "+33631966543"),
            ("02 3661 8300", "IT", "+390236618300"),
            ("020 7031 3000", "GB", "+442070313000"),
        ] {
            let format = PhoneFormat::parse("auto", Some(region.parse().unwrap())).unwrap();
            assert_eq!(number(text, format).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn what_can_not_be_a_number_is_refused() {
        for text in [
            "",
            "abc",
            "123",
            "555-0100",
            "+1 650 253 000",
            "+1 650 253 00000",
            "+999123456789",
            "650-253-0000-999999999999",
        ] {
            let fault = parse_phone(text, us()).unwrap_err();
            assert_eq!(fault.code, FaultCode::NotAPhoneNumber, "{text}");
        }
        assert_eq!(number("650 253 0000", PhoneFormat::Region(None)), None);
        assert_eq!(number("+1 650 253 0000", PhoneFormat::Region(None)).as_deref(), Some("+16502530000"));
    }

    #[test]
    fn e164_takes_nothing_but_plus_and_digits() {
        assert_eq!(number("+16502530000", PhoneFormat::E164).as_deref(), Some("+16502530000"));
        for text in ["+1 6502530000", "16502530000", "6502530000"] {
            assert_eq!(number(text, PhoneFormat::E164), None, "{text}");
        }
    }

    #[test]
    fn an_extension_is_dropped_with_a_warning() {
        let parsed = parse_phone("650-253-0000 ext. 12", us()).unwrap();
        assert_eq!(parsed, ("+16502530000".to_owned(), Some(Warning::ExtensionDropped)));
    }

    #[test]
    fn regions_are_iso_codes() {
        assert!("US".parse::<Region>().is_ok());
        assert!("XX".parse::<Region>().is_err());
        assert!(PhoneFormat::parse("region:XX", None).is_err());
        assert!(PhoneFormat::parse("us", None).is_err());
        assert!(regions().count() > 200);
    }

    #[test]
    fn output_formats() {
        for (format, want) in [
            (PhoneOutput::E164, "+16502530000"),
            (PhoneOutput::National, "(650) 253-0000"),
            (PhoneOutput::International, "+1 650-253-0000"),
        ] {
            let mut out = String::new();
            render_phone("+16502530000", format, &mut out);
            assert_eq!(out, want);
        }
    }

    #[test]
    fn digits_that_look_like_a_prefix_but_belong_to_the_number_stay() {
        assert_eq!(number("+7 800 123-45-67", PhoneFormat::Region(None)).as_deref(), Some("+78001234567"));
        assert_eq!(
            number("+54 9 11 2345-6789", PhoneFormat::Region(None)).as_deref(),
            Some("+5491123456789")
        );
    }

    /// Whether the crate has a prefix to take off: there it may differ, see `Plan::without_prefix`.
    fn has_prefix(number: &str) -> bool {
        let plan = PLANS.starting(&number[1..]).unwrap();
        let national = &number[1 + plan.code.len()..];
        plan.prefixes.iter().any(|re| re.find(national).is_some_and(|found| !found.is_empty()))
    }

    /// Every kind of number of every region, as libphonenumber's own examples show it.
    #[test]
    fn the_plain_way_agrees_with_the_crate_on_every_example() {
        let mut plainly = 0;
        for metadata in DATABASE.iter() {
            let region = metadata.id().parse::<Region>().ok();
            for example in kinds(metadata).filter_map(Descriptor::example) {
                let text = format!("+{}{example}", metadata.country_code());
                if let Some(number) = plain(&text, None) {
                    plainly += 1;
                    assert!(has_prefix(&number) || slow(&text, None) == Some(number), "{text}");
                }
                let dialled = format!("{}{example}", metadata.national_prefix().unwrap_or_default());
                if let Some(number) = plain(&dialled, region) {
                    assert!(has_prefix(&number) || slow(&dialled, region) == Some(number), "{dialled}");
                }
                if let Some(number) = plain(example, region) {
                    assert!(has_prefix(&number) || slow(example, region) == Some(number), "{example}");
                }
            }
        }
        assert!(plainly > 1000, "{plainly}");
    }

    proptest! {
        #[test]
        fn the_plain_way_agrees_with_the_crate(
            text in "\\+?[0-9]{3,6}[-. ]?[0-9]{4,10}", region in prop::sample::select(vec!["US", "DE", "IT", "BR", "AR", "MX", "GB", "RU", "AU"]),
        ) {
            let region = region.parse::<Region>().ok();
            if let Some(number) = plain(&text, region) {
                prop_assert!(has_prefix(&number) || slow(&text, region) == Some(number));
            }
        }

        #[test]
        fn no_text_panics(text in "[-+0-9 ().x#;=a-z]{0,40}|\\PC{0,20}") {
            let _ = parse_phone(&text, us());
        }
    }
}
