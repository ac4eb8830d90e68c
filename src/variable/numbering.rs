//! Numbering plans: what libphonenumber's data says about country codes, compiled for speed.

use std::sync::LazyLock;

use phonenumber::{
    country,
    metadata::{DATABASE, Descriptor},
};
use regex::{Regex, RegexBuilder};

use super::phone::Region;

/// What is known of one country code.
pub(super) struct Plan {
    pub(super) code: String,
    /// Bit n: national numbers of n digits exist.
    lengths: u32,
    /// What national numbers look like, in any region of the code.
    general: Option<Regex>,
    /// The digits dialled before a national number, where all regions of the code have the same.
    trunk: Option<String>,
    /// What may stand in front of a national number and is not part of it, in any region of the code.
    pub(super) prefixes: Vec<Regex>,
}

impl Plan {
    fn of(code: u16, regions: &[&phonenumber::Metadata]) -> Self {
        // As in libphonenumber, the main country of a code decides what is possible in it.
        let main = regions.iter().find(|region| region.is_main_country_for_code()).or(regions.first());
        // A pattern that may match nothing would hide the others in one alternation.
        let (empty, solid): (Vec<_>, Vec<_>) = regions
            .iter()
            .flat_map(|region| prefixes(region))
            .partition(|pattern| anchored([pattern.clone()]).is_some_and(|re| re.is_match("")));
        let empty = empty.into_iter().filter_map(|pattern| anchored([pattern]));
        Self {
            code: code.to_string(),
            lengths: main.map_or(0, |region| lengths(region)),
            general: anchored(
                regions.iter().map(|region| {
                    format!("(?:{})$", region.descriptors().general().national_number().as_str())
                }),
            ),
            trunk: common(regions.iter().map(|region| region.national_prefix())).map(str::to_owned),
            prefixes: anchored(solid).into_iter().chain(empty).collect(),
        }
    }

    pub(super) const fn has_length(&self, digits: usize) -> bool {
        digits < 32 && self.lengths & (1 << digits) != 0
    }

    /// What is left of national digits without their prefix; `None`: ask the crate.
    ///
    /// What looks like a prefix belongs to the number when only with it the number looks like one:
    /// libphonenumber's rule, which the crate misses (it makes `+7 800 123 45 67` a number that starts
    /// with 00).
    pub(super) fn without_prefix<'a>(&self, national: &'a str) -> Option<&'a str> {
        let prefix = self.prefixes.iter().find_map(|re| re.find(national).filter(|found| !found.is_empty()));
        let Some(prefix) = prefix else { return Some(national) };
        let rest = &national[prefix.end()..];
        if self.looks_right(rest) {
            let is_simple =
                self.trunk.as_deref() == Some(prefix.as_str()) && !rest.starts_with(prefix.as_str());
            return is_simple.then_some(rest);
        }
        self.looks_right(national).then_some(national)
    }

    /// Whether some number of the code is written so.
    pub(super) fn looks_right(&self, national: &str) -> bool {
        self.general.as_ref().is_some_and(|general| general.is_match(national))
    }
}

/// One region as the place where a national number is dialled.
pub(super) struct Home {
    region: country::Id,
    pub(super) code: String,
    /// The prefix of international calls; `None` where it is not known.
    pub(super) way_out: Option<Regex>,
}

pub(super) struct Plans {
    by_code: Vec<Option<Plan>>,
    homes: Vec<Home>,
}

pub(super) static PLANS: LazyLock<Plans> = LazyLock::new(Plans::load);

impl Plans {
    fn load() -> Self {
        let mut by_code: Vec<Option<Plan>> = (0..1000).map(|_| None).collect();
        for code in 1..1000_u16 {
            let Some(regions) = DATABASE.by_code(&code) else { continue };
            by_code[usize::from(code)] = Some(Plan::of(code, &regions));
        }
        let homes = DATABASE.iter().filter_map(|metadata| {
            Some(Home {
                region: metadata.id().parse().ok()?,
                code: metadata.country_code().to_string(),
                way_out: anchored(metadata.international_prefix().map(|re| re.as_str().to_owned())),
            })
        });
        Self { homes: homes.collect(), by_code }
    }

    pub(super) fn of(&self, code: u16) -> Option<&Plan> {
        self.by_code.get(usize::from(code))?.as_ref()
    }

    /// The plan whose country code the digits start with; no code is the start of another.
    pub(super) fn starting(&self, digits: &str) -> Option<&Plan> {
        (1..=3).find_map(|length| {
            self.of(digits.get(..length)?.parse().ok()?).filter(|_| !digits.starts_with('0'))
        })
    }

    pub(super) fn home(&self, region: Region) -> Option<&Home> {
        self.homes.iter().find(|home| home.region == region.0)
    }
}

/// What is known of each kind of number of a region.
pub(super) fn kinds(region: &phonenumber::Metadata) -> impl Iterator<Item = &Descriptor> {
    let kinds = region.descriptors();
    [
        kinds.fixed_line(),
        kinds.mobile(),
        kinds.toll_free(),
        kinds.premium_rate(),
        kinds.shared_cost(),
        kinds.personal_number(),
        kinds.voip(),
        kinds.pager(),
        kinds.uan(),
        kinds.voicemail(),
    ]
    .into_iter()
    .flatten()
}

/// The lengths of all kinds of numbers, local ones (without their area code) left out.
fn lengths(region: &phonenumber::Metadata) -> u32 {
    kinds(region)
        .flat_map(Descriptor::possible_length)
        .filter(|&&length| length < 32)
        .fold(0, |bits, length| bits | 1 << length)
}

fn common<'a>(mut trunks: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let first = trunks.next()??;
    trunks.all(|trunk| trunk == Some(first)).then_some(first)
}

fn prefixes(region: &phonenumber::Metadata) -> impl Iterator<Item = String> {
    let parsing = region.national_prefix_for_parsing().map(|re| re.as_str().to_owned());
    parsing.into_iter().chain(region.national_prefix().map(regex::escape))
}

fn anchored(patterns: impl IntoIterator<Item = String>) -> Option<Regex> {
    let mut patterns: Vec<String> = patterns.into_iter().map(|pattern| format!("(?:{pattern})")).collect();
    patterns.sort_unstable();
    patterns.dedup();
    (!patterns.is_empty()).then(|| {
        // The patterns of the data are laid out over several lines.
        RegexBuilder::new(&format!("^(?:{})", patterns.join("|"))).ignore_whitespace(true).build().ok()
    })?
}
