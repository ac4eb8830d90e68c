//! Which methods a path has. The router matches path and method at once, so that it can't say; this can, from
//! the OpenAPI document, which is made of the same handlers.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    dev::ResourceDef,
    http::{Method, header},
    web,
};
use utoipa::openapi::{OpenApi, PathItem, path::Operation, security::SecurityRequirement};

use crate::{
    admin,
    api::error::ApiError,
    error::{Code, Error},
};

/// Every path with its methods.
pub struct Methods {
    paths: Vec<Known>,
    /// Those that a path with a parameter in the same place fits too.
    shadowed: Vec<usize>,
}

struct Known {
    pattern: ResourceDef,
    methods: Vec<Method>,
    /// Those of its methods that can be called without a key.
    public: Vec<Method>,
    /// Segments that are spelt out: they win over parameters.
    literal: usize,
}

impl Methods {
    /// Of the document's paths and the page's files.
    pub fn new(document: &OpenApi) -> Self {
        let documented = document.paths.paths.iter();
        let documented =
            documented.map(|(path, item)| (path.clone(), methods(item, |_| true), methods(item, is_public)));
        let read = admin::paths().map(|path| (path, vec![Method::GET], vec![Method::GET]));
        let mut example = Vec::new();
        let mut paths = Vec::new();
        for (path, methods, public) in documented.chain(read) {
            let literal = path.split('/').filter(|segment| !segment.starts_with('{')).count();
            example.push(path.replace(['{', '}'], "-"));
            paths.push(Known { pattern: ResourceDef::new(path), methods, public, literal });
        }
        let is_shadowed = |n: &usize| {
            let fits =
                |other: &Known| other.literal < paths[*n].literal && other.pattern.is_match(&example[*n]);
            paths.iter().any(fits)
        };
        let shadowed = (0..paths.len()).filter(is_shadowed).collect();
        Self { paths, shadowed }
    }

    fn known(&self, path: &str) -> Option<&Known> {
        let found = self.paths.iter().filter(|known| known.pattern.is_match(path));
        found.max_by_key(|known| known.literal)
    }

    /// Whether a request with this method and path is answered to known callers only. Not for what there is
    /// not, and not for `/metrics`, which the configuration may open.
    pub fn needs_caller(&self, method: &Method, path: &str) -> bool {
        path.starts_with("/api/")
            && self
                .known(path)
                .is_some_and(|known| known.methods.contains(method) && !known.public.contains(method))
    }

    /// Of a path, as `Allow` lists them; `None`: there is no such path.
    pub fn of(&self, path: &str) -> Option<String> {
        self.known(path).map(Known::allow)
    }

    /// What a path allows that is spelt out and does not have the method. The router would go on to a path
    /// with a parameter, which means something else.
    pub fn refusal(&self, method: &Method, path: &str) -> Option<String> {
        let asked = if method == Method::HEAD { &Method::GET } else { method };
        let known =
            self.shadowed.iter().map(|n| &self.paths[*n]).find(|known| known.pattern.is_match(path))?;
        let has = known.methods.contains(asked) || method == Method::OPTIONS;
        (!has).then(|| known.allow())
    }
}

impl Known {
    fn allow(&self) -> String {
        let mut allowed: Vec<&Method> = self.methods.iter().collect();
        if allowed.contains(&&Method::GET) {
            allowed.push(&Method::HEAD);
        }
        allowed.push(&Method::OPTIONS);
        allowed.sort_by_key(|method| method.as_str());
        allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// The document says so of the operation itself: it can be called without any credentials, or with a signature
/// that is looked at with the body.
fn is_public(operation: &Operation) -> bool {
    let open = [SecurityRequirement::default(), SecurityRequirement::new("signature", [""; 0])];
    operation.security.as_ref().is_some_and(|ways| ways.iter().any(|way| open.contains(way)))
}

fn methods(item: &PathItem, wanted: fn(&Operation) -> bool) -> Vec<Method> {
    [
        (&item.get, Method::GET),
        (&item.post, Method::POST),
        (&item.put, Method::PUT),
        (&item.patch, Method::PATCH),
        (&item.delete, Method::DELETE),
    ]
    .into_iter()
    .filter(|(operation, _)| operation.as_ref().is_some_and(wanted))
    .map(|(_, method)| method)
    .collect()
}

/// Answers what no route took: a method that the path does not have, `OPTIONS`, a path that there is not.
pub async fn unrouted(request: HttpRequest, methods: web::Data<Methods>) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    let Some(allow) = methods.of(path) else {
        return ApiError(Error::new(Code::NotFound, format!("No such path: {method} {path}")))
            .error_response();
    };
    if method == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish();
    }
    not_allowed(method, path, allow)
}

/// The answer to a method that a path does not have.
pub fn not_allowed(method: &Method, path: &str, allow: String) -> HttpResponse {
    let detail = format!("{path} has no method {method}, only {allow}.");
    let mut response = ApiError(Error::new(Code::MethodNotAllowed, detail)).error_response();
    if let Ok(allow) = header::HeaderValue::try_from(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
