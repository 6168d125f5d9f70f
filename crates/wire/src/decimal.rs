//! Decimal digits without the formatting machinery: ids and sizes stand in every answer.

/// The most digits that there are.
pub const DIGITS: usize = 20;

/// The digits of `number`, written into the end of `buffer`.
pub fn text(mut number: u64, buffer: &mut [u8; DIGITS]) -> &str {
    let mut start = DIGITS;
    loop {
        start -= 1;
        // The remainder is below ten.
        buffer[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    // Never the default: these are digits.
    str::from_utf8(&buffer[start..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_formatting_says() {
        for number in [0, 1, 9, 10, 99, 100, 1_761_991_787_669_262, u64::MAX - 1, u64::MAX] {
            assert_eq!(text(number, &mut [0; DIGITS]), number.to_string());
        }
    }
}
