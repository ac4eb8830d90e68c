//! `GET /api/sql-functions`: what scripts may call.

use crate::support::TestServer;

const PATH: &str = "/api/sql-functions";

#[test]
fn every_key_reads_the_table_and_nobody_else() {
    let server = TestServer::start();
    let answer = server.client().get(PATH).ok();
    let functions = answer["functions"].as_array().unwrap();
    assert!(functions.len() > 100, "{}", functions.len());
    let dec_add = functions.iter().find(|function| function["name"] == "dec_add").unwrap();
    assert_eq!(
        *dec_add,
        serde_json::json!({
            "name": "dec_add",
            "group": "decimal",
            "signature": "dec_add(a, b)",
            "meaning": "a + b, exactly, as text.",
            "example": "dec_add('0.1', '0.2')",
            "result": "0.3",
        })
    );
    let ln = functions.iter().find(|function| function["name"] == "ln").unwrap();
    assert!(ln["result"].is_null());
    assert_eq!(server.client_as("sender", None).get(PATH).ok(), answer);
    assert_eq!(server.client_as("viewer", Some(&[])).get(PATH).ok(), answer);
    let nobody = crate::support::Client { key: String::new(), ..server.client() };
    nobody.get(PATH).refused(401, "missing_credentials");
}
