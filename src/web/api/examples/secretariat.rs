//! Bodies for the operations of the secretariat.

use serde_json::json;

use super::Example;

/// Evaluation of services.
pub(super) fn of_evaluation() -> Vec<Example> {
    let json = "application/json";
    let service = json!({"code": "posto-exemplo", "name": "Carteira de trabalho", "sphere": "federal", "unit": "Posto de exemplo"});
    let text = "key = \"exemplo\"\nversion = 1\ntitle = { pt = \"Exemplo\", en = \"Example\" }\nquestion = [\n\
        { key = \"overall\", kind = \"scale\", topic = \"satisfaction\", label = { pt = \"Geral\", en = \"Overall\" } },\n\
        { key = \"care\", kind = \"scale\", topic = \"quality\", label = { pt = \"Atendimento\", en = \"Care\" } },\n\
        { key = \"time\", kind = \"scale\", topic = \"deadlines\", label = { pt = \"Prazo\", en = \"Time\" } },\n]\n";
    vec![
        ("post", "/api/v1/secretariat/service-evaluation/services", json, service.clone()),
        (
            "put",
            "/api/v1/secretariat/service-evaluation/services/{code}",
            json,
            json!({"revision": 1, "service": service}),
        ),
        ("post", "/api/v1/secretariat/service-evaluation/questionnaires", json, json!({"text": text})),
        (
            "post",
            "/api/v1/secretariat/service-evaluation/rounds",
            json,
            json!({"title": "Rodada de exemplo", "questionnaire": "exemplo", "version": 1, "opens_on": "2098-03-01",
                "closes_on": "2098-03-31", "open_link": true, "services": ["posto-exemplo"]}),
        ),
        (
            "post",
            "/api/v1/secretariat/service-evaluation/rounds/{id}/codes",
            json,
            json!({"service": "posto-exemplo", "count": 20}),
        ),
        (
            "post",
            "/api/v1/secretariat/service-evaluation/responses",
            json,
            json!({"code": "7K2M-0QFX-7K2M-0QFX", "answers": {"overall": "5", "care": "4", "time": "3"}}),
        ),
        ("post", "/api/v1/secretariat/service-evaluation/comments/{id}", json, json!({"state": "shown"})),
        (
            "post",
            "/api/v1/secretariat/service-evaluation/manifestations",
            json,
            json!({"service": "posto-exemplo", "year": 2098, "manifestations": 12, "source": "Ofício de exemplo"}),
        ),
        ("post", "/api/v1/secretariat/service-evaluation/reports", json, json!({"year": 2098})),
        (
            "put",
            "/api/v1/secretariat/service-evaluation/definitions",
            json,
            json!({"format": "sentinela-evaluation/1", "services": [], "questionnaires": []}),
        ),
    ]
}

/// Information by segment.
pub(super) fn of_segments() -> Vec<Example> {
    let json = "application/json";
    let asked = json!({"email": "exemplo@exemplo.invalid", "reason": "Pediu para sair pelo telefone"});
    vec![
        ("post", "/api/v1/secretariat/segments/subscriptions/search", json, asked),
        (
            "post",
            "/api/v1/secretariat/segments/subscriptions/{id}/stop",
            json,
            json!({"reason": "Pediu para sair pelo telefone"}),
        ),
    ]
}

/// The registry.
pub(super) fn of_registry() -> Vec<Example> {
    let (json, lines) = ("application/json", "application/x-ndjson");
    let entry = json!({"kind": "organisation", "name": "Associação de exemplo", "short_name": "ASSEX", "nature": "civil_society",
        "address": "Rua do Exemplo, 7", "access": "internal"});
    let why = json!({"revision": 1, "reason": "Registro repetido"});
    let contact = json!({"channel": "email", "value": "contato@exemplo.invalid", "purpose": "Convites para reuniões",
        "given_on": "2026-01-05"});
    let into = json!({"revision": 1, "into": "00000000-0000-0000-0000-000000000000", "reason": "É a mesma associação"});
    vec![
        ("post", "/api/v1/secretariat/registry", json, entry.clone()),
        ("put", "/api/v1/secretariat/registry/{id}", json, json!({"revision": 1, "entry": entry})),
        ("post", "/api/v1/secretariat/registry/{id}/remove", json, why.clone()),
        ("post", "/api/v1/secretariat/registry/{id}/merge", json, into),
        ("post", "/api/v1/secretariat/registry/{id}/unmerge", json, why),
        ("post", "/api/v1/secretariat/registry/{id}/contacts", json, contact),
        (
            "post",
            "/api/v1/secretariat/registry/{id}/document",
            json,
            json!({"reason": "Conferir a prestação de contas"}),
        ),
        ("post", "/api/v1/secretariat/registry/import", lines, json!("")),
    ]
}

