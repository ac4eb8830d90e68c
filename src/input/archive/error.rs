//! Why an archive is not unpacked.

use std::fmt;

use crate::input::detect::Content;

/// What is wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchiveError {
    /// More files than are unpacked.
    TooManyFiles {
        /// How many.
        found: u64,
        /// How many there may be.
        most: u32,
    },
    /// Workbooks in it have more sheets than are read.
    TooManyTables {
        /// How many there may be in all.
        most: u32,
    },
    /// More bytes than are unpacked.
    TooLarge {
        /// How many MB there may be.
        most_mb: u32,
    },
    /// A file becomes larger than files do.
    Ratio {
        /// Which.
        file: String,
        /// How many times its size.
        ratio: u64,
        /// How many times it may be.
        most: u32,
    },
    /// A file needs a password.
    Encrypted {
        /// Which.
        file: String,
    },
    /// A file's name leads out of the archive.
    Outside {
        /// Which.
        file: String,
    },
    /// An archive in an archive.
    Nested {
        /// Which.
        file: String,
    },
    /// A file in a folder of a folder.
    Deep {
        /// Which.
        file: String,
    },
    /// Files in several folders.
    Folders {
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// No file that counts.
    Nothing,
    /// A file is packed in a way that is not read.
    Method {
        /// Which.
        file: String,
    },
    /// An office document of another kind.
    Document {
        /// What it is.
        found: &'static str,
    },
    /// A gzip archive of something else than text.
    GzipOf(Content),
    /// A gzip archive that ends early.
    GzipTruncated,
    /// Its bytes are not what they should be.
    Corrupt {
        /// ZIP or gzip.
        kind: &'static str,
        /// What the unpacker says.
        reason: String,
    },
}

impl ArchiveError {
    pub(super) fn zip(reason: &dyn fmt::Display) -> Self {
        Self::Corrupt { kind: "ZIP", reason: reason.to_string() }
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyFiles { found, most } => write!(
                f,
                "The file is an archive of {found} files, more than the {most} that are unpacked \
                 (files.max_archive_files)."
            ),
            Self::TooManyTables { most } => write!(
                f,
                "The files of the archive have more than {most} tables together (files.max_archive_files)."
            ),
            Self::TooLarge { most_mb } => {
                write!(f, "The file unpacks to more than {most_mb} MB (files.max_unpacked_mb).")
            }
            Self::Ratio { file, ratio, most } => write!(
                f,
                "{file} unpacks to {ratio} times its size, more than {most} times (files.max_unpack_ratio): \
                 it looks like a bomb."
            ),
            Self::Encrypted { file } => {
                write!(f, "{file} in the ZIP archive is encrypted. Send it without a password.")
            }
            Self::Outside { file } => {
                write!(f, "The ZIP archive holds a file named {file:?}, which leads out of the archive.")
            }
            Self::Nested { file } => write!(
                f,
                "The ZIP archive holds another archive, {file}. Put the files themselves into one archive."
            ),
            Self::Folders { one, other } => write!(
                f,
                "The ZIP archive holds files in several folders: {one} and {other}. Put them all into one, or into \
                 none."
            ),
            Self::Deep { file } => write!(
                f,
                "{file} in the ZIP archive lies in a folder of a folder. Put the files into one folder, or into none."
            ),
            Self::Nothing => f.write_str("The ZIP archive holds no file to read."),
            Self::Method { file } => write!(
                f,
                "{file} in the ZIP archive is packed by a method that is not read. Pack it as a plain ZIP (deflate)."
            ),
            Self::Document { found } => write!(f, "The file is {found} and no workbook."),
            Self::GzipOf(found) => write!(
                f,
                "The file is a gzip archive of something else than text: {found}. Send that as it is, without gzip."
            ),
            Self::GzipTruncated => {
                f.write_str("The gzip archive ends before its end: it is truncated. Send it again.")
            }
            Self::Corrupt { kind, reason } => write!(f, "The {kind} archive is damaged: {reason}."),
        }
    }
}
