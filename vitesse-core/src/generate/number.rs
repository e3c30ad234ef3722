use serde_json::{Number, Value};

use super::random::Random;
use crate::spec::{Json, Schema};

/// The numbers a schema allows, as whole multiples of a power of ten, so that bounds and steps are exact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// How many digits after the point the units are.
    scale: u32,
    low: Option<i128>,
    high: Option<i128>,
    step: i128,
}

const FAR: i128 = 1_000;

impl Range {
    /// What all these schemas allow together.
    pub(super) fn of(layers: &[&Schema], whole: bool, digits: u32) -> Self {
        let details = || layers.iter().map(|schema| schema.details());
        let all = details()
            .flat_map(|d| {
                [&d.minimum, &d.maximum, &d.exclusive_minimum, &d.exclusive_maximum, &d.multiple_of]
            })
            .flatten();
        let scale =
            all.map(|json| decimals(json.text())).max().unwrap_or(0).max(if whole { 0 } else { digits });
        let scale = scale.min(12);
        let units = |json: &Json, up: bool| scaled(json.text(), scale, up);
        let most = |bounds: Vec<i128>| bounds.into_iter().max();
        let low = most(
            details()
                .flat_map(|d| {
                    let open =
                        d.exclusive_minimum.as_ref().and_then(|json| units(json, false)).map(|n| n + 1);
                    [d.minimum.as_ref().and_then(|json| units(json, true)), open]
                })
                .flatten()
                .collect(),
        );
        let high = most(
            details()
                .flat_map(|d| {
                    let open = d.exclusive_maximum.as_ref().and_then(|json| units(json, true)).map(|n| n - 1);
                    [d.maximum.as_ref().and_then(|json| units(json, false)), open]
                })
                .flatten()
                .map(|n| -n)
                .collect(),
        )
        .map(|n| -n);
        let one = if whole { 10_i128.pow(scale) } else { 1 };
        let step = details()
            .filter_map(|d| units(d.multiple_of.as_ref()?, true))
            .filter(|step| *step > 0)
            .fold(one, least_common_multiple);
        let (low, high) = match layers.iter().find_map(|schema| schema.format.as_deref()) {
            Some("int32") => {
                let one = 10_i128.pow(scale);
                (low.or(Some(i128::from(i32::MIN) * one)), high.or(Some(i128::from(i32::MAX) * one)))
            }
            _ => (low, high),
        };
        Self { scale, low, high, step }
    }

    /// A number near what is usual, which is in whole numbers.
    pub(super) fn draw(&self, random: &mut Random, usual: (i128, i128)) -> Value {
        let one = 10_i128.pow(self.scale);
        let (low, high) = (usual.0 * one, usual.1 * one);
        let (low, high) = match (self.low, self.high) {
            // What is usual, where it is allowed at all.
            (least, most) if least.is_none_or(|n| n <= high) && most.is_none_or(|n| n >= low) => {
                (least.map_or(low, |n| n.max(low)), most.map_or(high, |n| n.min(high)))
            }
            (Some(least), Some(most)) => (least, most),
            (Some(least), None) => (least, least.saturating_add(FAR * one)),
            (None, Some(most)) => (most.saturating_sub(FAR * one), most),
            (None, None) => (low, high),
        };
        let (first, last) = self.steps(low, high).unwrap_or_else(|| {
            self.steps(self.low.unwrap_or(low), self.high.unwrap_or(high)).unwrap_or((0, 0))
        });
        self.value(random.between(first, last) * self.step)
    }

    /// The least and the greatest number, where there are bounds.
    pub(super) fn ends(&self) -> (Option<Value>, Option<Value>) {
        let end = |units: Option<i128>, up: bool| {
            let units = units?;
            let count = if up { ceiling(units, self.step) } else { units.div_euclid(self.step) };
            Some(self.value(count * self.step))
        };
        (end(self.low, true), end(self.high, false))
    }

    /// The numbers just outside of the bounds.
    pub(super) fn outside(&self) -> (Option<Value>, Option<Value>) {
        let out = |units: Option<i128>, by: i128| Some(self.value(units?.checked_add(by)?));
        (out(self.low, -self.step), out(self.high, self.step))
    }

    /// Which multiples of the step are between two numbers of units.
    fn steps(&self, low: i128, high: i128) -> Option<(i128, i128)> {
        let (first, last) = (ceiling(low, self.step), high.div_euclid(self.step));
        (first <= last).then_some((first, last))
    }

