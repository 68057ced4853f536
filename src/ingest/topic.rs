//! The topics of the outside contract: `v1/devices/{code}/…`.

/// What a device publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Readings,
    Status,
}

/// The device's code and what the topic carries, or `None` for a topic that is none of ours.
pub fn parse(topic: &str) -> Option<(&str, Kind)> {
    let (code, leaf) = topic.strip_prefix("v1/devices/")?.split_once('/')?;
    let kind = match leaf {
        "readings" => Kind::Readings,
        "status" => Kind::Status,
        _ => return None,
    };
    (!code.is_empty()).then_some((code, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_topics_of_the_contract_are_known() {
        assert_eq!(parse("v1/devices/A-1/readings"), Some(("A-1", Kind::Readings)));
        assert_eq!(parse("v1/devices/A-1/status"), Some(("A-1", Kind::Status)));
        for foreign in
            ["v1/devices//readings", "v1/devices/a/b/readings", "v1/devices/a/commands", "v2/devices/a/readings", ""]
        {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
    }
}
