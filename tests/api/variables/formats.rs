//! What the catalogue prints is what is taken, and nothing else.

use serde_json::{Value as Json, json};

use crate::{flow::Fixture, support::journey::text};

const METADATA: &str = "/api/smart-connectors/metadata";

fn values(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|choice| text(&choice["value"]).to_owned()).collect()
}

fn sends(f: &Fixture, settings: &Json) -> crate::support::Answer {
    // A name is taken as long as its holder lives, also when it goes in the same save.
    let name = uuid::Uuid::new_v4().to_string();
    let mut row = json!({"name": name, "scope": "orders", "data_source": "number"});
    row.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    f.client.patch(&f.path, &json!({ "execution_variables": [row] }))
}

#[test]
fn every_format_of_the_catalogue_is_taken_and_another_is_a_400_that_lists_them() {
    let f = Fixture::new();
    let catalogue = f.client.get(METADATA).ok()["execution_variables"].clone();
    for (data_type, formats) in catalogue["variable_data_types"].as_object().unwrap() {
        for (key, list) in [("input_format", "input_formats"), ("output_format", "output_formats")] {
            let legal = values(&formats[list]);
            // Two hundred regions are one rule.
            for format in legal.iter().filter(|f| !f.starts_with("region:") || *f == "region:DE") {
                sends(&f, &json!({"data_type": data_type, key: format})).ok();
            }
            let detail = sends(&f, &json!({"data_type": data_type, key: "as_it_is"})).refused(400, "invalid");
            assert!(detail.contains("as_it_is") && detail.contains(key), "{detail}");
            if let Some(first) = legal.first() {
                assert!(detail.contains(first), "{data_type} {key}: {detail}");
            } else {
                assert!(detail.contains("takes no format"), "{detail}");
            }
        }
    }
}

#[test]
fn the_catalogue_has_the_formats_of_the_specification_with_the_defaults_first() {
    let f = Fixture::new();
    let catalogue = f.client.get(METADATA).ok()["execution_variables"].clone();
    let types = &catalogue["variable_data_types"];
    let days = [
        "%Y-%m-%d", "%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y/%m/%d",
        "%Y.%m.%d",
    ];
    let auto = ["auto", "auto_us", "auto_eu"];
    let epochs = ["excel_epoch", "unix_epoch"];
    let dates: Vec<&str> = auto.into_iter().chain(days).chain(epochs).collect();
    assert_eq!(values(&types["date"]["input_formats"]), dates);
    assert_eq!(values(&types["date"]["output_formats"]), days);
    let moments: Vec<String> = days
        .iter()
        .flat_map(|day| ["%H:%M", "%H:%M:%S", "%I:%M %p"].map(|time| format!("{day} {time}")))
        .collect();
    let inputs = values(&types["datetime"]["input_formats"]);
    for named in ["auto", "rfc3339", "%Y-%m-%d %H:%M[:%S]", "excel_epoch", "unix_epoch", "unix_epoch_ms"] {
        assert!(inputs.iter().any(|format| format == named), "{named}");
    }
    let outputs = values(&types["datetime"]["output_formats"]);
    assert_eq!(outputs[0], "rfc3339");
    for moment in &moments {
        assert!(inputs.contains(moment) && outputs.contains(moment), "{moment}");
    }
    for (data_type, inputs, outputs, array) in [
        ("string", &[][..], &[][..], true),
        ("email", &[], &[], true),
        ("uuid", &[], &[], true),
        (
            "boolean",
            &["auto", "true_false", "yes_no", "on_off", "one_zero", "t_f", "checked_unchecked"],
            &["true_false", "yes_no", "on_off"],
            false,
        ),
        (
            "number",
            &["auto", "plain", "comma_thousands", "dot_thousands", "space_thousands"],
            &["no_comma", "comma"],
            true,
        ),
    ] {
        let formats = &types[data_type];
        assert_eq!(values(&formats["input_formats"]), inputs, "{data_type}");
        assert_eq!(values(&formats["output_formats"]), outputs, "{data_type}");
        assert_eq!(formats["array"], array, "{data_type}");
    }
    let phones = &types["phone_number"];
    assert_eq!(values(&phones["input_formats"])[..2], ["auto", "e164"]);
    assert_eq!(values(&phones["output_formats"]), ["e164", "national", "international"]);
    assert_eq!(catalogue["array_delimiters"], json!([",", ";", "|", "\t", "{}", "[]"]));
}

#[test]
fn what_can_not_be_a_format_or_an_array_is_refused_when_saved() {
    let f = Fixture::new();
    for (settings, sentence) in [
        (json!({"data_type": "date", "input_format": "%H:%M"}), "does not say which day"),
        (json!({"data_type": "datetime", "input_format": "%Y-%m-%d %I:%M"}), "%I needs %p"),
        (json!({"data_type": "date", "output_format": "%H:%M"}), "time of day"),
        (json!({"data_type": "date", "input_format": "YYYY-MM-DD"}), "any strftime pattern"),
        (json!({"data_type": "phone_number", "input_format": "region:XX"}), "\"XX\""),
        (
            json!({"data_type": "boolean", "is_array": true, "array_delimiter": ","}),
            "boolean can't be an array",
        ),
        (json!({"data_type": "number", "is_array": true}), "array_delimiter is missing"),
        (
            json!({"data_type": "number", "is_array": true, "array_delimiter": ":"}),
            "array_delimiter is \":\"",
        ),
    ] {
        let detail = sends(&f, &settings).refused(400, "invalid");
        assert!(detail.contains(sentence), "{settings}: {detail}");
    }
    let array = json!({"data_type": "number", "is_array": true, "array_delimiter": "tab"});
    sends(&f, &array).ok();
}
