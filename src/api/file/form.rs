//! A form with one large field, taken apart while it arrives.
//!
//! The parser keeps all that it is sent while it looks for a boundary or for the end of a part's head, and looks
//! from the start again with each piece. So what it is sent between two parts is counted and cut small: no head
//! needs more than `BETWEEN` bytes. What is in a part goes through as it comes.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use actix_web::{HttpRequest, web, web::Bytes};
use futures_util::{Stream, StreamExt as _};
use multer::{Constraints, Multipart, SizeLimit};

use super::receive::{AROUND, body, content_type};
use crate::{
    app::App,
    error::{Code, Error, Result},
    service::file,
};

/// The most that a field other than the file may hold.
const FIELD: u64 = 64 * 1024;
/// The most between the end of one part and the content of the next: what stands around parts, and their heads.
const BETWEEN: usize = 64 * 1024;
/// What the parser is given at once between two parts.
const SLICE: usize = 8 * 1024;

/// A form with one large field, `file`.
pub struct LargeForm {
    parts: Multipart<'static>,
    is_between: Arc<AtomicBool>,
}

impl LargeForm {
    /// Begins to read a request's body.
    ///
    /// # Errors
    /// `unsupported` when it is no form.
    pub fn new(app: &App, request: &HttpRequest, payload: web::Payload) -> Result<Self> {
        let boundary = multer::parse_boundary(content_type(request)).map_err(|_| {
            Error::new(
                Code::Unsupported,
                format!(
                    "Content-Type: found {:?}, expected multipart/form-data with a boundary",
                    content_type(request)
                ),
            )
        })?;
        let is_between = Arc::new(AtomicBool::new(false));
        let counted = Counted {
            pieces: body(app, payload),
            is_between: Arc::clone(&is_between),
            between: 0,
            left: file::limit(app) + AROUND,
            too_large: file::too_large(app.config.files.max_upload_mb),
            rest: Bytes::new(),
            gave: false,
        };
        let sizes = SizeLimit::new().per_field(FIELD).for_field("file", u64::MAX);
        let constraints = Constraints::new().size_limit(sizes);
        Ok(Self { parts: Multipart::with_constraints(counted, boundary, constraints), is_between })
    }

    /// The next field.
    pub async fn next(&mut self) -> Result<Option<multer::Field<'static>>> {
        self.is_between.store(true, Ordering::Relaxed);
        let next = self.parts.next_field().await.map_err(refused);
        self.is_between.store(false, Ordering::Relaxed);
        next
    }
}

/// A short field's text.
pub async fn text(field: multer::Field<'static>) -> Result<String> {
    field.text().await.map_err(refused)
}

/// The parser's refusal in our words.
pub fn refused(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(inner) => match inner.downcast::<Error>() {
            Ok(own) => *own,
            Err(other) => Error::invalid(format!("The body broke off: {other}")),
        },
        multer::Error::FieldSizeExceeded { field_name, .. } => Error::new(
            Code::TooLarge,
            format!("{}: The field is larger than {FIELD} bytes.", field_name.unwrap_or_default()),
        ),
        other => Error::invalid(format!("The form is not whole or not valid: {other}")),
    }
}

/// A body on its way to the parser.
struct Counted<S> {
    pieces: S,
    /// The parser looks for the next part.
    is_between: Arc<AtomicBool>,
    /// Bytes since it does.
    between: usize,
    /// Bytes that may still come in all.
    left: u64,
    too_large: Error,
    /// Of a piece that was cut.
    rest: Bytes,
    /// The parser takes whatever is there before it looks at it, unless it is told to wait after each slice.
    gave: bool,
}

impl<S: Stream<Item = Result<Bytes>> + Unpin> Stream for Counted<S> {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let is_between = this.is_between.load(Ordering::Relaxed);
        if !is_between {
            this.between = 0;
        } else if std::mem::take(&mut this.gave) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.rest.is_empty() {
            this.rest = match this.pieces.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(piece))) => piece,
                other => return other,
            };
            let Some(left) = this.left.checked_sub(this.rest.len() as u64) else {
                return Poll::Ready(Some(Err(this.too_large.clone())));
            };
            this.left = left;
        }
        if !is_between {
            return Poll::Ready(Some(Ok(std::mem::take(&mut this.rest))));
        }
        if this.between >= BETWEEN {
            return Poll::Ready(Some(Err(Error::new(
                Code::TooLarge,
                format!(
                    "The form has more than {BETWEEN} bytes before a field's content: no head is that long."
                ),
            ))));
        }
        let slice = this.rest.split_to(this.rest.len().min(SLICE));
        this.between += slice.len();
        this.gave = true;
        Poll::Ready(Some(Ok(slice)))
    }
}