/// Agreements, funding and strategic projects.
pub(super) fn of_instruments() -> Vec<Example> {
    let (json, lines) = ("application/json", "application/x-ndjson");
    let grantor = json!({"name": "Ministério de exemplo", "document": "00.394.460/0001-41"});
    let project =
        json!({"kind": "project", "title": "Parque linear", "objective": "Conter cheias", "owner": "Ana Lima"});
    vec![
        ("post", "/api/v1/secretariat/agreements", json, json!({"kind": "fomento", "object": "Oficinas em escolas"})),
        ("post", "/api/v1/secretariat/agreements/{id}/acts", json, json!({"act": {"act": "begin"}})),
        ("post", "/api/v1/secretariat/agreements/import", lines, json!("")),
        (
            "post",
            "/api/v1/secretariat/funding",
            json,
            json!({"kind": "convenio", "object": "Encosta", "grantor": grantor}),
        ),
        ("post", "/api/v1/secretariat/funding/{id}/acts", json, json!({"act": {"act": "end"}})),
        ("post", "/api/v1/secretariat/funding/import", lines, json!("")),
        ("post", "/api/v1/secretariat/strategic-projects", json, project),
        (
            "post",
            "/api/v1/secretariat/strategic-projects/{id}/acts",
            json,
            json!({"act": {"act": "stop", "reason": "Sem verba"}}),
        ),
        ("post", "/api/v1/secretariat/strategic-projects/import", lines, json!("")),
    ]
}

/// The budget.
pub(super) fn of_budget() -> Vec<Example> {
    let json = "application/json";
    let key = "02.01.06.182.0012.2041.3.3.90.30.1500";
    let line = json!({"key": key, "sphere": "fiscal", "amount": 5_000_000, "words": "Lonas"});
    let taken = json!({"nature": "1.1.1.2.50", "source": "1500", "sphere": "fiscal", "amount": 5_000_000});
    let credit = json!({"kind": "extraordinary", "origin": "none", "on": "2027-02-22", "act": "Decreto 17.001", "reason": "Calamidade: chuvas",
        "expense": [{"key": key, "amount": 90_000_000}]});
    let head = json!({"kind": "loa", "credit_limit": 1000, "note": "Números fictícios"});
    let date = json!({"code": "loa.submit", "law_ref": "Lei Orgânica, art. 120", "confirmed": true, "valid_from": "2026-01-01",
        "month": 9, "day": 30, "years_before": 1});
    let node = json!({"code": "02", "name": "Prefeitura", "valid_from": "2020-01-01"});
    let hearing = json!({"on": "2026-08-10", "place": "Câmara Municipal", "minutes": "Ata 3/2026"});
    let table = "dia;chave;documento;empenhado;anulado;liquidado;pago\r\n01/02/2027;02.01.06.182.0012.2041.3.3.90.30.1500;E1;10,00;;;\r\n";
    vec![
        ("post", "/api/v1/secretariat/budget/bills", json, json!({"kind": "loa", "year": 2027})),
        ("put", "/api/v1/secretariat/budget/bills/{id}/content", json, json!({"revision": 1, "content": head})),
        (
            "put",
            "/api/v1/secretariat/budget/bills/{id}/ceilings",
            json,
            json!([{"unit": "02.01", "amount": 5_000_000}]),
        ),
        ("put", "/api/v1/secretariat/budget/bills/{id}/proposals/{unit}", json, json!([line])),
        (
            "post",
            "/api/v1/secretariat/budget/bills/{id}/proposals/{unit}/return",
            json,
            json!({"reason": "Falta a meta"}),
        ),
        ("put", "/api/v1/secretariat/budget/bills/{id}/revenue", json, json!([taken])),
        ("post", "/api/v1/secretariat/budget/bills/{id}/steps", json, json!({"act": "hear", "hearing": hearing})),
        ("post", "/api/v1/secretariat/budget/bills/{id}/changes", json, credit),
        (
            "post",
            "/api/v1/secretariat/budget/bills/{id}/changes/{change}/decide",
            json,
            json!({"taken": true, "reason": "Aprovada em plenário"}),
        ),
        ("post", "/api/v1/secretariat/budget/bills/{id}/execution", "text/csv", table.into()),
        ("post", "/api/v1/secretariat/budget/codes/{which}", json, json!([node])),
        (
            "post",
            "/api/v1/secretariat/budget/date-rules",
            json,
            json!({"rule": date, "reason": "Lei Orgânica conferida"}),
        ),
    ]
}