    fn value(&self, units: i128) -> Value {
        let one = 10_i128.pow(self.scale);
        if units % one == 0 {
            let whole = units / one;
            let number = i64::try_from(whole).map(Number::from);
            return number
                .or_else(|_| u64::try_from(whole).map(Number::from))
                .map_or(Value::Null, Value::Number);
        }
        let sign = if units < 0 { "-" } else { "" };
        let (units, one) = (units.unsigned_abs(), one.unsigned_abs());
        let text = format!("{sign}{}.{:0width$}", units / one, units % one, width = self.scale as usize);
        text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
    }
}

fn ceiling(units: i128, step: i128) -> i128 {
    units.div_euclid(step) + i128::from(units.rem_euclid(step) != 0)
}

fn least_common_multiple(a: i128, b: i128) -> i128 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).checked_mul(b).unwrap_or(b)
}

/// Digits after the point.
fn decimals(text: &str) -> u32 {
    let (mantissa, exponent) = parts(text);
    let digits = mantissa.split_once('.').map_or(0, |(_, digits)| digits.trim_end_matches('0').len());
    u32::try_from((digits as i64 - exponent).max(0)).unwrap_or(0)
}

fn parts(text: &str) -> (&str, i64) {
    match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse().unwrap_or(0)),
        None => (text, 0),
    }
}

/// A number's text in units of 10^-scale; what is between two units goes up or down. `None` if it is too far
/// out to be a bound that matters.
fn scaled(text: &str, scale: u32, up: bool) -> Option<i128> {
    let (mantissa, exponent) = parts(text);
    let negative = mantissa.starts_with('-');
    let (whole, digits) =
        mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa.trim_start_matches('-'), ""));
    let number: i128 = format!("{whole}{digits}").parse().ok()?;
    let number = if negative { -number } else { number };
    let shift = i64::from(scale) + exponent - digits.len() as i64;
    if shift >= 0 {
        let scaled = number.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
        (scaled.unsigned_abs() < 10_u128.pow(31)).then_some(scaled)
    } else {
        let by = 10_i128.checked_pow(u32::try_from(-shift).ok()?)?;
        Some(if up { ceiling(number, by) } else { number.div_euclid(by) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Details, Type};

    fn range(set: impl FnOnce(&mut Details), whole: bool) -> Range {
        let mut details = Details::default();
        set(&mut details);
        let schema = Schema { details: Some(Box::new(details)), ..Schema::of(Type::Number) };
        Range::of(&[&schema], whole, 2)
    }

    fn json(text: &str) -> Option<Json> {
        Json::from_text(text)
    }

    #[test]
    fn bounds_and_steps_are_exact() {
        let open = range(|d| (d.exclusive_minimum, d.maximum) = (json("0"), json("1")), false);
        assert_eq!(open.ends(), (Some(0.01.into()), Some(1.into())));
        let steps =
            range(|d| (d.minimum, d.maximum, d.multiple_of) = (json("0.1"), json("1"), json("0.15")), false);
        assert_eq!(steps.ends(), (Some(0.15.into()), Some(0.9.into())));
        let whole = range(|d| (d.minimum, d.maximum) = (json("2.5"), json("9e0")), true);
        assert_eq!(whole.ends(), (Some(3.into()), Some(9.into())));
        assert_eq!(whole.outside().1, Some(10.into()));
        let mut random = Random::new(1, 1);
        for _ in 0..200 {
            let drawn = steps.draw(&mut random, (0, 100)).as_f64().unwrap();
            let times = drawn / 0.15;
            assert!((0.1..=1.0).contains(&drawn) && (times - times.round()).abs() < 1e-9, "{drawn}");
            assert!((3..=9).contains(&whole.draw(&mut random, (100, 200)).as_i64().unwrap()));
        }
    }

    #[test]
    fn bounds_that_nothing_meets_and_huge_ones_do_no_harm() {
        let never = range(|d| (d.minimum, d.maximum) = (json("5"), json("1")), true);
        assert!(never.draw(&mut Random::new(1, 1), (0, 9)).is_number());
        let huge =
            range(|d| (d.minimum, d.maximum) = (json("-1e300"), json("1.7976931348623157e308")), false);
        assert!(huge.draw(&mut Random::new(1, 1), (0, 9)).is_number());
        let wide = range(|d| d.maximum = json("18446744073709551615"), true);
        assert_eq!(wide.ends().1, Some(u64::MAX.into()));
    }
}
