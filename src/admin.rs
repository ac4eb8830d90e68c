//! The page at `/`: static files from `static/`, embedded in the binary.
//!
//! The page is an ordinary client of the API. Nothing is built, and nothing is fetched from elsewhere;
//! the content security policy holds it to that. It also forbids, where the browser knows trusted types,
//! to make markup from text, so that stored markup can only ever be shown as text.

use actix_web::{
    HttpRequest, HttpResponse, get, guard,
    http::{
        StatusCode,
        header::{self, EntityTag},
    },
    web,
};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::{api::etag, hex};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

const INDEX: &str = "index.html";

/// `default-src` covers scripts, styles, images and requests; the others do not fall back to it.
const POLICY: &str = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// The page of the API's documentation.
const DOCS: &str = "docs.html";

/// Where each file is: its own name, and `/` for the index.
fn path(name: &str) -> String {
    if name == INDEX { "/".to_owned() } else { format!("/{name}") }
}

/// The OpenAPI document as a page to read, made in the browser of nothing but the document.
#[utoipa::path(tag = "Documentation", security(()), responses(
    (status = 200, content_type = "text/html", body = String),
    (status = 304, description = "It is the page that If-None-Match names.")))]
#[get("/api/docs")]
pub async fn docs(request: HttpRequest) -> HttpResponse {
    embedded(&request, DOCS)
}

/// Every path of the page.
pub fn paths() -> impl Iterator<Item = String> {
    Static::iter().map(|name| path(&name))
}

/// Registers one route per file.
pub fn routes(config: &mut web::ServiceConfig) {
    for name in Static::iter() {
        let path = path(&name);
        let reads = guard::Any(guard::Get()).or(guard::Head());
        config.route(
            &path,
            web::route().guard(reads).to(move |request: HttpRequest| {
                let answer = embedded(&request, &name);
                async move { answer }
            }),
        );
    }
}

fn embedded(request: &HttpRequest, name: &str) -> HttpResponse {
    match Static::get(name) {
        Some(file) => answer(request, name, file),
        None => HttpResponse::NotFound().finish(),
    }
}

/// Names carry no version, so a browser asks each time whether its copy is the same, and mostly is told so.
fn answer(request: &HttpRequest, name: &str, file: EmbeddedFile) -> HttpResponse {
    let etag = tag_of(&file);
    let status = if etag::is_known(request, &etag) { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, etag.to_string()))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"));
    if status == StatusCode::NOT_MODIFIED {
        return response.finish();
    }
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let charset = if mime.type_() == mime_guess::mime::TEXT { "; charset=utf-8" } else { "" };
    response.insert_header((header::CONTENT_TYPE, format!("{mime}{charset}"))).body(file.data.into_owned())
}

/// Weak: the same file goes out compressed and plain.
fn tag_of(file: &EmbeddedFile) -> EntityTag {
    EntityTag::new_weak(hex::written(&file.metadata.sha256_hash()))
}
