//! Receipts as they come, whatever is in them.

use sentinela::dispatch::decide::Fate;
use sentinela::dispatch::receipts::Receipt;
use sentinela::dispatch::store::receipt::{Incoming, keep, settle};

use super::town::{INSIDE, Town};
use crate::support::{self, start_at};

fn receipt(id: &str, error: &str) -> Incoming {
    let receipt = Receipt {
        message_id: id.to_owned(),
        fate: Fate::Delivered,
        error: error.to_owned(),
        is_dead: false,
        is_unmarked: false,
    };
    let (raw, address) = (id.as_bytes().to_vec(), "5532900000001".to_owned());
    Incoming { raw, address, receipt: Some(receipt), words: String::new(), part: None }
}

#[tokio::test]
async fn a_receipt_that_the_database_cannot_take_is_set_aside_and_holds_up_no_other() {
    let db = support::db().await;
    let town = Town::new(&db).await;
    town.resident(INSIDE, 10, &["+5532900000001"]).await;
    let alert = town.alert("alert", None, 60).await;
    town.enqueue(alert).await;
    sqlx::raw_sql(
        "update outbox set state = 'accepted', provider = 'p', attempts = 1;
        insert into outbox_attempt (outbox_id, attempt, part, at, provider, outcome, provider_message_id)
            select id, 1, 1, now(), 'p', 'accepted', 'a1' from outbox",
    )
    .execute(&db.pool)
    .await
    .unwrap();
    // Longer than what an index holds, whatever is made of it: it does not repeat itself.
    let long: String = (0_u64..2000).map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    let mut tx = db.pool.begin().await.unwrap();
    keep(&mut tx, start_at(), "p", &[receipt(&long, ""), receipt("a1", ""), receipt("b2", "nul \0")]).await.unwrap();
    settle(&mut tx, start_at(), "p").await.unwrap();
    tx.commit().await.unwrap();
    let kept: Vec<String> =
        sqlx::query_scalar("select status || ':' || provider_message_id from delivery_receipt order by id")
            .fetch_all(&db.pool)
            .await
            .unwrap();
    assert_eq!(kept, ["not_a_receipt:", "delivered:a1", "not_a_receipt:"]);
    let whole: i64 = sqlx::query_scalar("select count(*) from delivery_receipt where convert_from(raw, 'UTF8') = $1")
        .bind(&long)
        .fetch_one(&db.pool)
        .await
        .unwrap();
    assert_eq!(whole, 1, "its bytes are kept");
    assert_eq!(town.states().await, ["+5532900000001 delivered"]);
}
