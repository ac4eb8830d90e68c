//! Files: those of a connector, and those that are still their sender's.
//!
//! `<own_file>` was sent by the caller and belongs to no connector yet; of those who can't send any it is
//! somebody else's.

use super::table::{Body, RUNNER, Row, VIEWER, call, delete, get};

const FORM: Body = Body::Other {
    kind: "multipart/form-data; boundary=XX",
    text: "--XX\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n<form_key>\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\n<form_policy>\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"signature\"\r\n\r\n<form_signature>\r\n\
        --XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\nNumber\r\n--XX--\r\n",
};

const SENT: Body = Body::Other {
    kind: "application/x-www-form-urlencoded",
    text: "uuid=<form_file>&key=<form_key>&name=a.csv&etag=0",
};

pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        get("/api/files").from(VIEWER, 200),
        get("/api/s3/presigned-post?contenttype=text/csv&filename=a.csv&source=smart_connector_import")
            .from(RUNNER, 200),
        // The signed form is the credential.
        call("POST", "/api/s3/upload", FORM).open(204),
        // Somebody else has sent it.
        call("POST", "/api/s3/success?source=smart_connector_import", SENT).from(RUNNER, 400),
    ];
    for path in ["/api/files/<file_a>", "/api/files/<file_a>/download"] {
        rows.push(get(path).by_role([404, 200, 200, 200, 200]).of_connector());
    }
    for path in ["/api/files/<report_a>/download", "/api/files/<zip_a>/download"] {
        rows.push(get(path).by_role([404, 200, 200, 200, 200]).of_connector());
    }
    for path in ["/api/files/<file_b>", "/api/files/<file_b>/download"] {
        rows.push(get(path).by_role([404, 200, 200, 200, 200]).of_other_connector());
    }
    for path in ["/api/files/<loose>", "/api/files/<loose>/download"] {
        rows.push(get(path).by_role([404; 5]).everything([404, 404, 404, 404, 200]));
    }
    for path in ["/api/files/<own_file>", "/api/files/<own_file>/download"] {
        rows.push(get(path).by_role([404, 404, 200, 200, 200]));
    }
    rows.extend([
        // A connector uses it.
        delete("/api/files/<file_a>").by_role([404, 403, 403, 403, 409]).elsewhere([404; 5]),
        delete("/api/files/<spare>").by_role([404; 5]).everything([404, 404, 404, 404, 204]),
        delete("/api/files/<own_file>").by_role([404, 404, 204, 204, 204]),
    ]);
    rows
}
