//! Exact arithmetic on the digits of numbers; nothing here ever becomes a float.

use std::cmp::Ordering;

/// How many digits a written number may have; more is refused, since `1e999999999` would fill the memory.
const MAX_DIGITS: usize = 4096;

/// A decimal number: `digits` times ten to the power of `exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// From the first that isn't zero on; empty for zero.
    digits: Vec<u8>,
    exponent: i64,
}

/// How the last kept digit is found when others are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Halves go away from zero.
    HalfUp,
    /// Halves go to the even neighbour.
    HalfEven,
    /// Towards zero.
    Down,
    /// To the lower neighbour.
    Floor,
    /// To the higher neighbour.
    Ceil,
}

impl Decimal {
    /// Reads a number by the grammar of JSON, with a bounded exponent.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = whole.bytes().chain(fraction.bytes());
        if mantissa.is_empty() || !all.clone().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let digits: Vec<u8> = all.map(|byte| byte - b'0').skip_while(|digit| *digit == 0).collect();
        let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        (exponent.unsigned_abs() < 1 << 40).then_some(Self { negative, digits, exponent }.trimmed())
    }

    /// The product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        let mut digits = vec![0u8; self.digits.len() + other.digits.len()];
        for (i, a) in self.digits.iter().enumerate().rev() {
            let mut carry = 0;
            for (j, b) in other.digits.iter().enumerate().rev() {
                let sum = digits[i + j + 1] + a * b % 10 + carry % 10;
                carry = carry / 10 + a * b / 10 + sum / 10;
                digits[i + j + 1] = sum % 10;
            }
            digits[i] += carry;
        }
        let digits = digits.into_iter().skip_while(|digit| *digit == 0).collect();
        Self { negative: self.negative != other.negative, digits, exponent: self.exponent + other.exponent }
            .trimmed()
    }

    /// The number with at most so many digits behind the point.
    #[must_use]
    pub fn rounded(&self, places: u32, rounding: Rounding) -> Self {
        let drop = -(self.exponent + i64::from(places));
        if drop <= 0 || self.digits.is_empty() {
            return self.clone();
        }
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let kept = usize::try_from(length - drop).unwrap_or(0);
        // What is dropped, compared with one half; digits that are further right than the first count as zero.
        let half = match drop.cmp(&length) {
            Ordering::Greater => Ordering::Less,
            _ => self.digits[kept].cmp(&5).then(match self.digits.len() - kept {
                1 => Ordering::Equal,
                _ => Ordering::Greater,
            }),
        };
        let odd = kept > 0 && self.digits[kept - 1] % 2 == 1;
        let up = match rounding {
            Rounding::HalfUp => half != Ordering::Less,
            Rounding::HalfEven => half == Ordering::Greater || (half == Ordering::Equal && odd),
            Rounding::Down => false,
            Rounding::Floor => self.negative,
            Rounding::Ceil => !self.negative,
        };
        let mut digits = self.digits[..kept].to_vec();
        if up {
            match digits.iter().rposition(|digit| *digit < 9) {
                Some(at) => {
                    digits[at] += 1;
                    digits[at + 1..].fill(0);
                }
                None => {
                    digits.fill(0);
                    digits.insert(0, 1);
                }
            }
        }
        Self { negative: self.negative, digits, exponent: -i64::from(places) }.trimmed()
    }

    /// Whether there is nothing behind the point.
    pub fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// The number without exponent, with at least so many digits behind the point; `None` if it is too long.
    pub fn plain(&self, places: u32) -> Option<String> {
        let fraction = usize::try_from((-self.exponent).max(i64::from(places))).ok()?;
        let shift = usize::try_from(self.exponent + i64::try_from(fraction).ok()?).ok()?;
        if self.digits.len().checked_add(shift)?.max(fraction) > MAX_DIGITS {
            return None;
        }
        let mut text: String = self.digits.iter().map(|digit| char::from(digit + b'0')).collect();
        text.push_str(&"0".repeat(shift));
        if text.len() <= fraction {
            text.insert_str(0, &"0".repeat(fraction + 1 - text.len()));
        }
        if fraction > 0 {
            text.insert(text.len() - fraction, '.');
        }
        if self.negative && !self.digits.is_empty() {
            text.insert(0, '-');
        }
        Some(text)
    }

    /// Without trailing zeros, so that equal numbers are equal.
    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent += 1;
        }
        if self.digits.is_empty() {
            (self.negative, self.exponent) = (false, 0);
        }
        self
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        let magnitude =
            |number: &Self| number.exponent + i64::try_from(number.digits.len()).unwrap_or(i64::MAX);
        sign(self).cmp(&sign(other)).then_with(|| {
            let by_size = magnitude(self).cmp(&magnitude(other)).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { by_size.reverse() } else { by_size }
        })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    proptest! {
        #[test]
        fn products_agree_with_integers(a in any::<i64>(), b in any::<i64>()) {
            let product = number(&a.to_string()).times(&number(&b.to_string()));
            prop_assert_eq!(product.plain(0).unwrap(), (i128::from(a) * i128::from(b)).to_string());
        }

        #[test]
        fn order_agrees_with_integers(a in -9999i32..9999, b in -9999i32..9999, places in 0u32..6) {
            let shifted = |n: i32| number(&format!("{n}e-{places}"));
            prop_assert_eq!(shifted(a).cmp(&shifted(b)), a.cmp(&b));
        }

        #[test]
        fn rounding_agrees_with_integers(a in -99_999i64..99_999, drop in 0u32..7) {
            let unit = 10i64.pow(drop);
            let rounded = |how| {
                let text = number(&format!("{a}e-{drop}")).rounded(0, how).plain(0).unwrap();
                text.parse::<i64>().unwrap()
            };
            prop_assert_eq!(rounded(Rounding::Floor), a.div_euclid(unit));
            prop_assert_eq!(rounded(Rounding::Down), a / unit);
            prop_assert_eq!(rounded(Rounding::Ceil), -(-a).div_euclid(unit));
            prop_assert_eq!(rounded(Rounding::HalfUp), a.signum() * ((2 * a.abs() + unit) / (2 * unit)));
        }
    }

    #[test]
    fn digits_are_kept() {
        assert_eq!(
            number("123456789012345678901234567890.5").times(&number("100")).plain(0).unwrap(),
            "12345678901234567890123456789050"
        );
        assert_eq!(number("0.1").times(&number("3")).plain(2).unwrap(), "0.30");
        assert_eq!(number("-1.5e-3").plain(0).unwrap(), "-0.0015");
        assert_eq!(number("-0.00").plain(0).unwrap(), "0");
        assert_eq!(number("2.5").rounded(0, Rounding::HalfEven).plain(0).unwrap(), "2");
        assert_eq!(number("3.5").rounded(0, Rounding::HalfEven).plain(0).unwrap(), "4");
        assert_eq!(number("2.51").rounded(0, Rounding::HalfEven).plain(0).unwrap(), "3");
        assert_eq!(number("9.99").rounded(1, Rounding::HalfUp).plain(2).unwrap(), "10.00");
        assert!(number("1e999999999").plain(0).is_none());
        assert!(Decimal::parse("1e99999999999999").is_none());
        assert!(number("1.0") == number("1") && number("1e400") > number("9e399"));
    }
}
