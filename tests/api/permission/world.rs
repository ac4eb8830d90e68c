//! The server that the table is about: two connectors with all that can be read of them, a webhook connector,
//! and a key of every kind, each of a member of its own.

use std::{cell::Cell, collections::HashMap};

use serde_json::{Value as Json, json};

use super::table::{ADMIN, ROLES, RUNNER, Reach, SENDER};
use crate::{
    progress::ENDLESS,
    run::{Shop, TOKEN},
    support::{
        Client,
        journey::{self, detail, draft_path, ended, path, row, run_is, text, upload},
    },
    webhook,
};

/// A kind of key.
pub struct Caller {
    pub role: usize,
    pub reach: Reach,
    pub client: Client,
    /// `own_file` and `own_run`.
    words: HashMap<&'static str, String>,
}

impl Caller {
    pub fn shown(&self) -> String {
        format!("{} of {:?}", ROLES[self.role], self.reach)
    }
}

pub struct World {
    pub shop: Shop,
    pub callers: Vec<Caller>,
    words: HashMap<&'static str, String>,
    fresh: Cell<u32>,
}

impl World {
    pub fn new() -> Self {
        let shop = Shop::with(|config| config.server.login_tries_per_minute = 0, ENDLESS);
        let mut world = Self { shop, callers: Vec::new(), words: HashMap::new(), fresh: Cell::new(0) };
        world.connectors();
        world.runs();
        world.objects();
        world.files();
        world.keys();
        world
    }

    fn learn(&mut self, word: &'static str, value: &Json) {
        self.words.insert(word, text(value).to_owned());
    }

    fn connectors(&mut self) {
        let client = self.shop.client.clone();
        let others = journey::object(&client, "others", &[json!({"name": "mail", "field_type": "email"})]);
        self.learn("others", &json!(others));
        let (a, b) = (detail(&client, TOKEN), journey::create(&client, "others", "Second"));
        self.learn("a", &a["id"]);
        self.learn("b", &b["id"]);
        self.learn("live", &a["live_script"]["id"]);
        self.learn("script_b", &b["last_draft_script"]["id"]);
        self.learn("file_a", &a["source_file"]["id"]);
        let body = json!({"name": "Shop hooks", "custom_object": "orders", "connector_type": "webhook"});
        let w = client.post("/api/smart-connectors", &body).created();
        self.learn("w", &w["id"]);
        webhook::configured(&client);
        webhook::publish(&client);
        journey::activate(&client, webhook::TOKEN);
        let document = client.get(&format!("{}/export", path(TOKEN))).ok();
        self.words.insert("document", document.to_string());
    }

    /// One of each connector that has ended or waits, and one that goes on until the server stops: so nothing
    /// that the rows start runs.
    fn runs(&mut self) {
        let client = self.shop.client.clone();
        let run = self.shop.run("a.csv", "Number,E-Mail,Total\n1,,1\n2,,2\n3,,x\n");
        self.learn("run", &run["id"]);
        self.learn("input_a", &run["input_file"]["id"]);
        self.learn("report_a", &run["final_report"]["id"]);
        self.learn("zip_a", &run["sql_output_zip"]["id"]);
        let other = upload(&client, "second", "b.csv", b"Name,E-Mail\nx,\n", &[]).created();
        self.learn("run_b", &other["execution_id"]);
        self.learn("file_b", &other["source_file_id"]);
        let endless = upload(&client, TOKEN, "c.csv", b"Number,E-Mail,Total\n1,,endless\n", &[]).created();
        run_is(&client, TOKEN, text(&endless["execution_id"]), "in_progress");
    }

    fn objects(&mut self) {
        let client = self.shop.client.clone();
        let fields = client.get("/api/custom-objects/orders/fields").ok();
        self.learn("field", &row(&fields, "name", "name")["id"]);
        let group = json!({"name": "All", "config": {"and": true, "query": []}});
        let group = client.post("/api/custom-objects/orders/filter-groups", &group).created();
        self.learn("group", &group["id"]);
        let records = journey::search(&client, "orders", &json!([]));
        self.learn("record", &records[0]["id"]);
        self.learn("record_too", &records[1]["id"]);
    }

