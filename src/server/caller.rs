//! Who asks is decided before anything else of a request is looked at: whoever has no credentials learns
//! nothing of what is wrong with its query or body, and none of its body is read.

use actix_web::{
    Error as ActixError, HttpMessage as _, ResponseError as _,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use super::methods::Methods;
use crate::api::auth;

/// Recognises the caller of every operation that is not for everybody, for [`auth::Auth`] to find.
pub async fn first<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, ActixError> {
    let methods = request.app_data::<web::Data<Methods>>();
    if methods.is_some_and(|methods| methods.needs_caller(request.method(), request.path())) {
        match auth::recognise(request.request()).await {
            Ok(caller) => _ = request.extensions_mut().insert(caller),
            Err(error) => return Ok(request.into_response(error.error_response()).map_into_right_body()),
        }
    }
    next.call(request).await.map(ServiceResponse::map_into_left_body)
}
