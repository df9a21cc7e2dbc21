//! The paths of the server and their methods, for `Allow`, for OPTIONS, and for the route in log, metrics and traces.

use std::{collections::HashMap, future::Future, sync::Arc};

use poem::{
    IntoResponse, PathPattern, Request, Response, Result,
    error::{MethodNotAllowedError, NotFoundError},
    http::{HeaderValue, Method, StatusCode, Uri, header},
};

/// A path as in the OpenAPI document, and its `Allow` header. Responses and errors carry this value.
#[derive(Clone)]
pub(crate) struct KnownPath {
    pub(crate) name: Arc<str>,
    pub(crate) allow: HeaderValue,
}

/// The known paths, by their pattern in poem's router.
pub(crate) struct Paths(HashMap<String, KnownPath>);

impl Paths {
    /// Returns the paths of the OpenAPI document and of `pages`.
    pub(crate) fn new(documented: &[(String, Vec<String>)], pages: &[&str]) -> Self {
        let operations = documented
            .iter()
            .map(|(path, methods)| known(path, methods.iter().map(String::as_str)));
        let pages = pages.iter().map(|path| known(path, ["get"].into_iter()));
        Self(operations.chain(pages).collect())
    }

    /// Attaches the path to the response, responds to OPTIONS, and rejects disabled pages with 404.
    pub(crate) async fn apply<F: Future<Output = Result<Response>>>(
        &self,
        request: Request,
        next: impl FnOnce(Request) -> F,
    ) -> Result<Response> {
        let (is_options, uri) = (request.method() == Method::OPTIONS, request.uri().clone());
        let find = |pattern: Option<&PathPattern>| self.0.get(&*pattern?.0).cloned();
        match next(request).await {
            Ok(mut response) => {
                if let Some(path) = find(response.data()) {
                    response.set_data(path);
                }
                Ok(response)
            }
            Err(mut error) => {
                let is_refused = error.is::<MethodNotAllowedError>();
                let is_known = !is_refused && !error.is::<NotFoundError>();
                let path = find(error.data()).or_else(|| self.of(&uri).filter(|_| is_known));
                match path {
                    Some(path) if is_refused && is_options => {
                        let mut response = StatusCode::NO_CONTENT
                            .with_header(header::ALLOW, &path.allow)
                            .into_response();
                        response.set_data(path);
                        return Ok(response);
                    }
                    Some(path) => error.set_data(path),
                    None if is_refused => return Err(NotFoundError.into()),
                    None => {}
                }
                Err(error)
            }
        }
    }

    /// Finds the path of a request that did not reach the router yet, or timed out. As in the router, paths with fewer
    /// parameters come first.
    pub(crate) fn of(&self, uri: &Uri) -> Option<KnownPath> {
        let known = self.0.iter().filter(|(pattern, _)| matches(pattern, uri.path()));
        known.min_by_key(|(pattern, _)| pattern.matches(':').count()).map(|(_, path)| path.clone())
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let is_one = |(name, segment): (&str, &str)| name.starts_with(':') || name == segment;
    let (names, segments) = (pattern.split('/'), path.split('/'));
    names.clone().count() == segments.clone().count() && names.zip(segments).all(is_one)
}

/// Returns a path with its pattern in the router, where poem-openapi replaces parameter names by numbers.
fn known<'a>(path: &str, methods: impl Iterator<Item = &'a str>) -> (String, KnownPath) {
    let mut parameters = 0..;
    let segments = path.split('/').map(|segment| match segment.strip_prefix('{') {
        Some(_) => format!(":param{}", parameters.next().unwrap_or(0)),
        None => segment.to_owned(),
    });
    let pattern = segments.collect::<Vec<_>>().join("/");
    (pattern, KnownPath { name: path.into(), allow: allow(methods) })
}

/// Returns the `Allow` header. GET implies HEAD, and every path allows OPTIONS.
fn allow<'a>(methods: impl Iterator<Item = &'a str>) -> HeaderValue {
    let names = methods.flat_map(|method| match method {
        "get" => vec!["GET".to_owned(), "HEAD".to_owned()],
        other => vec![other.to_ascii_uppercase()],
    });
    let names: Vec<_> = names.chain(["OPTIONS".to_owned()]).collect();
    HeaderValue::from_str(&names.join(", ")).expect("method names are ASCII")
}
