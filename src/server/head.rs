//! `HEAD`: what `GET` would answer, without its body.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::{BodySize, MessageBody},
    web::Bytes,
};

/// A body that is told of and not sent. The one that it stands for is dropped, so that nothing is read for it.
pub struct Unsent(BodySize);

impl Unsent {
    /// Stands for a body.
    pub fn of(body: &impl MessageBody) -> Self {
        Self(body.size())
    }
}

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}
