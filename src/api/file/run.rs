//! `POST /api/smart-connectors/{connector}/upload`: a file sent straight to a connector, and run.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    post, web,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    form::{LargeForm, text},
    receive::{Received, body, content_type, is_form, refuse_long},
};
use crate::{
    api::{
        auth::Auth,
        blocking,
        body::Params,
        error::{ApiError, ErrorBody},
        execution::location,
        idempotency::{IdempotencyKey, answer, to_text},
    },
    app::App,
    error::{Error, Result},
    execution::{Execution, State},
    service::{
        execution,
        file::{self, Incoming, RunOptions, UploadedRun},
    },
};

/// Query of an upload: the name of a file that is the whole body, and what a form may say in its fields.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadQuery {
    /// The file's name, when the body is the file.
    pub filename: Option<String>,
    /// Does everything except write records.
    pub is_dry_run: Option<bool>,
    /// Loads every row, also those equal to rows that an earlier run loaded.
    pub disable_diff_check: Option<bool>,
    /// Parameters of this run, over the connector's: a JSON object of text, numbers, true, false and null.
    pub sql_parameters: Option<String>,
}

/// A file and how to run it.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form to callers; it is read as a stream")]
pub struct UploadForm {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// Does everything except write records.
    is_dry_run: Option<bool>,
    /// Loads every row, also those equal to rows that an earlier run loaded.
    disable_diff_check: Option<bool>,
    /// Parameters of this run, over the connector's: a JSON object of text, numbers, true, false and null.
    sql_parameters: Option<String>,
}

/// A run that an upload queued.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadAnswer {
    /// The run.
    pub execution_id: Uuid,
    /// Where it is in its life.
    pub status: State,
    /// The file.
    pub source_file_id: Uuid,
    /// Hash of the file's bytes, 64 hexadecimal digits.
    pub sha256: String,
    /// Whether it writes no records.
    pub is_dry_run: bool,
    /// Why it waits, or that the file was loaded before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
    /// The latest run of the connector that loaded the same bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_file_as: Option<Uuid>,
}

/// Upload a file and run it: File Upload (Trigger Run).
///
/// The file comes in a form, or is the body itself, with its name in the query. Whether the caller may
/// start a run of the connector is checked before a byte of it is read. With an `Idempotency-Key`, a request
/// is the same when its parameters, the file's name and its bytes are.
#[utoipa::path(tag = "File Upload (Trigger Run)", params(("connector" = String, Path, description = "Id or api name"), UploadQuery,
    ("Idempotency-Key" = Option<String>, Header, max_length = 255,
        description = "The same key with the same request within 24 hours has the first answer and starts nothing; with another request: 409.")),
    request_body(content((UploadForm = "multipart/form-data"), (Vec<u8> = "application/octet-stream"))), responses(
    (status = 201, body = UploadAnswer, headers(("Location" = String, description = "Path of the execution"))),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody),
    (status = 415, body = ErrorBody), (status = 503, body = ErrorBody)))]
#[post("/api/smart-connectors/{connector}/upload")]
pub async fn upload(
    app: web::Data<App>,
    caller: Auth,
    request: HttpRequest,
    key: IdempotencyKey,
    path: web::Path<String>,
    query: Params<UploadQuery>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let caller = caller.0;
    let options = options(&query.0)?;
    let as_form = is_form(&request);
    // A form may still say that it is a dry run.
    let is_dry_run = if options.is_dry_run { Some(true) } else { (!as_form).then_some(false) };
    let connector = {
        let caller = caller.clone();
        blocking(app.clone(), move |app| execution::may_start(app, &caller, &path, is_dry_run)).await?
    };
    refuse_long(&app, &request)?;
    let begin = |name: Option<&str>, kind: &str| {
        let name = name.or(query.0.filename.as_deref()).unwrap_or_default();
        Incoming::to_connector(&app, &caller, connector.id, name, kind)
    };
    let (received, options) = if as_form {
        from_form(LargeForm::new(&app, &request, payload)?, options, begin).await?
    } else {
        let incoming = begin(None, content_type(&request))?;
        (Received::body(incoming, body(&app, payload)).await?, options)
    };
    let incoming = received.whole()?;
    let (location, text) = blocking(app, move |app| {
        let queued = file::run(app, &caller, &connector, incoming, options, key.0)?;
        let location = location(queued.connector, queued.id);
        Ok((location, queued.answer(app, |execution| to_text(&told(app, execution)?))?))
    })
    .await?;
    let mut answer = answer(StatusCode::CREATED, text);
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

fn told(app: &App, execution: Execution) -> Result<UploadAnswer> {
    let run = UploadedRun::of(app, &execution)?;
    let again = run
        .same_file_as
        .map(|earlier| format!("The same file was loaded before, by the execution {earlier}."));
    let warnings: Vec<String> = execution.warning.into_iter().chain(again).collect();
    Ok(UploadAnswer {
        execution_id: execution.id.0,
        status: execution.state,
        source_file_id: run.file.id.0,
        sha256: run.file.sha256,
        is_dry_run: execution.is_dry_run,
        warning: (!warnings.is_empty()).then(|| warnings.join(" ")),
        same_file_as: run.same_file_as.map(|id| id.0),
    })
}

/// Reads a form to its end: fields may stand before the file and after it.
async fn from_form(
    mut form: LargeForm,
    mut options: RunOptions,
    begin: impl Fn(Option<&str>, &str) -> Result<Incoming>,
) -> Result<(Received, RunOptions), ApiError> {
    let mut received = None;
    while let Some(field) = form.next().await? {
        match field.name().unwrap_or_default() {
            "file" if received.is_some() => {
                return Err(Error::invalid("file: found a second file, expected one").at("file").into());
            }
            "file" => {
                let kind = field.content_type().map(ToString::to_string).unwrap_or_default();
                let incoming = begin(field.file_name(), &kind)?;
                received = Some(Received::field(incoming, field).await?);
            }
            "is_dry_run" => options.is_dry_run = flag("is_dry_run", &text(field).await?)?,
            "disable_diff_check" => {
                options.disable_diff_check = flag("disable_diff_check", &text(field).await?)?;
            }
            "sql_parameters" => options.sql_parameters = parameters(&text(field).await?)?,
            other => {
                let what = format!(
                    "{other}: found an unknown field, expected file, is_dry_run, disable_diff_check, sql_parameters"
                );
                return Err(Error::invalid(what).at(other).into());
            }
        }
    }
    let received = received.ok_or_else(|| Error::required("file"))?;
    Ok((received, options))
}

fn options(query: &UploadQuery) -> Result<RunOptions> {
    Ok(RunOptions {
        is_dry_run: query.is_dry_run.unwrap_or_default(),
        disable_diff_check: query.disable_diff_check.unwrap_or_default(),
        sql_parameters: query.sql_parameters.as_deref().map(parameters).transpose()?.unwrap_or_default(),
    })
}

fn flag(name: &str, text: &str) -> Result<bool> {
    text.trim()
        .parse()
        .map_err(|_| Error::invalid(format!("{name}: found {text:?}, expected true or false")).at(name))
}

fn parameters(text: &str) -> Result<Map<String, Json>> {
    let name = "sql_parameters";
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text)
        .map_err(|e| Error::invalid(format!("{name}: expected a JSON object: {e}")).at(name))
}
