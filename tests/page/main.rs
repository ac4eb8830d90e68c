//! The page in a real browser. Each test ends with [`clean`]: no console error, no violation of the content
//! security policy, no request to another origin, no stored markup taken for such.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/mod.rs"]
mod support;

mod browser;
mod shop;

use serde_json::json;

use browser::Browser;
use shop::{MARKUP, Shop};

/// Rows in lines 2 to 5; two can't be loaded.
const ORDERS: &str = "number,total\nA-1,1.50\nA-2,<img src=x onerror=window.taken=1>\n\
    <img src=x onerror=window.taken=1>,3\n,4\n";

fn sign_in(browser: &Browser, key: &str) {
    browser.type_into("#key", key);
    browser.click("Sign in");
}

/// A browser that shows the connector.
fn at_orders(shop: &Shop) -> Browser {
    let browser = Browser::open(&shop.server.url);
    sign_in(&browser, &shop.server.key);
    browser.click(&format!("Orders {MARKUP}"));
    browser.sees("h1", "Orders");
    browser
}

fn send(browser: &Browser, name: &str, text: &str) {
    let file = browser.file(name, text);
    browser.type_into("#file", file.to_str().unwrap());
}

#[track_caller]
fn clean(browser: &Browser) {
    assert_eq!(browser.troubles(), Vec::<String>::new());
    let marks = "return [document.images.length, window.taken === undefined, document.querySelectorAll('[onerror]').length]";
    assert_eq!(browser.script(marks, &[]), json!([0, true, 0]));
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn a_wrong_key_is_refused_in_the_servers_words() {
    let shop = Shop::open();
    let browser = Browser::open(&shop.server.url);
    assert_eq!(browser.script("return document.activeElement.id", &[]), "key");
    sign_in(&browser, "no-such-key");
    browser.sees("[role=alert]", "The key or session is unknown, expired or revoked.");
    // The browser itself notes every refused request; this one was meant.
    let troubles = browser.troubles();
    assert!(troubles.len() == 1 && troubles[0].contains("/api/session"), "{troubles:?}");
    browser.script("document.querySelector('#key').value = ''", &[]);
    sign_in(&browser, &shop.server.key);
    browser.sees("h1", "Connectors");
    clean(&browser);
    browser.click("Sign out");
    browser.sees("h1", "Sign in");
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn a_file_is_run_watched_and_its_rejected_rows_read() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    browser.sees(".empty", "No runs yet. Drop a file above");
    send(&browser, "orders <img src=x onerror=window.taken=1>.csv", ORDERS);
    browser.sees("#status", "partial success");
    browser.sees("#said", "2 rows were rejected. The others were loaded.");
    for (total, rows) in [("rows", "4"), ("created", "2"), ("updated", "0"), ("errors", "2")] {
        browser.sees(&format!("#total-{total}"), rows);
    }
    let cell = |row: usize| format!("section[aria-labelledby=rows] tbody tr:nth-child({row}) td > div");
    browser.sees(&cell(2), "number is required");
    let bad = browser.texts(&cell(1));
    assert_eq!(bad[..5], ["3", "2", "orders", "total", MARKUP]);
    assert!(bad[5].contains(MARKUP) && bad[5].contains("not a number"), "{bad:?}");
    assert_eq!(browser.texts(&cell(2))[..5], ["5", "4", "orders", "number", "blank"]);
    browser.click("Report");
    assert!(browser.saved("_output_1.xlsx").starts_with(b"PK"));
    browser.click("Rejected rows");
    let rejected = String::from_utf8(browser.saved("rejected.csv")).unwrap();
    assert!(rejected.contains(&format!("A-2,{MARKUP},")), "{rejected}");
    browser.click("Dev package");
    assert!(browser.saved(".zip").starts_with(b"PK"));
    browser.reload();
    browser.sees("#status", "partial success");
    browser.sees("dl.facts", &format!("orders {MARKUP}.csv"));
    browser.sees(&cell(1), MARKUP);
    browser.click(&format!("Orders {MARKUP}"));
    browser.sees("tbody td", &format!("orders {MARKUP}.csv"));
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn all_rows_rejected_shows_as_an_error() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    send(&browser, "bad.csv", "number,total\nA-1,x\nA-2,y\n");
    browser.sees("#status .badge.bad", "all rows rejected");
    browser.sees("#said [role=alert]", "All 2 rows were rejected. Nothing was written.");
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn a_run_that_fails_says_why_and_a_dry_run_says_what_it_is() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    let dry = browser.find("#dry-run");
    browser.tick(&dry);
    send(&browser, "short.csv", "number\nA-1\n");
    browser.sees("#status", "failed");
    browser.sees("#status", "dry run");
    browser.sees("#said [role=alert]", "total");
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn a_long_run_is_watched_and_cancelled() {
    let shop = Shop::open();
    let id = shop.start_endless();
    let browser = at_orders(&shop);
    browser.go(&format!("/#/connectors/orders/executions/{id}"));
    browser.sees("tbody tr", "Run the script");
    browser.sees("#status", "in progress");
    browser.click("Cancel this run");
    browser.sees("#status", "cancelled");
    browser.sees("#said", "It was cancelled. Nothing was written.");
    browser.sees(".empty", "No row was rejected.");
    assert_eq!(browser.texts(".cancel"), Vec::<String>::new(), "there is nothing to cancel any more");
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn a_session_that_ended_leads_to_signing_in_and_back() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    clean(&browser);
    browser.forget_cookies();
    browser.reload();
    browser.sees("h1", "Sign in");
    browser.sees("[role=alert]", "No credentials were sent.");
    assert!(browser.troubles().iter().all(|trouble| trouble.contains("401")));
    sign_in(&browser, &shop.server.key);
    browser.sees("h1", "Orders");
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn the_diff_check_and_the_guard_are_set_and_hold_a_run() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    browser.tick(&browser.find(".settings summary"));
    browser.sees(".settings", "edits made by hand are not undone for rows that did not change");
    browser.type_into("#guard-max_error_percent", "101");
    browser.click("Save settings");
    // The browser itself refuses what is no share.
    assert_eq!(
        browser.script("return document.querySelector('#guard-max_error_percent').validity.valid", &[]),
        json!(false)
    );
    browser.script("document.querySelector('#guard-max_error_percent').value = ''", &[]);
    browser.type_into("#guard-max_error_percent", "5");
    browser.tick(&browser.find("#diff-check"));
    browser.click("Save settings");
    browser.sees(".settings", "Saved.");
    browser.reload();
    browser.tick(&browser.find(".settings summary"));
    let kept = "return [document.querySelector('#diff-check').checked, document.querySelector('#guard-max_error_percent').value]";
    assert_eq!(browser.script(kept, &[]), json!([true, "5"]));
    send(&browser, "orders.csv", ORDERS);
    browser.sees("#said", "held by guard: 50 % of rows rejected (limit 5 %)");
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn every_view_fits_a_phone_and_names_its_controls() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    send(&browser, "orders.csv", ORDERS);
    browser.sees("#said", "2 rows were rejected");
    let run = browser.script("return location.hash", &[]);
    let views = [
        ("run", run.as_str().unwrap()),
        ("connector", "#/connectors/orders"),
        ("connectors", "#/connectors"),
    ];
    // Controls without a name, controls that are too far right to reach.
    let unnamed = "return [...document.querySelectorAll('button, a, input, select, progress')].filter(e => \
        !e.textContent.trim() && !e.labels?.length && !e.ariaLabel).map(e => e.outerHTML)";
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    for (name, hash) in views {
        browser.go(&format!("/{hash}"));
        browser.reload();
        browser.sees("tbody tr", "");
        for (screen, width) in [("wide", 1280), ("phone", 360)] {
            browser.screen(width);
            assert_eq!(browser.script(unnamed, &[]), json!([]), "{name}");
            assert_eq!(browser.script(wide, &[]), json!(0), "{name} on {screen}");
            for scheme in ["light", "dark"] {
                browser.prefers(scheme);
                browser.screenshot(&format!("{name}-{screen}-{scheme}"));
            }
        }
    }
    clean(&browser);
}

#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn the_documentation_is_read_without_a_key() {
    let shop = Shop::open();
    let browser = Browser::open(&shop.server.url);
    browser.go("/api/docs");
    browser.sees("h1", "smartconnector");
    let topics = browser.texts("nav li.first");
    assert_eq!(
        topics,
        [
            "File Upload (Trigger Run)",
            "Webhook Trigger",
            "Execution Status",
            "Cancel Execution",
            "Dev Package"
        ]
    );
    browser.sees("#cancel-execution", "Cancel Execution");
    browser.sees("section[aria-labelledby=cancel-execution] strong", "Nothing is rolled back:");
    browser.sees("section[aria-labelledby=file-upload-trigger-run] pre", "-F file=@orders.csv");
    browser.sees("section[aria-labelledby=webhook-trigger] td", "too_many_requests");
    // No mark of the Markdown is left.
    let left = "return document.querySelector('main').innerText.match(/\\*\\*|```|^#+ |^\\| /m)?.[0] ?? null";
    assert_eq!(browser.script(left, &[]), json!(null));

    let upload = "#post_smart_connectors_connector_upload";
    browser.tick(&browser.find(&format!("{upload} > summary")));
    for shown in ["Parameters", "is_dry_run", "multipart/form-data", "Answer 201", "Answer 413"] {
        browser.sees(upload, shown);
    }
    browser.tick(&browser.find(&format!("{upload} details > summary")));
    browser.sees(upload, "The file.");
    browser.go("/api/docs#get_custom_objects");
    browser.sees("#get_custom_objects", "Without built-in objects; true when left out.");
    // Each one can be opened.
    let all = "document.querySelectorAll('details.operation').forEach(e => { e.open = true; })";
    browser.script(all, &[]);
    let empty =
        "return [...document.querySelectorAll('details.operation > div:empty')].map(e => e.parentElement.id)";
    assert!(browser::until(|| browser.script(empty, &[]) == json!([])), "{}", browser.script(empty, &[]));
    let wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
    for width in [1280, 360] {
        browser.screen(width);
        assert_eq!(browser.script(wide, &[]), json!(0), "{width}");
        browser.screenshot(&format!("docs-{width}"));
    }
    clean(&browser);
}

/// What the other tests rely on: each kind of trouble is noticed.
#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn trouble_is_noticed() {
    let shop = Shop::open();
    let browser = at_orders(&shop);
    clean(&browser);
    for (script, words) in [
        ("console.error('odd')", "odd"),
        ("fetch('http://127.0.0.1:9/else').catch(() => 0)", "http://127.0.0.1:9/else"),
        ("document.body.setAttribute('style', 'color: red')", "Content Security Policy"),
        ("document.body.innerHTML = '<img src=x>'", "TrustedHTML"),
        ("setTimeout(() => nothing.at.all)", "nothing is not defined"),
    ] {
        browser.script(&format!("setTimeout(() => {{ {script} }})"), &[]);
        let noticed = || browser.troubles().iter().any(|trouble| trouble.contains(words));
        assert!(browser::until(noticed), "{script} was not noticed");
    }
}
