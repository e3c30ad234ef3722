use crate::error::{Error, ErrorKind, Result};

/// How many records a request may ask for.
pub const MOST_IN_A_REQUEST: usize = 100;

/// How an integration is tested.
#[derive(Clone, Debug, PartialEq)]
pub struct TestOptions {
    /// How many realistic records are tried. Requests may ask for 1 to 100, see
    /// [`requested`](Self::requested); configuration may say more.
    pub test_count: usize,
    /// Whether adversarial records are tried too, for the robustness.
    pub adversarial: bool,
    /// Whether calls that change data are left out of live probes.
    pub skip_destructive: bool,
    /// What the records follow from: the same seed gives the same report.
    pub seed: u64,
    /// From which score on the gate is passed.
    pub threshold: f64,
    /// Which 95th percentile of response times, in milliseconds, is slow.
    pub slow_ms: f64,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self {
            test_count: 5,
            adversarial: true,
            skip_destructive: true,
            seed: 1,
            threshold: 70.0,
            slow_ms: 1000.0,
        }
    }
}

impl TestOptions {
    /// The options of a request that asks for `sample_size` records.
    ///
    /// ```
    /// use vitesse_core::guardian::TestOptions;
    /// assert_eq!(TestOptions::requested(10).unwrap().test_count, 10);
    /// assert!(TestOptions::requested(0).is_err() && TestOptions::requested(101).is_err());
    /// ```
    ///
    /// # Errors
    /// `invalid_input` if it isn't from 1 to 100.
    pub fn requested(sample_size: usize) -> Result<Self> {
        if !(1..=MOST_IN_A_REQUEST).contains(&sample_size) {
            return Err(Error::new(ErrorKind::InvalidInput, "the sample size is out of range")
                .in_operation("guardian.test")
                .with("test_sample_size", sample_size)
                .help(format!(
                    "give a number from 1 to {MOST_IN_A_REQUEST}; larger tests are a matter of configuration"
                )));
        }
        Ok(Self { test_count: sample_size, ..Self::default() })
    }
}
