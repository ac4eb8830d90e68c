//! HTTP: every route of the API.
//!
//! A handler extracts, calls one service function on the blocking pool, and wraps the answer in its
//! JSON shape. The OpenAPI document is collected from the handlers, so it can't miss one.

pub mod activity;
pub mod address;
pub mod asked_state;
pub mod auth;
pub mod backup;
pub mod body;
pub mod connector;
pub mod disposition;
pub mod docs;
pub mod error;
pub mod etag;
pub mod event;
pub mod execution;
pub mod field;
pub mod file;
pub mod filter_group;
pub mod health;
pub mod idempotency;
pub mod metadata;
pub mod object;
pub mod package;
pub mod page;
pub mod people;
pub mod preview;
pub mod record;
pub mod script;
pub mod session;
pub mod sound;
pub mod spooled;
pub mod sql_function;
pub mod team;
pub mod time;
pub mod variable;
pub mod webhook;

use std::time::Instant;

use actix_web::{dev::HttpServiceFactory, web};
use utoipa_actix_web::{OpenApiFactory, service_config::ServiceConfig as Described};

use self::error::ApiError;
use crate::{
    app::App,
    breakpoint, context,
    error::{Error, Result},
};

/// Takes the routes: to serve them, or to describe them as well.
///
/// Each thread that serves has a router of its own, and a document is megabytes while it is made: one is enough.
pub trait Routes {
    /// Takes one.
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self;
}

impl Routes for web::ServiceConfig {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        Self::service(self, route)
    }
}

impl Routes for Described<'_> {
    fn service<F: HttpServiceFactory + OpenApiFactory + 'static>(&mut self, route: F) -> &mut Self {
        Self::service(self, route)
    }
}

/// Hands over every route.
pub fn routes(to: &mut impl Routes) {
    to.service(docs::schema)
        .service(health::live)
        .service(health::ready)
        .service(health::metrics)
        .service(backup::download)
        .service(session::sign_in)
        .service(session::sign_out)
        .service(people::typeahead)
        .service(team::list)
        .service(team::add)
        .service(team::change)
        .service(team::remove)
        .service(people::keys)
        .service(people::create_key)
        .service(people::revoke_key)
        .service(file::list)
        .service(file::get)
        .service(file::delete)
        .service(file::download::download)
        .service(file::store::presigned_post)
        .service(file::store::store)
        .service(file::store::success)
        .service(file::run::upload)
        // Before the paths of one connector: a literal segment is no connector's name.
        .service(metadata::metadata)
        .service(connector::copy::import)
        .service(connector::list)
        .service(connector::create)
        .service(connector::show)
        .service(connector::change)
        .service(connector::remove)
        .service(connector::copy::duplicate)
        .service(connector::copy::export)
        .service(connector::file_template)
        .service(variable::suggest)
        .service(event::history)
        .service(event::all)
        .service(activity::list)
        .service(script::list)
        .service(script::history)
        .service(script::restore)
        .service(script::get)
        .service(script::change)
        .service(script::start)
        .service(script::cancel)
        .service(script::publish)
        .service(preview::make)
        .service(script::download_output_sample)
        .service(sql_function::list)
        .service(webhook::send)
        .service(webhook::flush)
        .service(execution::start)
        .service(execution::list)
        .service(execution::list_all)
        .service(execution::get)
        .service(execution::cancel)
        .service(execution::rerun)
        .service(execution::script)
        .service(execution::progress::open)
        .service(execution::outcome::outcomes)
        .service(execution::outcome::logs)
        .service(execution::outcome::rejected_csv)
        .service(package::of_connector)
        .service(package::of_script)
        .service(package::of_script_too)
        .service(package::of_execution)
        .service(object::list)
        .service(object::create)
        .service(object::read)
        .service(object::update)
        .service(object::archive)
        .service(field::list)
        .service(field::create)
        .service(field::update)
        .service(field::delete)
        .service(filter_group::list)
        .service(filter_group::create)
        .service(filter_group::read)
        .service(filter_group::update)
        .service(filter_group::delete)
        .service(record::search)
        .service(record::add)
        .service(record::upsert)
        .service(record::lookup)
        .service(record::export)
        .service(record::read)
        .service(record::update)
        .service(record::archive)
        .service(record::unarchive);
}

/// Runs `work` on the blocking pool: nothing below this layer is async, and nothing there may hold up
/// the threads that accept requests.
pub async fn blocking<T: Send + 'static>(
    app: web::Data<App>,
    work: impl FnOnce(&App) -> Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let metrics = app.metrics.clone();
    let began = Instant::now();
    let work = context::carried(move || {
        breakpoint::reach("blocking");
        let _awaited = context::awaited(began, app.config.server.busy_after());
        work(&app)
    });
    let Ok(answer) = web::block(work).await else {
        metrics.panicked("request");
        return Err(ApiError(Error::internal("the request's work panicked")));
    };
    answer.map_err(ApiError)
}
