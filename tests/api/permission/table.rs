//! The rows of the table: a call, and what each kind of key gets for it.

use reqwest::{Method, blocking::RequestBuilder};

pub const ROLES: [&str; 5] = ["sender", "viewer", "runner", "editor", "admin"];
pub const SENDER: usize = 0;
pub const VIEWER: usize = 1;
pub const RUNNER: usize = 2;
pub const EDITOR: usize = 3;
pub const ADMIN: usize = 4;

/// What a key reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The whole workspace.
    Everything,
    /// The connectors that the rows are about.
    Here,
    /// Another connector.
    Elsewhere,
}

impl Reach {
    pub const ALL: [Self; 3] = [Self::Everything, Self::Here, Self::Elsewhere];
}

/// One status per role, in the order of [`ROLES`].
pub type ByRole = [u16; 5];

/// What is sent besides the path; `<words>` are filled in for each call.
#[derive(Debug, Clone, Copy)]
pub enum Body {
    Nothing,
    Json(&'static str),
    Other { kind: &'static str, text: &'static str },
}

/// A call, and its status for every kind of key.
#[derive(Debug, Clone)]
pub struct Row {
    pub method: &'static str,
    /// With `<words>` that are filled in for each call.
    pub path: &'static str,
    pub body: Body,
    /// For keys that reach everything, this connector, another one.
    expected: [ByRole; 3],
    /// Without credentials.
    pub nobody: u16,
    /// The code of a 400; of other statuses it follows from the status.
    pub code: &'static str,
    /// Whether `HEAD` is asked too.
    pub head: bool,
}

pub fn call(method: &'static str, path: &'static str, body: Body) -> Row {
    let head = method == "GET";
    Row { method, path, body, expected: [[0; 5]; 3], nobody: 401, code: "does_not_exist", head }
}

pub fn get(path: &'static str) -> Row {
    call("GET", path, Body::Nothing)
}

pub fn delete(path: &'static str) -> Row {
    call("DELETE", path, Body::Nothing)
}

pub fn post(path: &'static str, json: &'static str) -> Row {
    call("POST", path, Body::Json(json))
}

pub fn patch(path: &'static str, json: &'static str) -> Row {
    call("PATCH", path, Body::Json(json))
}

impl Row {
    /// The same for every reach.
    pub fn by_role(mut self, statuses: ByRole) -> Self {
        self.expected = [statuses; 3];
        self
    }

    /// This role and those above it get `status`, those below it 403.
    pub fn from(self, role: usize, status: u16) -> Self {
        self.by_role(std::array::from_fn(|n| if n < role { 403 } else { status }))
    }

    /// About this connector: for a key of another one it is not there.
    pub fn of_connector(mut self) -> Self {
        self.expected[2] = self.expected[0].map(|status| if status == 403 { 403 } else { 404 });
        self
    }

    /// About the whole workspace: not for limited keys.
    pub fn of_workspace(mut self) -> Self {
        (self.expected[1], self.expected[2]) = ([403; 5], [403; 5]);
        self
    }

    /// Another connector's keys and this one's have changed places.
    pub fn of_other_connector(self) -> Self {
        let mut row = self.of_connector();
        row.expected.swap(1, 2);
        row
    }

    /// For a key that reaches everything.
    pub fn everything(mut self, statuses: ByRole) -> Self {
        self.expected[0] = statuses;
        self
    }

    /// For a key that is limited to another connector.
    pub fn elsewhere(mut self, statuses: ByRole) -> Self {
        self.expected[2] = statuses;
        self
    }

    /// For a key that is limited to this connector.
    pub fn here(mut self, statuses: ByRole) -> Self {
        self.expected[1] = statuses;
        self
    }

    /// For everybody, with credentials or without.
    pub fn open(mut self, status: u16) -> Self {
        self.nobody = status;
        self.by_role([status; 5])
    }

    /// The code of its 400.
    pub fn code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    pub fn as_head(&self) -> Self {
        Self { method: "HEAD", ..self.clone() }
    }

    pub fn no_head(mut self) -> Self {
        self.head = false;
        self
    }

    pub fn status(&self, role: usize, reach: Reach) -> u16 {
        self.expected[reach as usize][role]
    }

    /// What the refusal's code has to be; none where there is no body to hold it.
    pub fn code_of(&self, status: u16) -> Option<&'static str> {
        match status {
            400 => Some(self.code),
            401 => Some("missing_credentials"),
            403 => Some("permission_required"),
            404 => Some("not_found"),
            409 => Some("conflict"),
            _ => None,
        }
    }

    /// The request, its words filled in by `fill`.
    pub fn request(
        &self,
        fill: &impl Fn(&str) -> String,
        begin: impl Fn(Method, &str) -> RequestBuilder,
    ) -> RequestBuilder {
        let method = Method::from_bytes(self.method.as_bytes()).expect("a method of the table");
        let request = begin(method, &fill(self.path));
        match self.body {
            Body::Nothing => request,
            Body::Json(text) => request.header("Content-Type", "application/json").body(fill(text)),
            Body::Other { kind, text } => request.header("Content-Type", kind).body(fill(text)),
        }
    }
}
