//! One body for each operation that takes one, for readers of the document and for the programs that try it.

mod secretariat;

use serde_json::{Value, json};

const AREA: &str = "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"code\":\"encosta\",\
    \"name\":\"Encosta\",\"hazards\":[{\"cobrade\":\"1.1.3.2.1\",\"grade\":\"R3\"}],\"source\":\"exemplo\"},\"geometry\":\
    {\"type\":\"Polygon\",\"coordinates\":[[[-43.3,-21.76],[-43.29,-21.76],[-43.29,-21.74],[-43.3,-21.76]]]}}]}";
const STATIONS: &str = "code,name,lat,lon,elevation_m,source,stream,quantity,unit,kind,interval_s,stale_after_min\n\
    X1,Pluviômetro de exemplo,-21.75,-43.295,,exemplo,rain,rain,mm,interval_sum,3600,150\n";
const RESIDENTS: &str = "external_ref,name,lat,lon,precision_m,phone,email,consent_source\n\
    exemplo-1,Exemplo,-21.75,-43.295,10,+5532999990009,exemplo@exemplo.invalid,formulário\n";

const RULE: &str = "id = \"exemplo\"\nversion = 1\ntitle = \"Chuva em encosta\"\nhazard = \"1.1.3.1.1\"\n\
    [stations.pluviometros]\nquantity = \"rain\"\nwithin_km = 3.0\n[[levels]]\nlevel = \"alert\"\n\
    any = [{ stations = \"pluviometros\", sum = \"1h\", at_least = \"40 mm\", clear_below = \"20 mm\" }]\n";

const WARNING: &str = "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>exemplo-1</identifier>\
    <sender>exemplo@exemplo.invalid</sender><sent>2026-09-19T09:00:00-03:00</sent><status>Test</status><msgType>Alert</msgType>\
    <scope>Public</scope><info><language>pt-BR</language><category>Met</category><event>Chuvas Intensas</event>\
    <urgency>Expected</urgency><severity>Moderate</severity><certainty>Likely</certainty><headline>Chuva forte</headline>\
    <area><areaDesc>Zona da Mata</areaDesc><circle>-21.7,-43.3 25</circle></area></info></alert>";

const ROTA: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//exemplo//PT\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
    SUMMARY:ana\r\nDTSTART:20981201T110000Z\r\nDTEND:20981201T230000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// Method, path, media type and body.
