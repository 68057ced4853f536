//! Messages that are no report: who may read them, and what is written down of that.

use super::*;

#[tokio::test]
async fn staff_reads_stray_messages_and_whoever_looked_at_a_telephone_is_written_down() {
    let mut site = Site::new().await;
    let mut tx = site.db.pool.begin().await.unwrap();
    let said = ("5532999990009", "socorro <b>");
    assert_eq!(inbound::sms(&mut tx, &site.app, site.app.clock.now(), said).await.unwrap(), None);
    tx.commit().await.unwrap();
    let page = site.page("/console/reports").await;
    assert!(
        page.text.contains("Mensagens que ninguém leu") && page.text.contains("socorro &#60;b&#62;"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("999990009"));
    let id = site.text("select id::text from stray_message").await.remove(0);
    let act = format!("/console/reports/messages/{id}");
    site.become_one(Role::FieldAgent).await;
    for refused in ["read", "contact"] {
        assert_eq!(site.act(&format!("{act}/{refused}"), &[]).await.status, StatusCode::FORBIDDEN);
    }
    site.become_one(Role::Operator).await;
    assert!(site.act(&format!("{act}/contact"), &[]).await.text.contains("+5532999990009"));
    assert_eq!(site.act(&format!("{act}/read"), &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.act(&format!("{act}/read"), &[]).await.status, StatusCode::NOT_FOUND);
    assert!(!site.page("/console/reports").await.text.contains("Mensagens que ninguém leu"));
    let acts = site.text("select act from audit_event where object_kind = 'message' order by act").await;
    assert_eq!(acts, ["message.read", "message.read_contact"]);
}
