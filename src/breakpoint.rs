//! Named places where a test can make the process die or a thread panic, instead of sleeping and hoping to
//! hit them. They exist in builds with debug assertions only; a release has none.
//!
//! `SMARTCONNECTOR_BREAK=<name>:<nth>:<kill|panic>` dies at, or panics at, the nth time that `<name>` is reached.

/// The variable that names the place.
pub const VARIABLE: &str = "SMARTCONNECTOR_BREAK";

/// This place is reached.
#[cfg(not(debug_assertions))]
pub const fn reach(_name: &str) {}

/// This place is reached.
#[cfg(debug_assertions)]
pub fn reach(name: &str) {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };
    static BREAK: OnceLock<Option<Break>> = OnceLock::new();
    static REACHED: AtomicU64 = AtomicU64::new(0);
    let found = BREAK.get_or_init(|| std::env::var(VARIABLE).ok().and_then(|text| Break::parse(&text)));
    let Some(found) = found.as_ref().filter(|found| found.name == name) else { return };
    if REACHED.fetch_add(1, Ordering::AcqRel) + 1 == found.nth {
        assert!(!found.panics, "break-point {name}");
        // Nothing is unwound or flushed: what a kill does.
        std::process::abort();
    }
}

#[cfg(debug_assertions)]
struct Break {
    name: String,
    nth: u64,
    panics: bool,
}

#[cfg(debug_assertions)]
impl Break {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, ':');
        let (what, nth, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { name: name.to_owned(), nth: nth.parse().ok()?, panics: what == "panic" })
    }
}