/// Recusals of cases, and the votes of the ethics council.
pub(super) fn of_ethics() -> Vec<Example> {
    let (json, nil) = ("application/json", "00000000-0000-0000-0000-000000000000");
    let recusal = json!({"revision": 3, "username": "enzo", "reason": "Parente da parte"});
    let designation = json!({"revision": 7, "seat_id": nil, "person_id": nil, "act": "Portaria 12/2026",
        "reason": "Titular e suplente impedidos"});
    let back = json!({"revision": 7, "reason": "Impedimentos depois dos votos"});
    vec![
        ("post", "/api/v1/secretariat/{module}/cases/{id}/recusals", json, recusal.clone()),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/recusals/lift", json, recusal),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/votes", json, json!({"choice": "for"})),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/votes/resolve", json, json!({"revision": 7})),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/votes/designate", json, designation),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/votes/give-back", json, back),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/reporter", json, json!({"name": "Maria Souza"})),
    ]
}

/// Cases of the secretariat.
pub(super) fn of_secretariat() -> Vec<Example> {
    let json = "application/json";
    let fields = json!({"text": "Limpar as bocas de lobo", "due_on": "2098-12-01"});
    let why = json!({"revision": 1, "reason": "Aberta por engano"});
    let key = json!({"number": "SIC 2026/001", "code": "7K2M-0QFX-3D8T-PW41"});
    let start =
        json!({"series": "DET", "year": 2026, "start": 42, "reason": "Segue o livro de papel", "confirm": true});
    vec![
        ("put", "/api/v1/secretariat/series", json, start),
        (
            "post",
            "/api/v1/secretariat/{module}/cases",
            json,
            json!({"type": "coordination.determination", "title": "Bueiros", "department": "Obras", "fields": fields}),
        ),
        (
            "post",
            "/api/v1/secretariat/{module}/cases/{id}/acts/{transition}",
            json,
            json!({"revision": 1, "fields": {"responsible": "Maria Lima"}}),
        ),
        (
            "post",
            "/api/v1/secretariat/{module}/cases/{id}/assign",
            json,
            json!({"revision": 1, "assigned": "", "department": "Obras"}),
        ),
        (
            "post",
            "/api/v1/secretariat/press/outlets",
            json,
            json!({"name": "Rádio da Serra", "contact": "Redação", "email": "redacao@exemplo.invalid", "tags": "chuva"}),
        ),
        (
            "post",
            "/api/v1/secretariat/participation/consultations/{id}/contributions",
            json,
            json!({"text": "Que a rota de fuga passe pela escola.", "part": "Capítulo 2", "name": "Maria Lima", "may_name": true}),
        ),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/annul", json, why.clone()),
        ("post", "/api/v1/secretariat/{module}/cases/{id}/withdraw", json, why),
        (
            "post",
            "/api/v1/secretariat/{module}/cases/{id}/links",
            json,
            json!({"other": "00000000-0000-0000-0000-000000000000"}),
        ),
        (
            "post",
            "/api/v1/secretariat/{module}/requests",
            json,
            json!({"subject": "Gastos com limpeza", "text": "Quanto se gastou com a limpeza de bueiros em 2025?", "kind": "request",
                "anonymous": true}),
        ),
        ("post", "/api/v1/secretariat/protocol", json, key.clone()),
        ("post", "/api/v1/secretariat/protocol/{act}", json, key),
        (
            "post",
            "/api/v1/secretariat/{module}/cases/{id}/identity",
            json,
            json!({"reason": "Contato pedido pela pessoa para complementar o relato"}),
        ),
    ]
}

/// Committees.
pub(super) fn of_committees() -> Vec<Example> {
    let json = "application/json";
    let nil = "00000000-0000-0000-0000-000000000000";
    let half = json!({"num": 1, "den": 2, "more": true});
    let rules = json!({"notice_ordinary": "committees.notice.ordinary", "notice_extraordinary": "committees.notice.extraordinary",
        "quorum_open": half, "quorum_decide": half, "majority": "simple", "casting_vote": true, "public": true,
        "second_call": {"after_min": 30, "quorum": {"num": 1, "den": 3}}, "most_reappointments": 1});
    let body = json!({"slug": "exemplo", "name": "Conselho de exemplo", "kind": "council",
        "act": {"kind": "decree", "number": "1/2026", "on": "2026-01-05"}, "purpose": "Aconselhar.", "term_from": "2026-01-10",
        "rules": rules});
    let file = json!({"format": "sentinela-body/1", "id": "00000000-0000-0000-0000-00000000c0de", "body": body, "ended_on": null,
        "ended_reason": "", "persons": [], "seats": []});
    let ending = json!({"day": "2098-12-31", "reason": "Renúncia"});
    let person = json!({"name": "Ana Prado", "email": "conselho@exemplo.invalid"});
    let mandate = json!({"person_id": nil, "capacity": "titular", "from_on": "2026-02-01", "until_on": "2027-01-31", "act": "Decreto 2/2026"});
    vec![
        ("post", "/api/v1/secretariat/committees", json, body.clone()),
        ("put", "/api/v1/secretariat/committees/{slug}", json, json!({"revision": 1, "body": body})),
        ("post", "/api/v1/secretariat/committees/{slug}/end", json, ending.clone()),
        ("post", "/api/v1/secretariat/committees/persons", json, person.clone()),
        ("put", "/api/v1/secretariat/committees/persons/{person}", json, person),
        ("post", "/api/v1/secretariat/committees/imports", json, file),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/seats",
            json,
            json!({"position": 1, "entity": "Defesa Civil", "role": "chair"}),
        ),
        (
            "put",
            "/api/v1/secretariat/committees/{slug}/seats/{seat}",
            json,
            json!({"entity": "Defesa Civil", "role": "member"}),
        ),
        ("post", "/api/v1/secretariat/committees/{slug}/seats/{seat}/end", json, ending.clone()),
        ("post", "/api/v1/secretariat/committees/{slug}/seats/{seat}/mandates", json, mandate),
        ("post", "/api/v1/secretariat/committees/{slug}/mandates/{mandate}/end", json, ending),
    ]
}

