//! Export of spans to an OpenTelemetry collector: in batches, from a thread of the SDK, by OTLP over HTTP.
//! While the collector is unreachable, spans are lost and requests are not delayed.

use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use config::TracesConfig;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tokio::runtime::Handle;

/// The time limit for sending one batch.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the provider that creates and exports spans.
///
/// # Errors
/// The address of the collector is invalid.
pub(super) fn provider(config: &TracesConfig) -> anyhow::Result<SdkTracerProvider> {
    let client = HyperClient::with_default_connector(TIMEOUT, None);
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(OnRuntime(Handle::current(), client))
        .with_endpoint(format!("{}/v1/traces", config.endpoint))
        .with_timeout(TIMEOUT)
        .build()
        .context("OTEL_EXPORTER_OTLP_ENDPOINT")?;
    // If the client has started the trace, the client decides whether the trace is recorded.
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.ratio)));
    let resource = Resource::builder().with_service_name(config.service.clone()).build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}

/// Sends requests on the server's Tokio runtime, because the thread of the SDK does not have a runtime.
#[derive(Debug)]
struct OnRuntime(Handle, HyperClient);

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.1.clone();
        self.0.spawn(async move { client.send_bytes(request).await }).await?
    }
}
