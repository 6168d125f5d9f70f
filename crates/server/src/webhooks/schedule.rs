//! When a delivery that failed is tried again: soon at first, then ever less often.

use std::time::Duration;

use wamedia_store::DeliveryId;

/// Attempts after which an endpoint that answers, and refuses, no longer holds up what comes behind: a quarter of an hour.
pub const PATIENCE_WITH_REFUSALS: u32 = 5;

/// The gap behind each attempt, in seconds; behind later ones the last of these.
const GAPS: [u64; 9] = [1, 5, 30, 120, 600, 1_800, 3_600, 3 * 3_600, 6 * 3_600];

/// How far a gap is stretched or shortened, in percent, so that what failed together does not come back together.
const JITTER: u64 = 20;

/// How long to wait behind attempt number `attempts`, counted from 1. What an endpoint asked for (`Retry-After`) makes a
/// gap longer, never shorter; nothing makes it longer than `longest`, but for the jitter.
pub fn gap(id: DeliveryId, attempts: u32, asked: Option<Duration>, longest: Duration) -> Duration {
    let step = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX).min(GAPS.len() - 1);
    let planned = Duration::from_secs(GAPS[step]);
    let gap = planned.max(asked.unwrap_or_default()).min(longest);
    // Told by the delivery and the attempt alone, so that nothing else's chance is touched: 80 to 120 percent.
    let drawn = mix(id.0.cast_unsigned() ^ u64::from(attempts) << 48) % (2 * JITTER + 1);
    gap * u32::try_from(100 - JITTER + drawn).unwrap_or(100) / 100
}

/// The finalizer of MurmurHash3 (public domain): near numbers become far ones.
fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn gaps_grow_up_to_the_longest() {
        for (attempt, seconds) in [
            (1, 1),
            (2, 5),
            (3, 30),
            (4, 120),
            (5, 600),
            (6, 1_800),
            (7, 3_600),
            (8, 3_600),
            (u32::MAX, 3_600),
        ] {
            let gap = gap(DeliveryId(1), attempt, None, HOUR).as_secs_f64() / f64::from(seconds);
            assert!((0.8..=1.2).contains(&gap), "attempt {attempt}: {gap}");
        }
        let day = Duration::from_secs(86_400);
        assert!(gap(DeliveryId(1), 100, None, day) >= 4 * HOUR);
    }

    #[test]
    fn jitter_spreads_what_failed_together() {
        let gaps: std::collections::BTreeSet<_> =
            (0..1_000).map(|id| gap(DeliveryId(id), 7, None, HOUR)).collect();
        assert_eq!(gaps.len(), 41);
        assert_eq!(
            (gaps.first().copied(), gaps.last().copied()),
            (Some(HOUR * 80 / 100), Some(HOUR * 120 / 100))
        );
        assert_eq!(gap(DeliveryId(5), 2, None, HOUR), gap(DeliveryId(5), 2, None, HOUR));
    }

    #[test]
    fn what_was_asked_for_is_honoured_within_bounds() {
        let asked = |seconds| gap(DeliveryId(1), 1, Some(Duration::from_secs(seconds)), HOUR).as_secs();
        assert!((96..=144).contains(&asked(120)));
        assert!(asked(0) <= 1);
        assert!(asked(1_000_000) <= HOUR.as_secs() * 120 / 100);
    }
}