/// Meetings of committees: the room, votes, minutes.
pub(super) fn of_meetings() -> Vec<Example> {
    let json = "application/json";
    let nil = "00000000-0000-0000-0000-000000000000";
    let meeting = json!({"kind": "ordinary", "starts_at": "2098-12-01T12:00:00Z", "place": "Sala 1", "items": [{"title": "Plano de contingência"}]});
    vec![
        ("post", "/api/v1/secretariat/committees/{slug}/meetings", json, meeting),
        ("post", "/api/v1/secretariat/committees/{slug}/meetings/{number}/acts", json, json!({"act": "call"})),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/attendance",
            json,
            json!({"seat_id": nil, "capacity": "titular"}),
        ),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items",
            json,
            json!({"title": "Relatório do mês"}),
        ),
        (
            "put",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/notes",
            json,
            json!({"notes": "Apresentado pela Defesa Civil."}),
        ),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/recusals",
            json,
            json!({"person_id": nil, "reason": "Parente do interessado"}),
        ),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/votes",
            json,
            json!({"seat_id": nil, "choice": "for"}),
        ),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/decision",
            json,
            json!({"tally": {"votes_for": 3, "votes_against": 0, "votes_abstain": 0}}),
        ),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/items/{item}/resolution",
            json,
            json!({"text": "Aprova o plano.", "determination": "Publicar", "determination_to": "Secretaria de Governo"}),
        ),
        (
            "put",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes",
            json,
            json!({"revision": 1, "text": "Ata."}),
        ),
        (
            "post",
            "/api/v1/secretariat/committees/{slug}/meetings/{number}/minutes/approval",
            json,
            json!({"revision": 1, "approvals": 3}),
        ),
    ]
}

/// Media monitoring.
pub(super) fn of_media() -> Vec<Example> {
    let json = "application/json";
    let id = "00000000-0000-4000-8000-000000000000";
    let item = json!({"source_id": id, "title": "Encosta preocupa moradores", "excerpt": "Moradores ouviram estalos"});
    let rumour = json!({"kind": "landslide", "place": "Rua de exemplo", "reason": "Dizem que a encosta cedeu"});
    let rule = json!({"name": "Chuvas de exemplo", "query": "chuva E (encosta OU alagamento)"});
    let reader = json!({"name": "Gabinete", "email": "gabinete@exemplo.invalid"});
    vec![
        (
            "post",
            "/api/v1/secretariat/media-monitoring/sources",
            json,
            json!({"name": "Rádio de exemplo", "kind": "hand"}),
        ),
        (
            "put",
            "/api/v1/secretariat/media-monitoring/sources/{id}",
            json,
            json!({"revision": 1, "source": {"name": "Jornal de exemplo", "kind": "feed", "url": "https://jornal.example/rss"}}),
        ),
        ("post", "/api/v1/secretariat/media-monitoring/rules", json, rule),
        ("post", "/api/v1/secretariat/media-monitoring/subscribers", json, reader),
        ("post", "/api/v1/secretariat/media-monitoring/items", json, item),
        (
            "post",
            "/api/v1/secretariat/media-monitoring/items/{id}/judge",
            json,
            json!({"state": "dismissed", "revision": 1}),
        ),
        ("post", "/api/v1/secretariat/media-monitoring/items/{id}/undo", json, json!({"revision": 1})),
        ("post", "/api/v1/secretariat/media-monitoring/items/{id}/check", json, rumour),
        ("post", "/api/v1/secretariat/media-monitoring/clippings", json, json!({"day": "2026-01-01"})),
        ("post", "/api/v1/secretariat/media-monitoring/import", "application/jsonl", json!("")),
    ]
}
