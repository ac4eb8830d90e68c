//! Named places where a test can make the process die, a thread panic or wait, instead of sleeping and
//! hoping to hit them. They exist in builds with debug assertions only; a release has none.
//!
//! `SMARTCONNECTOR_BREAK=<name>:<nth>:<kill|panic|hold>` dies, panics or waits at the nth time that `<name>`
//! is reached. What waits makes the file that `SMARTCONNECTOR_BREAK_HOLD` names, and goes on when it is gone.

/// The variable that names the place.
pub const VARIABLE: &str = "SMARTCONNECTOR_BREAK";

/// The variable that names the file that is there while a thread waits.
pub const HOLD: &str = "SMARTCONNECTOR_BREAK_HOLD";

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
        match found.what {
            // Nothing is unwound or flushed: what a kill does.
            What::Kill => std::process::abort(),
            What::Panic => panic!("break-point {name}"),
            What::Hold => hold(),
        }
    }
}

#[cfg(debug_assertions)]
fn hold() {
    let Some(held) = std::env::var_os(HOLD).map(std::path::PathBuf::from) else { return };
    if std::fs::write(&held, "").is_err() {
        return;
    }
    while held.exists() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[cfg(debug_assertions)]
struct Break {
    name: String,
    nth: u64,
    what: What,
}

#[cfg(debug_assertions)]
#[derive(Clone, Copy)]
enum What {
    Kill,
    Panic,
    Hold,
}

#[cfg(debug_assertions)]
impl Break {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.rsplitn(3, ':');
        let (what, nth, name) = (parts.next()?, parts.next()?, parts.next()?);
        let what = match what {
            "kill" => What::Kill,
            "panic" => What::Panic,
            "hold" => What::Hold,
            _ => return None,
        };
        Some(Self { name: name.to_owned(), nth: nth.parse().ok()?, what })
    }
}
