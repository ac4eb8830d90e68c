//! Whether numbers that were measured one after another rise.

/// By how much they rise from the first to the last, as the median of the slopes between any two of them tells
/// (Theil and Sen): a few far-off numbers change nothing.
pub fn rise(numbers: &[f64]) -> f64 {
    let mut slopes = Vec::new();
    for (n, first) in numbers.iter().enumerate() {
        for (m, second) in numbers.iter().enumerate().skip(n + 1) {
            slopes.push((second - first) / (m - n) as f64);
        }
    }
    median(&mut slopes) * numbers.len().saturating_sub(1) as f64
}

/// The middle one; of none 0.
pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look like noise, the same each time.
    fn noise(n: usize) -> f64 {
        ((n * n * 7919 + n * 31) % 101) as f64
    }

    #[test]
    fn a_leak_is_found_in_noise_and_noise_alone_is_none() {
        let noisy: Vec<f64> = (0..60).map(noise).collect();
        assert!(rise(&noisy).abs() < 25.0, "{}", rise(&noisy));
        let leaking: Vec<f64> = (0..60).map(|n| noise(n) + 4.0 * n as f64).collect();
        assert!((rise(&leaking) - 236.0).abs() < 25.0, "{}", rise(&leaking));
        let steps: Vec<f64> = (0..60).map(|n| f64::from(n / 20)).collect();
        assert!(rise(&steps) > 1.0);
    }

    #[test]
    fn a_single_peak_is_no_trend() {
        let mut flat = vec![10.0; 60];
        flat[50] = 10_000.0;
        assert!(rise(&flat).abs() < f64::EPSILON);
        assert!(rise(&[]).abs() < f64::EPSILON && rise(&[1.0]).abs() < f64::EPSILON);
    }
}
