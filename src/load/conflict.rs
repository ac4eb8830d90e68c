//! What an update does to a field that holds something: the conflict resolutions.

use crate::{connector::Conflict, object::FieldValue, store::upsert::Standing};

/// What happens to one field of a matched record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It stays as it is.
    Keep,
    /// The row's value replaces what is there; a blank clears it.
    Write,
    /// The row's options join those that are there.
    Add,
}

/// Decides for one field.
#[must_use]
pub fn merge(conflict: Conflict, held: Standing, value: &FieldValue) -> Merge {
    let is_blank = value.is_blank();
    match held {
        Standing::Same => Merge::Keep,
        // A blank over a blank changes nothing, whatever the resolution.
        Standing::Blank if is_blank => Merge::Keep,
        Standing::Blank => Merge::Write,
        Standing::Other => match conflict {
            Conflict::Overwrite => Merge::Write,
            Conflict::OverwriteExceptNull if !is_blank => Merge::Write,
            Conflict::OnlyAddOptions if !is_blank => Merge::Add,
            Conflict::OnlyUpdateBlank | Conflict::OverwriteExceptNull | Conflict::OnlyAddOptions => {
                Merge::Keep
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_resolution_treats_blank_and_held_values_as_its_name_says() {
        use Conflict::{OnlyAddOptions, OnlyUpdateBlank, Overwrite, OverwriteExceptNull};
        use Merge::{Add, Keep, Write};
        use Standing::{Blank, Other, Same};
        let (value, null) = (FieldValue::Integer(1), FieldValue::Null);
        for (conflict, held, brought, expected) in [
            (OnlyUpdateBlank, Blank, &value, Write),
            (OnlyUpdateBlank, Other, &value, Keep),
            (OnlyUpdateBlank, Other, &null, Keep),
            (Overwrite, Other, &value, Write),
            (Overwrite, Other, &null, Write),
            (Overwrite, Same, &value, Keep),
            (Overwrite, Blank, &null, Keep),
            (OverwriteExceptNull, Other, &value, Write),
            (OverwriteExceptNull, Other, &null, Keep),
            (OnlyAddOptions, Other, &value, Add),
            (OnlyAddOptions, Other, &null, Keep),
            (OnlyAddOptions, Blank, &value, Write),
        ] {
            assert_eq!(merge(conflict, held, brought), expected, "{conflict:?} {held:?} {brought:?}");
        }
    }
}
