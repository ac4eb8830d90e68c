//! `median` and `percentile`, as SQLite's percentile extension defines them: between two values the
//! answer lies in proportion. <https://www.sqlite.org/percentile.html>

use rusqlite::{Error, types::Type};

use super::{
    Answer, Call, Function,
    call::{Number, number},
    fold::{Budget, Fold},
    rows,
};

pub(super) const FUNCTIONS: &[Function] = rows! { "aggregate";
    median "(x)" [1] Aggregate(|| Box::new(Quantile { values: Vec::new(), share: Some(0.5) })):
        "The value in the middle, or between the two in the middle. NULL rows don't count.";
        "median(column1) FROM (VALUES (10), (1), (4), (3))" => "3.5";
    percentile "(x, p)" [2] Aggregate(|| Box::new(Quantile { values: Vec::new(), share: None })):
        "The value below which p percent of the values lie, p from 0 to 100 and the same in all rows. NULL rows don't count.";
        "percentile(column1, 25) FROM (VALUES (1), (2), (3), (4), (5))" => "2";
};

/// The values that there is room for at first; then the room doubles.
const FIRST_VALUES: usize = 64;

/// All values, until they are sorted.
struct Quantile {
    values: Vec<f64>,
    /// Which share of them lies below; `None`: no row has said so yet.
    share: Option<f64>,
}

impl Fold for Quantile {
    fn step(&mut self, call: &Call<'_>, budget: &mut Budget) -> Result<(), Error> {
        if call.len() == 2 {
            self.see_share(call)?;
        }
        if call.raw(0).data_type() == Type::Null {
            return Ok(());
        }
        let value = number(call.raw(0)).map(Number::real).filter(|value| value.is_finite());
        let Some(value) = value else {
            return Err(call.wrong(format_args!("{} is not a number", call.shown(0))));
        };
        if self.values.len() == self.values.capacity() {
            let more = self.values.capacity().max(FIRST_VALUES);
            budget.take(more * size_of::<f64>(), call)?;
            self.values.reserve_exact(more);
        }
        self.values.push(value);
        Ok(())
    }

    fn answer(mut self: Box<Self>) -> Result<Answer, Error> {
        let (Some(share), Some(last)) = (self.share, self.values.len().checked_sub(1)) else {
            return Ok(Answer::Null);
        };
        let place = share * last as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the last place"
        )]
        let below = place.floor() as usize;
        let (_, low, above) = self.values.select_nth_unstable_by(below, f64::total_cmp);
        let low = *low;
        let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
        Ok(Answer::Real(low + (high - low) * place.fract()))
    }
}

impl Quantile {
    fn see_share(&mut self, call: &Call<'_>) -> Result<(), Error> {
        let percent = number(call.raw(1)).map(Number::real).filter(|percent| (0.0..=100.0).contains(percent));
        let Some(percent) = percent else {
            return Err(call.wrong(format_args!("p is {}, not a number from 0 to 100", call.shown(1))));
        };
        let share = percent / 100.0;
        if self.share.is_some_and(|before| before.to_bits() != share.to_bits()) {
            return Err(call.wrong(format_args!("p is {} in one row and differs in another", call.shown(1))));
        }
        self.share = Some(share);
        Ok(())
    }
}
