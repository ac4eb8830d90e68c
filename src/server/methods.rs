//! Which methods a path has. The router matches path and method at once, so that it can't say; this can, from
//! the OpenAPI document, which is made of the same handlers.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    dev::ResourceDef,
    http::{Method, header},
    web,
};
use utoipa::openapi::{OpenApi, PathItem};

use crate::{
    admin,
    api::error::ApiError,
    error::{Code, Error},
};

/// Every path with its methods.
pub struct Methods(Vec<(ResourceDef, Vec<Method>)>);

impl Methods {
    /// Of the document's paths and the page's files.
    pub fn new(document: &OpenApi) -> Self {
        let documented = document.paths.paths.iter().map(|(path, item)| (path.clone(), methods(item)));
        let read =
            admin::paths().chain(["/api/docs/schema".to_owned()]).map(|path| (path, vec![Method::GET]));
        Self(documented.chain(read).map(|(path, methods)| (ResourceDef::new(path), methods)).collect())
    }

    /// Of a path, as `Allow` lists them; `None`: there is no such path.
    pub fn of(&self, path: &str) -> Option<String> {
        let mut found: Vec<&Method> = self
            .0
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

fn methods(item: &PathItem) -> Vec<Method> {
    [
        (&item.get, Method::GET),
        (&item.post, Method::POST),
        (&item.put, Method::PUT),
        (&item.patch, Method::PATCH),
        (&item.delete, Method::DELETE),
    ]
    .into_iter()
    .filter(|(operation, _)| operation.is_some())
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
