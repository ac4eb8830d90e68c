//! `/api/files` and `/api/s3`: files.

pub mod download;
pub mod form;
pub mod receive;
pub mod run;
pub mod store;

use actix_web::{HttpResponse, delete, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    auth::Auth,
    blocking,
    body::Params,
    error::{ApiError, ErrorBody},
    page::{Links, Page},
};
use crate::{
    app::App,
    error::{Error, Result},
    id::FileId,
    service::{
        file::{self, StoredFile},
        paging::Paging,
    },
};

/// A file.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileRef {
    /// Identity.
    pub id: Uuid,
    /// The name as sent.
    pub name: String,
    /// The media type as sent.
    pub content_type: String,
    /// Bytes.
    pub size_bytes: u64,
    /// The size for people.
    pub size_formatted: String,
    /// Where it is downloaded.
    pub url: String,
    /// Hash of the bytes, 64 hexadecimal digits.
    pub sha256: String,
}

impl FileRef {
    /// The answer for a file.
    #[must_use]
    pub fn new(file: StoredFile, links: &Links) -> Self {
        Self {
            url: links.absolute(&format!("/api/files/{}/download", file.id)),
            id: file.id.0,
            name: file.name,
            content_type: file.content_type,
            size_bytes: file.size,
            size_formatted: formatted(file.size),
            sha256: file.sha256,
        }
    }
}

/// The id in a path; what is no id names no file.
fn id(path: &str) -> Result<FileId> {
    path.parse().map_err(|_| Error::not_found("file"))
}

/// Query of the list of files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileSearch {
    /// Part of the name.
    #[serde(default)]
    pub search: String,
    /// From 1.
    #[param(minimum = 1)]
    pub page: Option<u32>,
    /// At most 1000.
    #[param(minimum = 1, maximum = 1000)]
    pub page_size: Option<u32>,
}

/// List the files that you may download, newest first.
#[utoipa::path(tag = "Files", params(FileSearch), responses(
    (status = 200, body = Page<FileRef>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody)))]
#[get("/api/files")]
pub async fn list(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    query: Params<FileSearch>,
) -> Result<web::Json<Page<FileRef>>, ApiError> {
    let paging = Paging::new(query.0.page, query.0.page_size)?;
    let (count, files) =
        blocking(app, move |app| file::list(app, &caller.0, &query.0.search, paging)).await?;
    let rows = files.into_iter().map(|file| FileRef::new(file, &links)).collect();
    Ok(web::Json(links.page(paging, count, rows)))
}

/// A file, without its bytes.
#[utoipa::path(tag = "Files", params(("id" = Uuid, Path)), responses(
    (status = 200, body = FileRef), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody)))]
#[get("/api/files/{id}")]
pub async fn get(
    app: web::Data<App>,
    caller: Auth,
    links: Links,
    path: web::Path<String>,
) -> Result<web::Json<FileRef>, ApiError> {
    let id = id(&path)?;
    let file = blocking(app, move |app| file::find_readable(app, &caller.0, id)).await?;
    Ok(web::Json(FileRef::new(file, &links)))
}

/// Delete a file that no connector and no execution uses.
#[utoipa::path(tag = "Files", params(("id" = Uuid, Path)), responses(
    (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
#[delete("/api/files/{id}")]
pub async fn delete(
    app: web::Data<App>,
    caller: Auth,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id = id(&path)?;
    blocking(app, move |app| file::delete(app, &caller.0, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A size in the unit that leaves one to three digits before the point.
fn formatted(bytes: u64) -> String {
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB"] {
        // What would be written as 1000.0 belongs to the next unit.
        if size < 999.95 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::formatted;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in
            [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"), (52_428_800, "52.4 MB")]
        {
            assert_eq!(formatted(bytes), text);
        }
    }
}
