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
        AlertApprove = "alert.approve",
        AlertWithdrawApproval = "alert.withdraw_approval",
        AlertIssue = "alert.issue",
        AlertDiscard = "alert.discard",
        AlertSubmit = "alert.submit",
        AlertReturn = "alert.return",
        /// Staff were paged because it waits.
        AlertPage = "alert.page",
        /// What became of a page.
        AlertPageEnd = "alert.page_end",
        AlertAcknowledge = "alert.acknowledge",
        AlertUnanswered = "alert.unanswered",
        WarningImport = "warning.import",
        WarningVerify = "warning.verify",
        AlertHandOver = "alert.hand_over",
        AlertTickHandOver = "alert.tick_hand_over",
        ExercisePlan = "exercise.plan",
        ExerciseEdit = "exercise.edit",
        ExerciseAnnounce = "exercise.announce",
        ExerciseStart = "exercise.start",
        ExerciseFinish = "exercise.finish",
        ExerciseReport = "exercise.report",
        ExerciseCancel = "exercise.cancel",
        ExerciseInject = "exercise.inject",
        ExerciseEvaluate = "exercise.evaluate",
        ExerciseInvite = "exercise.invite",
        ExerciseRemove = "exercise.remove",
        ExerciseAcknowledge = "exercise.acknowledge",
        ExerciseJoin = "exercise.join",
        ExerciseLeave = "exercise.leave",
        IncidentNote = "incident.note",
        IncidentClose = "incident.close",
        IncidentAddPhotograph = "incident.add_photograph",
        IncidentRemovePhotograph = "incident.remove_photograph",
        ReportFile = "report.file",
        ReportReadContact = "report.read_contact",
        ReportRemovePhotograph = "report.remove_photograph",
        MessageRead = "message.read",
        MessageReadContact = "message.read_contact",
        OccurrenceConfirm = "occurrence.confirm",
        OccurrenceDismiss = "occurrence.dismiss",
        OccurrenceClose = "occurrence.close",
        OccurrenceReopen = "occurrence.reopen",
        OccurrenceMerge = "occurrence.merge",
        OccurrenceSplit = "occurrence.split",
        OccurrencePlace = "occurrence.place",
        OccurrenceOpenIncident = "occurrence.open_incident",
        CatalogueImport = "catalogue.import",
        AreaChange = "area.change",
        AreaRetire = "area.retire",
        AreaRestore = "area.restore",
        AreaTakeForce = "area.take_force",
        AreaWithdraw = "area.withdraw",
        ResidentsImport = "residents.import",
        ResidentsRead = "residents.read",
        DeliveriesRead = "deliveries.read",
        AuditExport = "audit.export",
        AuditVerify = "audit.verify",
        ResidentsExport = "residents.export",
        ResidentCorrect = "resident.correct",
        ResidentConsent = "resident.consent",
        ResidentErase = "resident.erase",
        ResidentSignIn = "resident.sign_in",
        /// Personal data past their term were removed.
        RetentionRun = "retention.run",
        /// Of a month's readings only the hours are kept.
        HistoryClose = "history.close",
        VaultPut = "vault.put",
        VaultOpen = "vault.open",
        StationLimits = "station.limits",
        RulePropose = "rule.propose",
        RuleEdit = "rule.edit",
        RuleCheck = "rule.check",
        RuleBackTest = "rule.back_test",
        RuleStartTrial = "rule.start_trial",
        RuleEndTrial = "rule.end_trial",
        RuleApprove = "rule.approve",
        RuleTakeBack = "rule.take_back",
        RuleApproveRetirement = "rule.approve_retirement",
        RuleActivate = "rule.activate",
        RuleReturn = "rule.return",
        RuleWithdraw = "rule.withdraw",
        RuleRetire = "rule.retire",
        MaintenanceNote = "maintenance.note",
        MaintenanceAssign = "maintenance.assign",
        MaintenanceSnooze = "maintenance.snooze",
        MaintenanceClose = "maintenance.close",
        MorningWish = "morning.wish",
        DeviceAdd = "device.add",
        DeviceRevoke = "device.revoke",
        DeviceEnable = "device.enable",
        DeviceConfigure = "device.configure",
        DeviceRotate = "device.rotate",
        DeviceRetire = "device.retire",
        DeviceForgetNetwork = "device.forget_network",
        DeviceCommand = "device.command",
        CommandCancel = "command.cancel",
        CertificateAdd = "certificate.add",
        CertificateRevoke = "certificate.revoke",
        StaffAdd = "staff.add",
        StaffDisable = "staff.disable",
        StaffInvite = "staff.invite",
        StaffAccept = "staff.accept",
        StaffRoles = "staff.change_roles",
        StaffPhone = "staff.change_phone",
        StaffEnable = "staff.enable",
        StaffSetUp = "staff.set_up",
        StaffLink = "staff.link",
        StaffUnlink = "staff.unlink",
        SessionLocked = "session.lock",
        SessionRevoke = "session.revoke",
        PasswordChange = "password.change",
        PasswordAsk = "password.ask",
        PasswordReset = "password.reset",
        SecondFactorSet = "second_factor.set",
        SecondFactorRemove = "second_factor.remove",
        SecondFactorReset = "second_factor.reset",
        RecoveryCodesNew = "recovery_code.renew",
        RecoveryCodeUse = "recovery_code.use",
        TokenAdd = "token.add",
        TokenRotate = "token.rotate",
        TokenRevoke = "token.revoke",
        SigningKeyAdd = "signing_key.add",
    }
}

impl Act {
    /// Key of its words in the text files.
    pub fn key(self) -> String {
        format!("act-{}", self.as_str().replace(['.', '_'], "-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn every_act_has_words_in_both_languages() {
        for act in Act::ALL {
            for lang in [Lang::Pt, Lang::En] {
                assert_ne!(lang.t(&act.key()), act.key(), "{} lacks a text in {}", act, lang.tag());
            }
        }
    }
}