    fn files(&mut self) {
        let client = self.shop.client.clone();
        for word in ["loose", "loose_too", "spare"] {
            let file = client.send_file("loose.csv", b"Number,E-Mail,Total\n7,,7\n");
            self.learn(word, &file["id"]);
        }
        let form = client.ask_for_form("a.csv");
        self.learn("form_file", &form["s3object_id"]);
        for (word, field) in [("form_key", "key"), ("form_policy", "policy"), ("form_signature", "signature")]
        {
            self.learn(word, &form["fields"][field]);
        }
        client.fill_form(&form, "a.csv", b"Number").expect(204);
        self.learn("nothing", &json!(uuid::Uuid::new_v4().to_string()));
        self.learn("key", &json!(self.shop.server.client_as("viewer", None).key));
        self.learn("member", &json!(client.user_id));
    }

    fn keys(&mut self) {
        let admin = self.shop.client.clone();
        let own = |client: &Client| {
            let sent = upload(client, TOKEN, "d.csv", b"Number,E-Mail,Total\n9,,9\n", &[]).created();
            text(&sent["execution_id"]).to_owned()
        };
        for reach in Reach::ALL {
            let connectors = match reach {
                Reach::Everything => Json::Null,
                Reach::Here => json!([self.words["a"], self.words["w"]]),
                Reach::Elsewhere => json!([self.words["b"]]),
            };
            for (role, name) in ROLES.into_iter().enumerate() {
                let email = format!("{name}.{reach:?}@example.org");
                let member = admin.post("/api/team", &json!({"email": email, "role": "admin"})).created();
                let key = json!({"name": email, "role": name, "member_id": member["id"],
                    "connectors": connectors});
                let key = text(&admin.post("/api/api-keys", &key).created()["secret"]).to_owned();
                let client = Client { key, user_id: text(&member["id"]).to_owned(), ..admin.clone() };
                let mut words = HashMap::new();
                if role >= RUNNER {
                    let file = client.send_file("own.csv", b"Number\n1\n");
                    words.insert("own_file", text(&file["id"]).to_owned());
                }
                if role == SENDER && reach != Reach::Elsewhere {
                    words.insert("own_run", own(&client));
                }
                self.callers.push(Caller { role, reach, client, words });
            }
        }
        let run = self.callers[0].words["own_run"].clone();
        self.words.insert("own_run", run);
        let file = self.words["loose"].clone();
        self.words.insert("own_file", file);
    }

    /// The text with its `<words>` filled in. `<fresh>` is another one each time.
    pub fn fill(&self, caller: Option<&Caller>, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let (word, after) = after.split_once('>').expect("a word of the table ends");
            filled.push_str(before);
            filled.push_str(&self.word(caller, word));
            rest = after;
        }
        filled + rest
    }

    fn word(&self, caller: Option<&Caller>, word: &str) -> String {
        let own = caller.and_then(|caller| caller.words.get(word));
        if let Some(known) = own.or_else(|| self.words.get(word)) {
            return known.clone();
        }
        match word {
            "fresh" => {
                self.fresh.set(self.fresh.get() + 1);
                format!("fresh{}", self.fresh.get())
            }
            "draft" => text(&detail(&self.shop.client, TOKEN)["last_draft_script"]["id"]).to_owned(),
            other => panic!("the table has no word {other}"),
        }
    }

    /// Waits until what a row has begun is over.
    pub fn settle(&self) {
        ended(&self.shop.client, &draft_path(&detail(&self.shop.client, TOKEN)));
    }

    /// All that a call could have changed.
    pub fn state(&self) -> Json {
        let client = &self.shop.client;
        let mut keys = client.get("/api/api-keys").ok();
        for key in keys["results"].as_array_mut().expect("a list") {
            key["last_used_at"] = Json::Null;
        }
        let mut state = vec![keys];
        for word in ["a", "b", "w"] {
            state.push(detail(client, &self.words[word]));
        }
        for list in ["events", "files", "executions"] {
            state.push(client.get(&format!("/api/{list}?page_size=1")).ok()["count"].clone());
        }
        for list in ["smart-connectors", "team", "custom-objects", "custom-objects/orders/filter-groups"] {
            state.push(client.get(&format!("/api/{list}?page_size=1000")).ok());
        }
        state.push(client.get("/api/custom-objects/orders/fields?include_deleted=true").ok());
        state.extend(journey::search(client, "orders", &json!([])));
        json!(state)
    }

    pub fn admin(&self) -> &Caller {
        let is_admin = |caller: &&Caller| caller.role == ADMIN && caller.reach == Reach::Everything;
        self.callers.iter().find(is_admin).expect("an admin")
    }
}
