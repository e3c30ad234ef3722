//! The whole way, with both APIs played by mocks.

use std::net::SocketAddr;
use std::sync::Arc;

use super::live::LiveApi;
use super::report::TestReport;
use super::run::Guardian;
use crate::error::Result;
use crate::mapping::Mapping;
use crate::mock::{AuthPolicy, Mock, MockOptions, serve};
use crate::net::{Client, Guard, NetConfig};
use crate::progress::Progress;
use crate::spec::ApiSpec;

/// How many records the source's mock has at most.
const MOST: usize = 100;

impl Guardian {
    /// Makes every call of the integration against two mocks, and gives the report of [`test`](Self::test) with
    /// what they answered as its `rehearsal`.
    ///
    /// The source's mock has records to read; the destination's is looked at and written to, and judges each
    /// request by its description. So this shows what records alone can't: a path that is wrong, a body that
    /// isn't wrapped as it should be, a parameter that is missing. Nothing but this machine is called.
    ///
    /// # Errors
    /// As [`test`](Self::test), and if no port of this machine is free.
    pub async fn rehearse(
        &self,
        report: TestReport,
        mapping: &Mapping,
        source: &Arc<ApiSpec>,
        dest: &Arc<ApiSpec>,
        progress: &Progress,
    ) -> Result<TestReport> {
        let mock = |spec: &Arc<ApiSpec>, records| {
            let options = MockOptions {
                seed: self.options.seed,
                stateful: true,
                records,
                auth: AuthPolicy::Off,
                ..MockOptions::default()
            };
            Mock::new(Arc::clone(spec), options).map(Arc::new)
        };
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let source_mock = serve(mock(source, self.options.test_count.min(MOST))?, anywhere).await?;
        let dest_mock = serve(mock(dest, 0)?, anywhere).await?;
        let client = Client::new(NetConfig {
            guard: Guard { allow_private: true, ..Guard::default() },
            ..NetConfig::default()
        })?;
        let mut bold = self.clone();
        bold.options.skip_destructive = false;
        // A mock's speed says nothing about an API's.
        bold.options.slow_ms = f64::INFINITY;
        let api = |spec, base_url| LiveApi { spec, base_url, auth: None };
        let (from, to) = (api(source, source_mock.url()), api(dest, dest_mock.url()));
        let mut report = bold.probe(report, mapping, from, to, &client, progress).await?;
        report.rehearsal = report.live.take();
        source_mock.stop().await;
        dest_mock.stop().await;
        Ok(report)
    }
}
