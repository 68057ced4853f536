//! Keys at rest: made once, never replaced in silence.

use sentinela::ids::Ids;
use sentinela::vault::{Keyring, boot, file};

use crate::support::{self, Folder, TestDb, config, start_at};

async fn open(db: &TestDb, folder: &Folder, seed: u64) -> Result<Keyring, boot::BootError> {
    let config = config(&[("SENTINELA__DATA_DIR", folder.path().to_str().unwrap())]);
    let mut conn = db.pool.acquire().await.unwrap();
    Keyring::open_or_create(&mut conn, &config, &Ids::seeded(seed), start_at()).await
}

#[tokio::test]
async fn keys_are_made_at_the_first_start_and_stay() {
    let (db, folder) = (support::db().await, Folder::new());
    let sealed = open(&db, &folder, 1).await.unwrap().service.seal("a:1", b"segredo");
    let again = open(&db, &folder, 2).await.unwrap();
    assert_eq!(again.service.open("a:1", &sealed).unwrap(), b"segredo");
    assert_ne!(again.service.newest(), again.vault.newest());
    for name in ["service.key", "vault.key"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join("keys").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_missing_or_foreign_key_file_is_refused_and_no_new_one_is_made() {
    let (db, folder, other) = (support::db().await, Folder::new(), Folder::new());
    open(&db, &folder, 1).await.unwrap();
    let vault = folder.path().join("keys/vault.key");
    std::fs::remove_file(&vault).unwrap();
    let told = open(&db, &folder, 2).await.unwrap_err().to_string();
    assert!(told.contains("vault.key is missing") && told.contains("makes no new one"), "{told}");
    assert!(!vault.exists());
    file::create(&other.path().join("vault.key"), [7; 32]).unwrap();
    std::fs::copy(other.path().join("vault.key"), &vault).unwrap();
    let told = open(&db, &folder, 2).await.unwrap_err().to_string();
    assert!(told.contains("does not hold key"), "{told}");
}

#[tokio::test]
async fn a_key_file_that_everybody_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let (db, folder) = (support::db().await, Folder::new());
    open(&db, &folder, 1).await.unwrap();
    let path = folder.path().join("keys/service.key");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = open(&db, &folder, 1).await.unwrap_err().to_string();
    assert!(told.contains("chmod 600"), "{told}");
}
