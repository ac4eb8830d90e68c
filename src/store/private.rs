//! Files and folders that are their owner's alone.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    path::Path,
};

/// Makes files that only their owner can read and write; one that is there keeps its mode.
pub(super) fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Makes a folder, with those above it, that only its owner can read and write. One that is there becomes so.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        builder.mode(0o700).create(path)?;
        let found = path.metadata()?.permissions();
        if found.mode() & 0o077 != 0
            && let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
        {
            // It is somebody else's, who lets others in: what is made in it is private all the same.
            log::warn!("others can read the folder {}: {error}", path.display());
        }
        Ok(())
    }
    #[cfg(not(unix))]
    {
        builder.create(path)
    }
}
