//! Every act the audit knows. The text key of an act is `act-` and the word with `-` for `.` and `_`.

use serde::{Deserialize, Serialize};

use crate::units::vocabulary;

vocabulary! {
    /// An act, as "noun.verb".
    Act, "act" {
        SignIn = "session.open",
        SignInRefused = "session.refuse",
        SignOut = "session.close",
        AlertDraft = "alert.draft",
        AlertEdit = "alert.edit",
        AlertIssue = "alert.issue",
        AlertDiscard = "alert.discard",
        IncidentNote = "incident.note",
        IncidentClose = "incident.close",
        CatalogueImport = "catalogue.import",
        ResidentsImport = "residents.import",
        ResidentsRead = "residents.read",
        DeviceAdd = "device.add",
        DeviceRevoke = "device.revoke",
        DeviceEnable = "device.enable",
        DeviceRotate = "device.rotate",
        DeviceRetire = "device.retire",
        CertificateAdd = "certificate.add",
        CertificateRevoke = "certificate.revoke",
        StaffAdd = "staff.add",
        StaffDisable = "staff.disable",
        TokenAdd = "token.add",
        TokenRotate = "token.rotate",
        TokenRevoke = "token.revoke",
    }
}
