//! Pages of any origin may call a mock.

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};

/// A browser asks before it sends.
pub(super) fn is_preflight(request: &Request<Bytes>) -> bool {
    request.method() == http::Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

pub(super) fn share_with_pages(request: &Request<Bytes>, response: &mut Response<Bytes>) {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    if is_preflight(request) {
        let methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.unwrap_or(HeaderValue::from_static("*")));
    }
}
