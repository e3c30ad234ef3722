//! The two conversions of dates that nearly every mapping needs, by integer arithmetic on bytes.

/// `YYYY-MM-DDTHH:MM:SSZ` and its quotes.
pub(crate) const ISO_LENGTH: usize = 22;

/// Whole seconds since 1970, as text, become ISO 8601 in UTC with quotes. More than eleven digits are not
/// taken: they may be milliseconds.
#[inline(always)]
pub(crate) fn iso_of_unix(digits: &[u8]) -> Option<[u8; ISO_LENGTH]> {
    if digits.is_empty() || digits.len() > 11 {
        return None;
    }
    let mut seconds = 0u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        seconds = seconds * 10 + u64::from(digit);
    }
    let (days, rest) = (seconds / 86_400, (seconds % 86_400) as u32);
    // Years start in March, so that the leap day is the last of its year.
    let z = days as u32 + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u32::from(month <= 2);
    let mut out = *b"\"0000-00-00T00:00:00Z\"";
    let mut two = |at: usize, value: u32| {
        // The tenth part of a number below a hundred, without a division.
        let ten = (value * 205) >> 11;
        out[at] = b'0' + ten as u8;
        out[at + 1] = b'0' + (value - ten * 10) as u8;
    };
    two(1, year / 100);
    two(3, year % 100);
    two(6, month);
    two(9, day);
    two(12, rest / 3600);
    two(15, rest / 60 % 60);
    two(18, rest % 60);
    Some(out)
}

/// The other way: only this one form, only dates that exist, only from 1970 on.
#[inline(always)]
pub(crate) fn unix_of_iso(text: &[u8]) -> Option<u64> {
    let text: &[u8; ISO_LENGTH] = text.try_into().ok()?;
    let date = Pairs::of(text, 0, *b"\"0000-00");
    let hours = Pairs::of(text, 8, *b"-00T00:0");
    let rest = Pairs::of(text, 14, *b":00:00Z\"");
    if !(date.right & hours.right & rest.right) {
        return None;
    }
    let (year, month, day) = (date.at(1) * 100 + date.at(3), date.at(6), hours.at(1));
    let (hour, minute, second) = (hours.at(4), rest.at(1), rest.at(4));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const DAYS: [u32; 13] = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let last = *DAYS.get(month as usize)? + u32::from(leap && month == 2);
    if year < 1970 || day == 0 || day > last || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let y = year - u32::from(month <= 2);
    let (era, yoe) = (y / 400, y % 400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    let days = u64::from(era * 146_097 + doe - 719_468);
    Some(days * 86_400 + u64::from(hour * 3600 + minute * 60 + second))
}

/// Eight bytes of a text that should have a form, and the number at each byte: its digit and the next one.
struct Pairs {
    right: bool,
    numbers: u64,
}

impl Pairs {
    /// Of the bytes from `at` on. A zero in the form stands for any digit, all else for itself.
    #[inline(always)]
    fn of(text: &[u8; ISO_LENGTH], at: usize, form: [u8; 8]) -> Self {
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        // Added to what a byte differs from its form by, it reaches the high bit if that is too much.
        let most = form.map(|byte| if byte == b'0' { 0x80 - 10 } else { 0x80 - 1 });
        let mut word = [0; 8];
        word.copy_from_slice(&text[at..at + 8]);
        let digits = u64::from_le_bytes(word) ^ u64::from_le_bytes(form);
        let right = (digits | digits.wrapping_add(u64::from_le_bytes(most))) & HIGHS == 0;
        Self { right, numbers: digits.wrapping_mul(10).wrapping_add(digits >> 8) }
    }

    #[inline(always)]
    fn at(&self, byte: u32) -> u32 {
        (self.numbers >> (8 * byte)) as u32 & 0xff
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_goes_there_and_back() {
        let step = if cfg!(miri) { 9_973 } else { 1 };
        for day in (0..1_157_407u64).step_by(step) {
            let seconds = day * 86_400 + day % 86_400;
            let text = iso_of_unix(seconds.to_string().as_bytes()).unwrap();
            assert_eq!(unix_of_iso(&text), Some(seconds), "{}", String::from_utf8_lossy(&text));
        }
        assert_eq!(&iso_of_unix(b"1709210096").unwrap(), b"\"2024-02-29T12:34:56Z\"");
    }

    #[test]
    fn a_text_is_taken_if_each_of_its_bytes_is_right() {
        for text in [*b"\"2024-02-29T12:34:56Z\"", *b"\"1999-09-19T09:09:09Z\""] {
            for at in 0..ISO_LENGTH {
                for byte in (0..=255).step_by(if cfg!(miri) { 41 } else { 1 }) {
                    let mut other = text;
                    other[at] = byte;
                    let form = b"\"0000-00-00T00:00:00Z\"";
                    let fits = other.iter().zip(form).all(|(byte, form)| match form {
                        b'0' => byte.is_ascii_digit(),
                        _ => byte == form,
                    });
                    let taken = unix_of_iso(&other);
                    assert!(fits || taken.is_none(), "{}", other.escape_ascii());
                    // Of years before 5138; the other way takes no more digits.
                    if let Some(seconds) = taken.filter(|seconds| *seconds < 100_000_000_000) {
                        assert_eq!(iso_of_unix(seconds.to_string().as_bytes()), Some(other));
                    }
                }
            }
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_left_to_the_plain_road() {
        for text in
            ["2023-02-29T00:00:00Z", "2024-13-01T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01 00:00:00Z"]
        {
            assert_eq!(unix_of_iso(format!("\"{text}\"").as_bytes()), None, "{text}");
        }
        assert_eq!(iso_of_unix(b"100000000000"), None);
        assert_eq!(iso_of_unix(b"-1"), None);
    }
}