type Example = (&'static str, &'static str, &'static str, Value);

fn all() -> Vec<Example> {
    [
        general(),
        of_rules(),
        of_exercises(),
        of_reach(),
        of_plans(),
        of_field(),
        of_teams(),
        of_damage(),
        of_deadlines(),
        secretariat::of_ethics(),
        secretariat::of_secretariat(),
        secretariat::of_committees(),
        secretariat::of_meetings(),
        secretariat::of_budget(),
        secretariat::of_instruments(),
        secretariat::of_registry(),
        secretariat::of_segments(),
        secretariat::of_evaluation(),
        secretariat::of_media(),
    ]
    .concat()
}

/// Exercises.
fn of_exercises() -> Vec<Example> {
    let json = "application/json";
    let plan = json!({"title": "Evacuação do Morro Alto", "scenario": "Chove 90 mm em 24 h.", "cobrade": "1.1.3.2.1",
        "objectives": "Sair em 20 minutos", "place": "Escola", "public_text": "Leve um documento.", "responsible": "Maria Lima",
        "starts_at": "2098-12-01T12:00:00Z", "ends_at": "2098-12-01T14:00:00Z", "announce_days": 7, "announce_hours": 24,
        "areas": ["morro-alto"], "injects": [{"at_min": 10, "text": "Rachadura na rua das Flores"}]});
    vec![
        ("post", "/api/v1/exercises", json, plan.clone()),
        ("put", "/api/v1/exercises/{id}", json, json!({"revision": 1, "plan": plan})),
        ("post", "/api/v1/exercises/{id}/acts", json, json!({"act": "start"})),
        ("post", "/api/v1/exercises/{id}/participants", json, json!({"kind": "nucleus", "name": "NUPDEC Morro Alto"})),
        ("post", "/api/v1/exercises/{id}/injects/{inject}/tick", json, json!({"done": true})),
        ("post", "/api/v1/exercises/{id}/alerts", json, json!({"level": "alert"})),
    ]
}

/// Damage and losses.
fn of_damage() -> Vec<Example> {
    let json = "application/json";
    let header = json!({"cobrade": "1.1.3.2.1", "occurred_at": "2026-02-22T11:00:00Z", "onset": "sudden"});
    let reason = json!({"reason": "Contada duas vezes"});
    let line = json!({"line": "education", "amount": {"damaged": 2, "centavos": 5_000_000}, "note": "duas escolas"});
    let words = json!({"revision": 1, "paragraphs": [{"key": "relatorio", "title": "1. Relatório", "text": "Desastre de {data}."}]});
    vec![
        (
            "post",
            "/api/v1/damage",
            json,
            json!({"incident_id": "00000000-0000-0000-0000-000000000000", "header": header}),
        ),
        ("put", "/api/v1/damage/{id}/header", json, json!({"revision": 1, "header": header})),
        (
            "put",
            "/api/v1/damage/{id}/sections",
            json,
            json!({"revision": 1, "sections": {"population": 540_756, "causes": "Chuva forte"}}),
        ),
        (
            "post",
            "/api/v1/damage/{id}/entries",
            json,
            json!({"line": "dead", "amount": {"persons": 2}, "because": "Boletim do IML"}),
        ),
        ("post", "/api/v1/damage/{id}/entries/{entry}/end", json, reason.clone()),
        ("post", "/api/v1/damage/{id}/adopt", json, json!({"line": "housing", "source": "inspection"})),
        (
            "put",
            "/api/v1/damage/{id}/level",
            json,
            json!({"revision": 1, "verdict": {"level": "ii", "declared": "se"},
                "answers": {"bearable": true, "needs_three_spheres": false}, "reason": "Reunião do comitê"}),
        ),
        (
            "post",
            "/api/v1/damage/{id}/declarations",
            json,
            json!({"department": "education", "person": "Rita Souza", "document": "Relatório 12/2026", "lines": [line]}),
        ),
        ("post", "/api/v1/damage/{id}/declarations/{declaration}/answer", json, json!({"adopts": true})),
        ("put", "/api/v1/damage/{id}/documents/{kind}", json, words),
        ("post", "/api/v1/damage/{id}/documents/{kind}/adopt", json, json!({"revision": 1})),
        ("post", "/api/v1/damage/{id}/documents/{kind}/take-back", json, reason.clone()),
        (
            "put",
            "/api/v1/damage/{id}/photographs",
            json,
            json!([{"id": "00000000-0000-0000-0000-000000000000", "caption": "Encosta", "lon": -43.39, "lat": -21.75}]),
        ),
        ("post", "/api/v1/damage/{id}/submit", json, json!({"revision": 1, "cobrade": "1.1.3.2.1"})),
        (
            "post",
            "/api/v1/damage/{id}/outcome",
            json,
            json!({"act": "recognise", "reason": "Portaria 612/2026", "recognised_on": "2026-03-02"}),
        ),
        ("post", "/api/v1/damage/{id}/correct", json, reason),
    ]
}

/// Deadlines, rules and holidays.
fn of_deadlines() -> Vec<Example> {
    let json = "application/json";
    let rule = json!({"code": "exemplo", "law_ref": "Lei 1/2026", "valid_from": "2098-01-01", "anchor_event": "occurred",
        "quantity": 10, "unit": "business"});
    let holiday = json!({"day": "2098-06-01", "name": "Aniversário da cidade", "kind": "municipal", "shut": true});
    vec![
        ("post", "/api/v1/deadlines/{id}", json, json!({"act": "extend", "reason": "Faltam laudos"})),
        ("post", "/api/v1/deadline-rules", json, json!({"rule": rule, "reason": "Norma conferida"})),
        ("post", "/api/v1/deadline-rules/{id}/end", json, json!({"reason": "Engano"})),
        ("post", "/api/v1/holidays", json, holiday),
        ("post", "/api/v1/holidays/{id}/remove", json, json!({"reason": "Engano"})),
    ]
}

/// Contingency plans, their tasks, situation reports and lessons.
fn of_plans() -> Vec<Example> {
    let json = "application/json";
    let action = json!({"code": "abrir-abrigo", "title": "Abrir o abrigo", "level": "alert", "role": "coordinator", "due_min": 45,
        "after": [], "checklist": ["Luz e água"]});
    let plan = json!({"title": "Plano de contingência", "summary": "", "contacts": [{"name": "Bombeiros", "phone": "193"}],
        "scenarios": [{"code": "deslizamento", "title": "Deslizamento", "hazards": ["1.1.3.2.1"], "areas": [], "hypothesis": "",
            "trigger": "alert", "actions": [action]}],
        "meeting_points": [{"code": "escola", "name": "Escola", "lat": -21.75, "lon": -43.35, "is_shelter": true}],
        "routes": [{"name": "Da encosta à escola", "to": "escola", "description": "Desça pela rua principal."}]});
    let word = json!({"revision": 1, "review_on": "2098-12-01", "reason": "Aprovado em reunião"});
    let reason = json!({"reason": "Sem risco após vistoria"});
    let lesson = json!({"text": "Chave do abrigo com duas pessoas", "owner": "Maria Lima", "due_on": "2098-12-01"});
    vec![
        ("post", "/api/v1/plans", json, json!({"code": "chuvas", "plan": plan})),
        ("post", "/api/v1/plans/{code}/versions/{number}/approve", json, word.clone()),
        ("post", "/api/v1/plans/{code}/versions/{number}/review", json, word),
        ("post", "/api/v1/plans/{code}/versions/{number}/withdraw", json, reason.clone()),
        (
            "post",
            "/api/v1/incidents/{id}/plans",
            json,
            json!({"plan": "chuvas", "scenario": "deslizamento", "level": "alert", "reason": "Chuva forte"}),
        ),
        ("post", "/api/v1/incidents/{id}/plans/{activation}/end", json, reason),
        ("post", "/api/v1/incidents/{id}/tasks/{task}", json, json!({"act": "take", "revision": 1})),
        (
            "put",
            "/api/v1/situation-reports/{id}",
            json,
            json!({"revision": 1, "situation": "Chuva forte.", "actions": "", "needs": "", "public_text": ""}),
        ),
        ("post", "/api/v1/situation-reports/{id}/approve", json, json!({"revision": 1})),
        ("post", "/api/v1/incidents/{id}/lessons", json, lesson),
        ("post", "/api/v1/incidents/{id}/lessons/{lesson}/done", json, json!({"note": "Feito"})),
    ]
}

/// Inspections, interdictions and acts of the field.
fn of_field() -> Vec<Example> {
    let json = "application/json";
    let (one, other) = ("0192f0c0-5b1e-4c5a-9d8e-1f2a3b4c5d6e", "0192f0c0-5b1e-4c5a-9d8e-1f2a3b4c5d6f");
    let term = json!({"key": other, "scope": "total", "reason": "Risco de queda do muro", "signer_name": "Maria Lima",
        "signer_role": "owner", "witness": "José Souza"});
    let inspection = json!({"key": one, "observed_at": "2026-02-22T11:00:00Z", "street": "Rua das Flores", "house_number": "20",
        "place": {"lat": -21.75, "lon": -43.35, "accuracy_m": 8.0}, "building": "housing", "ownership": "private",
        "damage": "damaged", "people": {"residents": 4}, "risk": "R4", "form": "2026-1", "answers": {"structure": "failing"}});
    let later = json!({"inspection": one, "at": "2026-02-22T11:30:00Z", "interdiction": term});
    vec![
        ("post", "/api/v1/inspections", json, inspection),
        ("post", "/api/v1/interdictions", json, later),
        ("post", "/api/v1/interdictions/{id}/release", json, json!({"key": other, "reason": "Muro refeito"})),
        ("post", "/api/v1/field/acts", json, json!({"key": one, "act": "arrive", "id": other})),
    ]
}

/// Endpoints, sirens and rotas.
fn of_reach() -> Vec<Example> {
    let json = "application/json";
    let settings = json!({"url": "https://exemplo.invalid/alertas", "events": ["incidents"]});
    let school = json!({"name": "Escola Halfeld", "kind": "school", "lat": -21.75, "lon": -43.295, "precision_m": 20,
        "people": 420, "contacts": [{"name": "Ana Dias", "phone": "(32) 99999-0001", "email": "direcao@exemplo.invalid"}]});
    let siren = "0f8fad5b-d9cb-469f-a165-70867728950e";
    vec![
        (
            "post",
            "/api/v1/endpoints",
            json,
            json!({"kind": "webhook", "name": "Sala de situação", "settings": settings, "least_level": "alert"}),
        ),
        (
            "put",
            "/api/v1/endpoints/{id}",
            json,
            json!({"revision": 1, "name": "Sala de situação", "settings": settings}),
        ),
        ("post", "/api/v1/endpoints/{id}/enabled", json, json!({"enabled": false})),
        ("post", "/api/v1/endpoints/{id}/rotate", json, json!({"grace_h": 24})),
        ("post", "/api/v1/sirens/{id}/commands", json, json!({"act": "test_silent"})),
        (
            "post",
            "/api/v1/siren-requests",
            json,
            json!({"sirens": [siren], "pattern": "wail", "duration_s": 60, "reason": "Rompimento da barragem"}),
        ),
        ("post", "/api/v1/siren-requests/{id}", json, json!({"act": "refuse"})),
        (
            "put",
            "/api/v1/alerts/{id}/audience",
            json,
            json!({"revision": 1, "audience": {"buffer_m": 300, "leave_out_from_m": 1000}}),
        ),
        ("post", "/api/v1/institutions", json, school.clone()),
        ("put", "/api/v1/institutions/{id}", json, school),
        ("post", "/api/v1/rotas", json, json!({"code": "plantao", "name": "Plantão da Defesa Civil", "layers": 1})),
        (
            "post",
            "/api/v1/rotas/{code}/turns",
            json,
            json!({"person": "ana", "from": "2098-12-01T11:00:00Z", "until": "2098-12-01T23:00:00Z"}),
        ),
        ("post", "/api/v1/rotas/{code}/imports", "text/calendar", ROTA.into()),
    ]
}

/// The life of a rule.
fn of_rules() -> Vec<Example> {
    let json = "application/json";
    vec![
        ("post", "/api/v1/rules", json, json!({"text": RULE, "note": "Limiar do plano de 2026"})),
        ("post", "/api/v1/rules/check", json, json!({"text": RULE})),
        ("put", "/api/v1/rules/{id}/versions/{version}", json, json!({"revision": 1, "text": RULE, "note": ""})),
        ("post", "/api/v1/rules/{id}/versions/{version}/check", json, json!({"revision": 1})),
        ("post", "/api/v1/rules/{id}/versions/{version}/preview", json, json!({"days": 7})),
        ("post", "/api/v1/rules/{id}/versions/{version}/trial", json, json!({"revision": 1})),
        (
            "post",
            "/api/v1/rules/{id}/versions/{version}/return",
            json,
            json!({"revision": 1, "reason": "Falta a fonte"}),
        ),
        ("post", "/api/v1/rules/{id}/versions/{version}/withdraw", json, json!({"revision": 1, "reason": "Repetida"})),
        (
            "post",
            "/api/v1/rules/{id}/versions/{version}/approve",
            json,
            json!({"revision": 1, "reason": "Plano de 2026"}),
        ),
        ("post", "/api/v1/rules/{id}/versions/{version}/retire", json, json!({"revision": 1, "reason": "Sem uso"})),
    ]
}

fn general() -> Vec<Example> {
    let json = "application/json";
    let reason = || json!({"reason": "Encerrado após vistoria"});
    let texts = json!({"headline": "Risco alto de deslizamento", "description": "Chove forte há seis horas.",
        "instruction": "Saia de casa e vá ao ponto de apoio.", "sms_text": "Defesa Civil: risco alto. Saia de casa.",
        "expires_at": "2099-01-01T00:00:00Z"});
    vec![
        (
            "post",
            "/api/v1/readings",
            json,
            json!({"id": "msg-1",
            "readings": [{"stream": "rain", "at": "2022-02-15T19:10:00Z", "value": 3.4, "unit": "mm"}]}),
        ),
        ("post", "/api/v1/alerts", json, json!({"cobrade": "1.1.3.2.1", "level": "alert", "areas": ["morro-alto"]})),
        ("put", "/api/v1/alerts/{id}", json, json!({"revision": 1, "texts": texts})),
        ("post", "/api/v1/alerts/{id}/issue", json, json!({"revision": 1})),
        ("post", "/api/v1/alerts/{id}/delivery/pause", json, json!({"reason": "Texto com o bairro errado"})),
        ("post", "/api/v1/alerts/{id}/delivery/resume", json, json!({"reason": "Texto conferido"})),
        ("post", "/api/v1/alerts/{id}/delivery/cancel", json, json!({"reason": "Substituído por outro aviso"})),
        ("post", "/api/v1/alerts/{id}/discard", json, json!({"revision": 1, "reason": "Não choveu"})),
        (
            "post",
            "/api/v1/reports",
            json,
            json!({"id": "0f8fad5b-d9cb-469f-a165-70867728950e", "kind": "landslide", "text": "A terra desceu até o muro",
                "place": "Rua das Flores, 20", "lat": -21.7612, "lon": -43.3501, "accuracy_m": 12}),
        ),
        (
            "post",
            "/api/v1/occurrences",
            json,
            json!({"id": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "origin": "call", "kind": "landslide", "people": 3,
                "text": "Tem gente presa", "place": "Rua das Flores, 20", "contact": "+55 32 99999-0009", "needs": ["carried"]}),
        ),
        ("post", "/api/v1/occurrences/{id}/acts", json, json!({"act": "dispatch", "unit": "VTR 02"})),
        ("post", "/api/v1/warnings", "application/cap+xml", WARNING.into()),
        ("post", "/api/v1/warnings/{id}/draft", json, json!({"cobrade": "1.3.2.1.4", "level": "attention"})),
        ("post", "/api/v1/incidents/{id}/entries", json, json!({"text": "Equipe no local"})),
        ("post", "/api/v1/incidents/{id}/close", json, reason()),
        ("post", "/api/v1/areas", "application/geo+json", serde_json::from_str(AREA).unwrap_or_default()),
        ("post", "/api/v1/stations", "text/csv", STATIONS.into()),
        ("post", "/api/v1/residents", "text/csv", RESIDENTS.into()),
        ("post", "/api/v1/devices", json, json!({"code": "pluvio-1", "station": "G1"})),
        (
            "post",
            "/api/v1/devices/{code}/commands",
            json,
            json!({"command": "set_interval", "args": {"interval_s": 600}, "lifetime_s": 86400}),
        ),
        ("post", "/api/v1/provisioning", "text/csv", "code,station\npluvio-2,G1\n".into()),
        ("post", "/api/v1/devices/{code}/rotate", json, json!({"grace_s": 3600})),
        ("post", "/api/v1/tokens", json, json!({"name": "painel", "scope": ["see_console"], "days": 30})),
        ("post", "/api/v1/tokens/{id}/rotate", json, json!({"grace_h": 24})),
        (
            "post",
            "/api/v1/staff",
            json,
            json!({"name": "Bruno Lima", "email": "bruno@exemplo.invalid", "roles": ["operator"]}),
        ),
        ("put", "/api/v1/staff/{username}/roles", json, json!({"roles": ["operator"], "reason": "Assumiu o plantão"})),
        ("post", "/api/v1/staff/{username}/disable", json, reason()),
        ("post", "/api/v1/staff/{username}/enable", json, reason()),
        ("post", "/api/v1/staff/{username}/reset-second-factor", json, reason()),
    ]
}

/// Teams and who is sent.
fn of_teams() -> Vec<Example> {
    let json = "application/json";
    let incident = "0190b6a0-0000-7000-8000-000000000001";
    let resource = json!({"code": "exemplo-vtr", "kind": "pickup", "typing": 3, "name": "VTR 02", "base": "Sede"});
    vec![
        ("post", "/api/v1/resources", json, resource.clone()),
        ("put", "/api/v1/resources/{id}", json, resource),
        (
            "post",
            "/api/v1/resources/{id}/condition",
            json,
            json!({"condition": "maintenance", "reason": "Troca de freios"}),
        ),
        ("post", "/api/v1/resources/{id}/members", json, json!({"member": incident, "leads": false, "leaves": false})),
        (
            "post",
            "/api/v1/resources/{id}/shifts",
            json,
            json!({"from": "2098-12-01T10:00:00Z", "until": "2098-12-01T22:00:00Z"}),
        ),
        (
            "post",
            "/api/v1/resource-requests",
            json,
            json!({"incident": incident, "kind": "inspection", "wanted": 2, "skills": ["engineering"], "task": "Vistoriar a encosta"}),
        ),
        (
            "post",
            "/api/v1/resource-requests/{id}/deployments",
            json,
            json!({"resource": incident, "reason": "É a mais próxima"}),
        ),
        ("post", "/api/v1/resource-requests/{id}/close", json, json!({"reason": "Não choveu mais"})),
        (
            "post",
            "/api/v1/deployments/{id}/steps",
            json,
            json!({"act": "en_route", "key": "celular-1:2098-12-01:7", "at": "2025-12-01T12:00:00Z",
                "position": {"lat": -21.7612, "lon": -43.3501, "accuracy_m": 12}}),
        ),
        (
            "post",
            "/api/v1/deployments/{id}/positions",
            json,
            json!({"positions": [{"lat": -21.7612, "lon": -43.3501, "accuracy_m": 12, "at": "2025-12-01T12:01:00Z"}]}),
        ),
        ("post", "/api/v1/incidents/{id}/organization", json, json!({"position": "operations", "name": "Ana Prado"})),
        ("post", "/api/v1/incidents/{id}/organization/end", json, json!({"position": "operations"})),
    ]
}

/// Puts the examples where OpenAPI wants them.
pub fn put(paths: &mut Value) {
    for (method, path, media_type, body) in all() {
        let content = paths.get_mut(path).and_then(|path| path.get_mut(method));
        let content = content.and_then(|operation| operation.pointer_mut("/requestBody/content"));
        if let Some(kind) = content.and_then(|content| content.get_mut(media_type)) {
            kind["example"] = body;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_stands_in_the_document() {
        let document = crate::web::docs::whole();
        for (method, path, media_type, body) in all() {
            let kind = &document["paths"][path][method]["requestBody"]["content"][media_type];
            assert_eq!(kind["example"], body, "{method} {path} takes no {media_type}");
        }
    }
}
