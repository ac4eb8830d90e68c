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
    all: Vec<(ResourceDef, Vec<Method>)>,
    /// Those of the page's and the document's paths, and what the document says is for everybody. Few.
    public: Vec<(ResourceDef, Vec<Method>)>,
}

impl Methods {
    /// Of the document's paths and the page's files.
    pub fn new(document: &OpenApi) -> Self {
        let documented = |wanted: fn(&Operation) -> bool| {
            let paths = document.paths.paths.iter();
            paths.map(move |(path, item)| (path.clone(), methods(item, wanted)))
        };
        let read =
            || admin::paths().chain(["/api/docs/schema".to_owned()]).map(|path| (path, vec![Method::GET]));
        let paths = |found: Vec<(String, Vec<Method>)>| {
            let found = found.into_iter().filter(|(_, methods)| !methods.is_empty());
            found.map(|(path, methods)| (ResourceDef::new(path), methods)).collect()
        };
        Self {
            all: paths(documented(|_| true).chain(read()).collect()),
            public: paths(documented(is_public).chain(read()).collect()),
        }
    }

    /// Whether a request with this method and path is answered to known callers only. Not for what there is
    /// not, and not for `/metrics`, which the configuration may open.
    pub fn needs_caller(&self, method: &Method, path: &str) -> bool {
        let is_of = |list: &[(ResourceDef, Vec<Method>)]| {
            list.iter().any(|(known, methods)| methods.contains(method) && known.is_match(path))
        };
        path.starts_with("/api/") && !is_of(&self.public) && is_of(&self.all)
    }

    /// Of a path, as `Allow` lists them; `None`: there is no such path.
    pub fn of(&self, path: &str) -> Option<String> {
        let mut found: Vec<&Method> = self
            .all
            .iter()
            .filter(|(known, _)| known.is_match(path))
            .flat_map(|(_, methods)| methods)
            .collect();
        if found.is_empty() {
            return None;
        }
        if found.contains(&&Method::GET) {
            found.push(&Method::HEAD);
        }
        found.push(&Method::OPTIONS);
        found.sort_by_key(|method| method.as_str());
        found.dedup();
        Some(found.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", "))
    }
}

/// The document says so of the operation itself: it can be called without any credentials.
fn is_public(operation: &Operation) -> bool {
    let open = SecurityRequirement::default();
    operation.security.as_ref().is_some_and(|ways| ways.contains(&open))
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
    let detail = format!("{path} has no method {method}, only {allow}.");
    let mut response = ApiError(Error::new(Code::MethodNotAllowed, detail)).error_response();
    if let Ok(allow) = header::HeaderValue::try_from(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
