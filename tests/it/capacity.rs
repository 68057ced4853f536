//! The tables of docs/capacity.md are what the command says.

use std::path::Path;

use crate::support::{self, Process};

async fn said(arguments: &[&str]) -> (bool, String) {
    let mut command = support::sentinela();
    command.arg("capacity").args(arguments);
    let (status, text) = Process::start(command).end().await;
    (status.success(), text)
}

#[tokio::test]
async fn every_table_of_the_document_is_what_its_command_prints() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/capacity.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut parts = page.split("```sh\nsentinela capacity ");
    parts.next();
    let mut tables = 0;
    for part in parts {
        let (line, rest) = part.split_once("\n```\n").unwrap();
        let (is_fine, table) = said(&line.split_whitespace().collect::<Vec<_>>()).await;
        assert!(is_fine && table.contains("First bottleneck: "), "{line}: {table}");
        assert!(rest.trim_start().starts_with(&table), "{line} prints\n{table}\nand the document has\n{rest}");
        tables += 1;
    }
    assert_eq!(tables, 4);
}

#[tokio::test]
async fn programs_get_values_and_wrong_sizes_are_named() {
    let (_, text) = said(&["--stations", "60", "--recipients", "1000", "--interval", "10m", "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["rows"]["calm_per_s"]["value"], 0.1, "{told}");
    assert_eq!(told["rows"]["recipients_bytes"]["extrapolated"], false, "{told}");
    assert!(told["first_bottleneck"].is_string() && told["shares"]["contract"].is_number(), "{told}");
    for wrong in [&["--stations", "0"][..], &["--stations", "1", "--interval", "10"], &["--interval", "10m"]] {
        assert!(!said(wrong).await.0, "{wrong:?}");
    }
}
