//! The one error that crosses layers: a code, a sentence and, for bodies, the fields it is about.
//!
//! This module imports nothing. Each module turns its own error into [`Error`] where it is raised to
//! a caller, and only the HTTP layer knows which status a [`Code`] has.

use std::fmt;

/// What kind of refusal or failure this is. The word is part of the API (`code` in every error body).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// A value that must be there is missing.
    Required,
    /// A value is there and wrong.
    Invalid,
    /// Something else already has this value.
    Unique,
    /// An id inside a body or query did not resolve.
    DoesNotExist,
    /// The addressed thing is not there.
    NotFound,
    /// No credentials were sent.
    MissingCredentials,
    /// The credentials are unknown, expired or revoked.
    InvalidCredentials,
    /// The credentials are for another workspace or member.
    WrongWorkspace,
    /// Known, but not allowed.
    PermissionRequired,
    /// The thing is in a state that does not allow this now.
    Conflict,
    /// The request, or a part of it, is larger than the limit that the sentence names.
    TooLarge,
    /// The query string is longer than the limit that the sentence names.
    QueryTooLong,
    /// This sender has sent too often.
    TooManyRequests,
    /// A media type that this endpoint does not take.
    Unsupported,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Try again later.
    Busy,
    /// There is no space to write to. A caller is told `busy`: it passes, and reading goes on.
    DiskFull,
    /// A defect or a failing disk: the sentence is fixed, the facts are in the log.
    Internal,
}

impl Code {
    /// The word as the API spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Invalid => "invalid",
            Self::Unique => "unique",
            Self::DoesNotExist => "does_not_exist",
            Self::NotFound => "not_found",
            Self::MissingCredentials => "missing_credentials",
            Self::InvalidCredentials => "invalid_credentials",
            Self::WrongWorkspace => "wrong_workspace",
            Self::PermissionRequired => "permission_required",
            Self::Conflict => "conflict",
            Self::TooLarge | Self::QueryTooLong => "too_large",
            Self::TooManyRequests => "too_many_requests",
            Self::Unsupported => "unsupported",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Busy | Self::DiskFull => "busy",
            Self::Internal => "internal",
        }
    }
}

/// One refused field of a body: its path (`flow.loads[0].order`), why, and the code of the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field in the body, dots and `[n]`.
    pub path: String,
    /// The sentence about this field.
    pub message: String,
    /// The kind of refusal.
    pub code: Code,
}

/// A refusal or failure on its way to a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The kind.
    pub code: Code,
    /// One sentence for a person: what was found, what was expected, what to do.
    pub detail: String,
    /// The refused fields of a body, empty for everything else.
    pub fields: Vec<FieldError>,
}

/// The result of everything that a caller can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of any kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new() }
    }

    /// A value is there and wrong.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Code::Invalid, detail)
    }

    /// The field `path` of a body is missing.
    pub fn required(path: &str) -> Self {
        Self::new(Code::Required, format!("{path}: This field is required."))
            .field(path, "This field is required.")
    }

    /// An id inside a body or query did not resolve.
    pub fn does_not_exist(detail: impl Into<String>) -> Self {
        Self::new(Code::DoesNotExist, detail)
    }

    /// The addressed thing is not there. `what` is a noun: `connector`, `execution`.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("No such {what}."))
    }

    /// The thing is in a state that does not allow this now.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(Code::Conflict, detail)
    }

    /// A defect or a failing disk. The facts go to the log here, so that no caller ever sees them.
    pub fn internal(fact: impl fmt::Display) -> Self {
        log::error!("{fact}");
        Self::new(Code::Internal, "Something went wrong on the server. Its log has the details.")
    }

    /// Names the body field that this error is about. The sentence stays as it is and gets the path in front where
    /// it does not say it: some clients show nothing but `detail`.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        let message = self.detail.clone();
        if self.fields.is_empty() && !says(&message, path) {
            let name = path.rsplit('.').next().unwrap_or(path);
            let named = message.strip_prefix(name).and_then(|rest| rest.strip_prefix(": "));
            self.detail = format!("{path}: {}", named.unwrap_or(&message));
        }
        self.field(path, &message)
    }

    fn field(mut self, path: &str, message: &str) -> Self {
        self.fields.push(FieldError { path: path.to_owned(), message: message.to_owned(), code: self.code });
        self
    }
}

/// Whether a sentence has a path as a word of its own.
fn says(sentence: &str, path: &str) -> bool {
    let part_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
    sentence.split(|c| !part_of_path(c)).any(|word| word.trim_end_matches('.') == path)
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_which_field_it_is_about() {
        for (sentence, path, detail) in [
            ("Scope x is not found", "rows[0].scope", "rows[0].scope: Scope x is not found"),
            ("name: found 9", "name", "name: found 9"),
            ("mail: no address", "fields.mail", "fields.mail: no address"),
            ("It goes with status.", "status", "It goes with status."),
            ("One named x exists.", "name", "name: One named x exists."),
        ] {
            let error = Error::invalid(sentence).at(path);
            assert_eq!((error.detail.as_str(), error.fields[0].message.as_str()), (detail, sentence));
        }
        let second = Error::invalid("first").at("a").at("b");
        assert_eq!(second.detail, "a: first");
    }
}
