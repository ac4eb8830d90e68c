//! Where SQLite puts temporary tables: one setting for the whole process, so a test program of its own.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{fs, path::Path};

use smartconnector::{
    cancel::CancelToken,
    engine::{Engine, EngineLimits, set_temp_dir},
    variable::Locale,
};

#[test]
fn temporary_tables_go_to_the_folder_that_was_set() {
    let folder = tempfile::tempdir().unwrap();
    let (temp, scratch) = (folder.path().join("temp's"), folder.path().join("scratch"));
    fs::create_dir(&temp).unwrap();
    fs::create_dir(&scratch).unwrap();
    set_temp_dir(&temp).unwrap();
    set_temp_dir(&temp).unwrap();
    let other = set_temp_dir(&scratch).unwrap_err().to_string();
    assert!(other.contains("temp's already, and can't become"), "{other}");

    let limits = EngineLimits { min_free_mb: 0, ..EngineLimits::default() };
    let mut engine = Engine::open(&scratch, limits, Locale::default(), CancelToken::new()).unwrap();
    engine
        .run_script(
            "create temp table t as
               with recursive r(n) as (select 1 union all select n + 1 from r limit 40000)
               select printf('%.*c', 500, 'x') as a from r;
             create table output.x as select count(*) as n from t",
            &[],
        )
        .unwrap();
    // SQLite unlinks the file at once, so that nothing is left whatever happens; it is still open.
    assert_eq!(open_files_in(&temp), 1);
    assert_eq!(fs::read_dir(&temp).unwrap().count(), 0);
    drop(engine);
    assert_eq!(open_files_in(&temp), 0);
}

fn open_files_in(folder: &Path) -> usize {
    let files = fs::read_dir("/proc/self/fd").unwrap();
    let targets = files.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
    targets.filter(|target| target.starts_with(folder)).count()
}
