//! Lists: `{count, next, previous, results}`, paged by number.

use std::{
    future::{Ready, ready},
    net::SocketAddr,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{address, error::ApiError};
use crate::{
    app::App,
    error::{Error, Result},
    service::paging::Paging,
};

/// One page of a list.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// How many there are in all.
    pub count: u64,
    /// The next page's address, every filter included.
    #[schema(required)]
    pub next: Option<String>,
    /// The previous page's address.
    #[schema(required)]
    pub previous: Option<String>,
    /// This page's rows.
    pub results: Vec<T>,
}

/// Where this request was addressed: makes the absolute URLs of its answer.
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
    path: String,
    query: String,
}

impl Links {
    /// Those of what is told without being asked: by `server.public_url`, else by the address that is
    /// listened on.
    #[must_use]
    pub fn unasked(public_url: &str, address: SocketAddr) -> Self {
        let base = match public_url.trim_end_matches('/') {
            "" => format!("http://{address}"),
            public => public.to_owned(),
        };
        Self { base, path: String::new(), query: String::new() }
    }

    /// An absolute URL of this server. `path` starts with `/`.
    #[must_use]
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Wraps one page's rows.
    #[must_use]
    pub fn page<T>(&self, paging: Paging, count: u64, results: Vec<T>) -> Page<T> {
        let last = count.div_ceil(u64::from(paging.size)).max(1);
        let page = u64::from(paging.page);
        Page {
            count,
            next: (page < last).then(|| self.to_page(page + 1)),
            previous: (page > 1).then(|| self.to_page((page - 1).min(last))),
            results,
        }
    }

    /// Wraps the asked for part of a list that is at hand as a whole.
    #[must_use]
    pub fn part<T>(&self, paging: Paging, rows: Vec<T>) -> Page<T> {
        let count = rows.len() as u64;
        let skipped = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
        let rows = rows.into_iter().skip(skipped).take(paging.size as usize);
        self.page(paging, count, rows.collect())
    }

    fn to_page(&self, page: u64) -> String {
        let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(&self.query).unwrap_or_default();
        pairs.retain(|(name, _)| name != "page");
        pairs.push(("page".to_owned(), page.to_string()));
        let query = serde_urlencoded::to_string(&pairs).unwrap_or_default();
        format!("{}{}?{query}", self.base, self.path)
    }
}

impl FromRequest for Links {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let base = request
            .app_data::<web::Data<App>>()
            .ok_or_else(|| ApiError(Error::internal("the router has no App")))
            .map(|app| base(request, app));
        ready(base.map(|base| Self {
            base,
            path: request.path().to_owned(),
            query: request.query_string().to_owned(),
        }))
    }
}

/// `server.public_url`, else the `Host` header, which `server` has checked by now, with the scheme that was used.
fn base(request: &HttpRequest, app: &App) -> String {
    let public_url = &app.config.server.public_url;
    if public_url.is_empty() {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        format!("{}://{}", address::scheme(request, app), host.unwrap_or("localhost"))
    } else {
        public_url.trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_every_filter() {
        let links = Links {
            base: "http://h".into(),
            path: "/api/x".into(),
            query: "search=a%26b&page=2&page_size=2&ordering=-name".into(),
        };
        let page = links.page(Paging::new(Some(2), Some(2)).unwrap(), 5, vec![1, 2]);
        assert_eq!(
            page.next.as_deref(),
            Some("http://h/api/x?search=a%26b&page_size=2&ordering=-name&page=3")
        );
        assert_eq!(
            page.previous.as_deref(),
            Some("http://h/api/x?search=a%26b&page_size=2&ordering=-name&page=1")
        );
        let last = links.page(Paging::new(Some(3), Some(2)).unwrap(), 5, vec![1]);
        assert_eq!(last.next, None);
    }
}
