//! Agreements over HTTP.

use super::instrument_routes::instrument_routes;
use super::instrument_routes::names::*;
use crate::secretariat::agreements::{Act, Agreement, Opening};

instrument_routes! {
    what: Agreement,
    opening: Opening,
    act: Act,
    at: "/api/v1/secretariat/agreements",
    tag: "agreements",
    things: "agreements",
    asked: AgreementAsked,
}

pub fn routes() -> Router<App> {
    let files = Router::new()
        .route("/api/v1/secretariat/agreements/import", post(import))
        .route("/api/v1/secretariat/agreements/{id}/documents", post(add_document))
        .layer(DefaultBodyLimit::max(MAX_BYTES));
    Router::new()
        .route("/api/v1/secretariat/agreements", get(list).post(open))
        .route("/api/v1/secretariat/agreements/report", get(report))
        .route("/api/v1/secretariat/agreements/export", get(export))
        .route("/api/v1/secretariat/agreements/public", get(public))
        .route("/api/v1/secretariat/agreements/public.csv", get(public_csv))
        .route("/api/v1/secretariat/agreements/public/{id}", get(public_one))
        .route("/api/v1/secretariat/agreements/public/{id}/paper.pdf", get(public_paper))
        .route("/api/v1/secretariat/agreements/public/{id}/documents/{document}", get(public_document))
        .route("/api/v1/secretariat/agreements/{id}", get(show))
        .route("/api/v1/secretariat/agreements/{id}/paper.pdf", get(paper))
        .route("/api/v1/secretariat/agreements/{id}/acts", post(act))
        .route("/api/v1/secretariat/agreements/{id}/documents/{document}", get(document))
        .merge(files)
}
