//! Gateways that are described already, compiled in as documentation. Each is read by the tests, and held against what its maker
//! writes of requests and answers.

/// Name and description.
pub const EXAMPLES: [(&str, &str); 5] = [
    ("zenvia", include_str!("../../../config/sms/zenvia.toml")),
    ("infobip", include_str!("../../../config/sms/infobip.toml")),
    ("twilio", include_str!("../../../config/sms/twilio.toml")),
    ("comtele", include_str!("../../../config/sms/comtele.toml")),
    ("kannel", include_str!("../../../config/sms/kannel.toml")),
];

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::config::{Config, HttpProvider};
    use crate::dispatch::decide::{Fate, Outcome};
    use crate::dispatch::gateway::callback::Call;
    use crate::dispatch::gateway::{Gateway, Words};
    use crate::dispatch::retry::{Code, Verdict};

    use super::*;

    /// Read as a file of the operator's is.
    fn config(name: &str) -> HttpProvider {
        let (_, text) = EXAMPLES.iter().find(|(example, _)| *example == name).unwrap();
        let folder = std::env::temp_dir().join(format!("sentinela-example-{name}-{}.toml", std::process::id()));
        std::fs::write(&folder, text).unwrap();
        let nothing = config::Environment::with_prefix("SENTINELA").source(Some(HashMap::new()));
        let read = Config::layered(Some(&folder), nothing);
        std::fs::remove_file(&folder).unwrap();
        read.unwrap().sms.http.remove(0)
    }

    fn gateway(name: &str) -> Gateway {
        Gateway::new(&config(name)).unwrap()
    }

    fn asked(name: &str) -> (axum::http::request::Parts, String) {
        let gateway = gateway(name);
        let words = Words {
            to: "+5532988881234",
            text: "Defesa Civil: não volte.",
            reference: "s17",
            callback_url: &gateway.callback_url("https://town.test"),
            validity_s: 3600,
        };
        let (parts, body) = gateway.request(&words).unwrap().into_parts();
        (parts, String::from_utf8(body).unwrap())
    }

    fn fates(name: &str, call: &Call<'_>) -> Vec<(String, Fate)> {
        let receipts = gateway(name).callbacks.unwrap().receipts.unwrap();
        let read = receipts.read(call).unwrap().into_iter().filter_map(|incoming| incoming.receipt);
        read.map(|receipt| (receipt.message_id, receipt.fate)).collect()
    }

    #[test]
    fn every_example_is_a_file_that_the_service_starts_with() {
        for (name, _) in EXAMPLES {
            assert_eq!(config(name).name, name);
        }
    }

    #[test]
    fn zenvia_is_asked_in_its_shape_and_its_events_are_read() {
        let (parts, body) = asked("zenvia");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(parts.uri.path(), "/v2/channels/sms/messages");
        assert!(parts.headers.contains_key("x-api-token"));
        assert_eq!((body["to"].as_str(), body["contents"][0]["type"].as_str()), (Some("5532988881234"), Some("text")));
        let event = br#"{"id":"e","type":"MESSAGE_STATUS","channel":"sms","messageId":"M-1",
            "messageStatus":{"timestamp":"2026-02-22T19:10:00Z","code":"NOT_DELIVERED","description":"x"}}"#;
        let call = Call { query: "", is_json: true, body: event };
        assert_eq!(fates("zenvia", &call), [("m-1".to_owned(), Fate::Undelivered)]);
        let said = br#"{"type":"MESSAGE","channel":"sms","direction":"IN","message":{"id":"m","from":"5532988881234",
            "to":"prefeitura","direction":"IN","contents":[{"type":"text","text":"RELATO barranco"}]}}"#;
        let messages = gateway("zenvia").callbacks.unwrap().messages.unwrap();
        let read = messages.read(&Call { query: "", is_json: true, body: said }).unwrap();
        assert_eq!((read[0].address.as_str(), read[0].words.as_str()), ("5532988881234", "RELATO barranco"));
    }

    #[test]
    fn infobip_answers_with_a_group_and_reports_in_lists() {
        let (parts, body) = asked("infobip");
        let written: serde_json::Value = serde_json::from_str(&body).unwrap();
        let message = &written["messages"][0];
        assert_eq!(parts.uri.path(), "/sms/3/messages");
        assert_eq!(
            (&message["sender"], &message["destinations"][0]["to"]),
            (&"DefesaCivil".into(), &"5532988881234".into())
        );
        assert_eq!(message["content"]["text"], "Defesa Civil: não volte.");
        assert!(parts.headers["authorization"].to_str().unwrap().starts_with("App "));
        assert!(body.contains("https://town.test/api/v1/sms/infobip/receipts?token=put+at"), "{body}");
        let answer = br#"{"messages":[{"to":"41793026727","status":{"groupId":1,"groupName":"PENDING","id":26,"name":
            "MESSAGE_ACCEPTED"},"messageId":"2250be2d4219"}]}"#;
        let reading = &gateway("infobip").reading;
        assert_eq!(reading.read(200, answer, "s17"), (Outcome::Accepted, Some("2250be2d4219".into())));
        let rejected = |id: u16| {
            let body = format!(r#"{{"messages":[{{"status":{{"groupId":5,"groupName":"REJECTED","id":{id}}}}}]}}"#);
            reading.read(200, body.as_bytes(), "s17").0
        };
        assert!(matches!(
            rejected(51),
            Outcome::Refused { code: Code::Gateway { verdict: Verdict::Permanent, is_dead: false, .. }, .. }
        ));
        assert!(matches!(rejected(52), Outcome::Refused { code: Code::Gateway { is_dead: true, .. }, .. }));
        // No credit is no fault of the number: the next provider's turn.
        assert!(matches!(rejected(12), Outcome::NotSent { .. }));
        let report = br#"{"results":[{"messageId":"2250be2d4219","to":"41793026727","status":{"groupId":3,"groupName":
            "DELIVERED"},"error":{"groupId":0,"id":0,"permanent":false}}]}"#;
        let call = Call { query: "token=x", is_json: true, body: report };
        assert_eq!(fates("infobip", &call), [("2250be2d4219".to_owned(), Fate::Delivered)]);
    }

    #[test]
    fn twilio_is_asked_by_form_and_knows_dead_numbers_by_code() {
        let (parts, body) = asked("twilio");
        assert!(parts.headers["authorization"].to_str().unwrap().starts_with("Basic "));
        assert!(body.contains("To=%2B5532988881234") && body.contains("Body=Defesa+Civil"), "{body}");
        let reading = &gateway("twilio").reading;
        let refused = br#"{"code":21211,"message":"Invalid 'To' Phone Number","status":400}"#;
        assert!(matches!(
            reading.read(400, refused, "s17").0,
            Outcome::Refused { code: Code::Gateway { is_dead: true, .. }, .. }
        ));
        let body = b"MessageSid=SM9&MessageStatus=undelivered&ErrorCode=30005&To=%2B5532988881234";
        let call = Call { query: "", is_json: false, body };
        assert_eq!(fates("twilio", &call), [("sm9".to_owned(), Fate::Undelivered)]);
    }

    #[test]
    fn comtele_says_in_the_body_whether_it_took_a_message() {
        let (_, body) = asked("comtele");
        assert!(body.contains(r#""Receivers":"32988881234""#), "{body}");
        let reading = &gateway("comtele").reading;
        let taken = br#"{"Success":true,"Object":{"requestUniqueId":"r-1"},"Message":"ok"}"#;
        assert_eq!(reading.read(200, taken, "s17"), (Outcome::Accepted, Some("r-1".into())));
        assert!(matches!(reading.read(200, br#"{"Success":false,"Message":"x"}"#, "s17").0, Outcome::Refused { .. }));
    }

    #[test]
    fn kannel_is_asked_by_address_and_names_our_reference() {
        let (parts, _) = asked("kannel");
        let query = parts.uri.query().unwrap();
        assert!(query.contains("coding=2") && query.contains("reference%3Ds17%26status%3D%25d"), "{query}");
        let reading = &gateway("kannel").reading;
        for words in [&b"0: Accepted for delivery"[..], b"3: Queued for later delivery"] {
            assert_eq!(reading.read(202, words, "s17"), (Outcome::Accepted, Some("s17".into())));
        }
        assert!(matches!(reading.read(202, b"4: No", "s17").0, Outcome::Refused { .. }));
        assert!(matches!(reading.read(403, b"Authorization failed for sendsms", "s17").0, Outcome::NotSent { .. }));
        let call = Call { query: "token=x&reference=s17&status=1", is_json: false, body: b"" };
        assert_eq!(fates("kannel", &call), [("s17".to_owned(), Fate::Delivered)]);
    }
}
