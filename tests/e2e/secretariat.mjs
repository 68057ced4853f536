// The secretariat at work, one story a module: a procedure is opened by its form, refused once in words, acted on to its end, and what is
// public of it is read by somebody without an account and without JavaScript. Asks a demonstration that runs (BASE, USERNAME, PASSWORD;
// SECOND and THIRD work in every module too). SHOTS=folder keeps pictures. ONLY=press,sic plays these modules alone.
import assert from "node:assert/strict";
import { play } from "./stage.mjs";

const only = (process.env.ONLY ?? "").split(",").filter(Boolean);
const HOUR = 3_600_000;

await play("the secretariat", { pictures: process.env.SHOTS }, async ({ base, open, step, signIn, checkPage, picture, send }) => {
  const page = await open();
  await signIn(page);
  const everybody = await open({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });

  /** A day of the town, so many ahead of the one that the service shows: "2026-03-31", and as people write it. */
  const now = Date.parse(await page.locator("#clock").getAttribute("datetime"));
  const day = (ahead) => new Date(now + ahead * 24 * HOUR - 3 * HOUR).toISOString().slice(0, 10);
  const written = (ahead) => day(ahead).split("-").reverse().join("/");
  /** In every title, so that a story finds its own case. */
  const mark = now.toString(36);

  async function colleague(username) {
    const other = await open();
    await other.goto(`${base}/console/login`);
    await other.fill("[name=username]", username);
    await other.fill("[name=password]", process.env.PASSWORD);
    await Promise.all([other.waitForURL((url) => !url.pathname.includes("login")), other.click("main button.primary")]);
    return other;
  }
  const second = await colleague(process.env.SECOND);
  const third = await colleague(process.env.THIRD);

  /** Fills a form by the names of its fields, whatever each is, and opens what it is folded in. */
  async function fill(form, values) {
    await form.evaluate((node) => {
      for (let fold = node.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    });
    for (const [name, value] of Object.entries(values)) {
      const field = form.locator(`[name="${name}"]`);
      const kind = await field.first().evaluate((node) => node.type);
      if (kind === "select-one") await field.selectOption(value);
      else if (kind === "checkbox") await field.setChecked(true);
      else if (kind === "radio") await form.locator(`[name="${name}"][value="${value}"]`).check();
      else await field.fill(value);
    }
  }
  const submit = (who, form) => send(who, form.locator("button.btn").last());

  /** What a page says when it does not do something: in a box of its own, and in these words. */
  async function refused(who, words) {
    const said = await who.locator(".flash.bad").first().innerText();
    assert.match(said, words);
    await checkPage(who);
  }

  const of = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [`f.${name}`, value]));
  const form = (who) => who.locator("main form:has(button.btn)").last();

  /** Opens a case by the form of its type; gives its path. */
  async function openCase(who, [slug, type], title, fields, around = {}) {
    await who.goto(`${base}/secretaria/painel/${slug}`);
    await send(who, who.locator(`main a[href$="/novo/${type}"]`));
    return openHere(who, title, fields, around);
  }

  /** The same on the form that is open already. */
  async function openHere(who, title, fields, around = {}) {
    await fill(form(who), { title: `${title} ${mark}`, ...of(fields), ...around });
    await submit(who, form(who));
    return new URL(who.url()).pathname;
  }

  /** Does an act that the page of the case offers. */
  async function act(who, path, key, fields = {}, reason = {}) {
    await who.goto(base + path);
    await send(who, who.locator(`main a[href$="/atos/${key}"]`));
    await fill(form(who), { ...of(fields), ...reason });
    await submit(who, form(who));
    assert.equal(new URL(who.url()).pathname, path, `${key} is done: ${await who.locator("main").innerText()}`);
  }

  /** The act is refused with these words, and what was typed is still there. */
  async function refusedAct(who, path, key, fields, words, reason = {}) {
    await who.goto(`${base}${path}/atos/${key}`);
    await fill(form(who), { ...of(fields), ...reason });
    await submit(who, form(who));
    await refused(who, words);
  }

  async function write(who, path, kind) {
    await who.goto(base + path);
    const form = who.locator('main form[action$="/documento"]');
    await fill(form, { kind, name: "Documento de exemplo", text: "Texto de exemplo." });
    await submit(who, form);
  }

  /** Everybody reads it on a telephone. */
  async function read(path, words) {
    const answer = await everybody.goto(base + path);
    assert.equal(answer.status(), 200, path);
    await checkPage(everybody);
    assert.ok((await everybody.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${path} is wider than the telephone`);
    assert.match(await everybody.locator("main").innerText(), words, path);
  }
  const own = (title) => new RegExp(`${title} ${mark}`);
  const says = async (who, words) => assert.match(await who.locator("main").innerText(), words);

  /** An act on an agreement, a funding or a project. */
  async function tick(path, word, fields) {
    await page.goto(base + path);
    const form = page.locator(`main form:has(input[name=act][value=${word}])`);
    await fill(form, fields);
    await submit(page, form);
  }
  async function ticked(path, word, fields) {
    await tick(path, word, fields);
    assert.equal(await page.locator(".flash.bad").count(), 0, `${word}: ${await page.locator("main").innerText()}`);
  }
  async function begin(slug, fields) {
    await page.goto(`${base}/secretaria/painel/${slug}`);
    const form = page.locator("#open form");
    await fill(form, fields);
    await submit(page, form);
    await checkPage(page);
    return new URL(page.url()).pathname;
  }

  /** One story; tests/it/secretariat/table.rs looks for each module by this call. */
  async function module(slug, told, story) {
    if (only.length === 0 || only.includes(slug)) {
      await step(`${slug}: ${told}`, story);
      await picture(page, `sec-${slug}`);
    }
  }

  await step("the panel names every competence of the act", async () => {
    await page.goto(`${base}/secretaria/painel`);
    await checkPage(page);
    assert.ok((await page.locator(".tiles li").count()) >= 23, "23 modules");
    await picture(page, "sec-1-panel");
  });

  await module("representation", "nobody represents before the act is there, nor outside its days", async () => {
    const days = { starts_on: day(0), ends_on: day(90) };
    const path = await openCase(page, ["representacao", "representation.delegation"], "Perante o Estado", {
      act: "Portaria 1", delegate: "Marta Reis", sphere: "state", scope: "Obras de contenção", ...days,
    });
    await refusedAct(page, path, "activate", {}, /documento/i);
    await write(page, path, "act");
    await act(page, path, "activate");
    await says(page, /DEL \d{4}\/\d{3}/);
    const met = { counterpart: "Estado", place: "Belo Horizonte", purpose: "Pedir o projeto" };
    await send(page, page.locator('main a[href*="/novo/representation.mission"]'));
    await openHere(page, "Reunião", { ...met, day: day(120) });
    await refused(page, /fora/i);
    await fill(form(page), { "f.day": day(0) });
    await submit(page, form(page));
    await act(page, new URL(page.url()).pathname, "hold", { outcome: "O Estado manda o projeto." });
    await read("/secretaria/representacao/publicacoes", own("Perante o Estado"));
  });

  await module("advisory", "whoever writes the opinion does not approve it, and the mayor dispatches", async () => {
    const path = await openCase(page, ["assessoramento", "advisory.consultation"], "Doação de terreno", {
      asked_by: "mayor", question: "Pode?", due_on: day(10), form: "opinion",
    });
    await act(page, path, "distribute");
    await write(page, path, "draft");
    await act(page, path, "draft", { summary: `Doação com encargo ${mark}`, conclusion: "Pode, por lei." });
    await refusedAct(page, path, "homologate", {}, /duas pessoas/);
    await act(second, path, "homologate");
    await page.goto(`${base}/secretaria/painel/prefeito`);
    await checkPage(page);
    await says(page, own("Doação de terreno"));
    await act(page, path, "dispatch", { dispatch: "Lei 9", dispatched_on: day(0) });
    await read(`/secretaria/assessoramento/publicacoes/${path.split("/").pop()}`, own("Doação com encargo"));
    assert.doesNotMatch(await everybody.locator("main").innerText(), /Pode, por lei/);
  });

  await module("coordination", "a determination is accepted, explains its day, and is shown done", async () => {
    const type = ["articulacao-interna", "coordination.determination"];
    const text = { text: "Limpar as bocas de lobo antes das chuvas." };
    await openCase(page, type, "Bocas de lobo", { ...text, due_on: day(-30) }, { department: "Secretaria de Obras" });
    await refused(page, /\S/);
    await fill(form(page), { "f.due_on": day(20) });
    await submit(page, form(page));
    const path = new URL(page.url()).pathname;
    assert.match(await page.locator("h1").innerText(), /DET \d{4}\/\d{3}/);
    await page.locator("main details summary").first().click();
    assert.ok((await page.locator("main details ol li").count()) >= 2, "each step of the reckoning");
    await act(page, path, "accept", { responsible: "Marta Reis" });
    await refusedAct(page, path, "escalate", {}, /prazo ainda corre/, { reason: "Atraso" });
    await act(page, path, "finish", { evidence: "Relatório por trecho." });
    await says(page, /Cumprida/);
    await page.goto(`${base}/secretaria/painel/articulacao-interna/relatorio/coordination.determination`);
    await checkPage(page);
  });

  await module("relations", "a request of the council is answered, and everybody reads the reply", async () => {
    const path = await openCase(page, ["articulacao-externa", "relations.demand"], "Pedido da Câmara", {
      counterpart_kind: "council", counterpart: "Câmara Municipal", received_on: day(-1), request: "Quantas vistorias?",
    });
    await refusedAct(page, path, "forward", {}, /não permite/);
    await act(page, path, "register_council");
    await act(page, path, "draft", { reply: `Foram trinta e duas ${mark}` });
    await act(page, path, "answer");
    await read(`/secretaria/articulacao-externa/publicacoes/${path.split("/").pop()}`, own("Foram trinta e duas"));
  });

  await module("legislative", "an expense without its estimate is refused, and the position goes to the council", async () => {
    const path = await openCase(page, ["materias-legislativas", "legislative.matter"], "Escolas como abrigo", {
      urn: `urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:${day(-5)};120`,
      author: "Câmara Municipal", regime: "ordinary", summary: "Autoriza o uso de escolas.",
    });
    await act(page, path, "ask");
    const judged = { merit: "Útil.", opportunity: "Agora.", compatibility: "Cabe no plano.", creates_expense: "true" };
    await refusedAct(page, path, "judge", judged, /Falta/);
    await refusedAct(page, path, "judge", { ...judged, programme: "0042", cost: "180.000,00" }, /não é programa do PPA/);
    await act(page, path, "judge", { ...judged, programme: "0012", cost: "180.000,00" });
    await act(page, path, "propose", { position: "favourable", position_text: "Serve à cidade." });
    await act(page, path, "send");
    await read(`/secretaria/materias-legislativas/publicacoes/${path.split("/").pop()}`, /Serve à cidade/);
  });

  await module("ethics", "a question of conflict is examined by one and answered by another, and its summary names nobody", async () => {
    const path = await openCase(page, ["etica", "ethics.conflict"], "Convite para palestra", {
      kind: "private_activity", asker: "Pessoa fictícia", question: "Posso aceitar o convite?",
    });
    await act(page, path, "examine", { opinion: "Sem relação com as funções." });
    const answered = { outcome: "conditions", conditions: "Sem remuneração e fora do expediente." };
    await refusedAct(page, path, "answer", answered, /duas pessoas/);
    await refusedAct(second, path, "answer", { outcome: "conditions" }, /Falta/);
    await act(second, path, "answer", answered);
    await act(page, path, "publish", { summary_title: `Palestra em congresso ${mark}`, summary: "Pode, sem remuneração." });
    await read(`/secretaria/etica/publicacoes/${path.split("/").pop()}`, own("Palestra em congresso"));
    assert.doesNotMatch(await everybody.locator("main").innerText(), /Pessoa fictícia/);
  });

  await module("transparency", "what is published from tomorrow on is refused, and what is published counts", async () => {
    const item = { item: "tenders", covers_until: day(-1), url: "https://exemplo.invalid/licitacoes", format: "CSV" };
    await openCase(page, ["transparencia", "transparency.publication"], "Licitações", { ...item, published_on: day(3) });
    await refused(page, /não permite/);
    await fill(form(page), { "f.published_on": day(-1) });
    await submit(page, form(page));
    await checkPage(page);
    await read("/secretaria/transparencia", /\S/);
    assert.ok((await everybody.locator('a[href="https://exemplo.invalid/licitacoes"]').count()) === 1, "the obligation leads there");
  });

  // A form that is sent within seconds is a machine's: a resident opens it here, and sends it when the other stories have been told.
  const resident = await open({ javaScriptEnabled: false });
  let consultation = "";
  await module("participation", "a consultation begins, and a resident begins to write", async () => {
    const type = ["participacao", "participation.consultation"];
    const asked = { kind: "consultation", about: "other", summary: "Que praça vem primeiro?", opens_on: day(-1) };
    await openCase(page, type, "Praças", { ...asked, closes_on: day(-2) });
    await refused(page, /\S/);
    await fill(form(page), { "f.closes_on": day(20) });
    await submit(page, form(page));
    const path = new URL(page.url()).pathname;
    await act(page, path, "start");
    consultation = path.split("/").pop();
    await read(`/secretaria/participacao/consultas/${consultation}`, own("Praças"));
    await resident.goto(everybody.url());
  });

  await module("service-evaluation", "a service is asked about, and somebody answers with a code that is good once", async () => {
    await page.goto(`${base}/secretaria/painel/avaliacao-de-servicos/pesquisas`);
    await checkPage(page);
    const service = `servico-${mark}`;
    const added = page.locator("#servicos > details form");
    await fill(added, { code: service, name: `Serviço de exemplo ${mark}`, sphere: "state", unit: "Unidade de exemplo" });
    await submit(page, added);
    const round = page.locator("#rodadas > details form");
    await fill(round, { title: `Pesquisa ${mark}`, questionnaire: "usuarios 1", opens_on: day(0), closes_on: day(-1), services: service });
    await submit(page, round);
    await refused(page, /\S/);
    // Tomorrow, since midnight may pass meanwhile; but a round ends in its year.
    await fill(round, { closes_on: day(1).slice(0, 4) === day(0).slice(0, 4) ? day(1) : day(0) });
    await submit(page, round);
    await says(page, own("Pesquisa"));
    const wanted = page.locator('main form[action$="/codigos"]');
    await fill(wanted, { service, count: "1" });
    await submit(page, wanted);
    const code = await page.locator("main b.mono").first().innerText();
    await checkPage(page);
    const enter = async () => {
      await everybody.goto(`${base}/secretaria/avaliacao-de-servicos`);
      const typed = everybody.locator('main form[action="/secretaria/avaliacao-de-servicos"]');
      await fill(typed, { code });
      await submit(everybody, typed);
    };
    await enter();
    await checkPage(everybody);
    const asked = everybody.locator("main form");
    const said = { satisfaction: "4", care: "4", clarity: "3", deadline: "5", solved: "yes", channel: "desk" };
    await fill(asked, Object.fromEntries(Object.entries(said).map(([name, value]) => [`a.${name}`, value])));
    await submit(everybody, asked);
    assert.match(new URL(everybody.url()).pathname, /\/obrigado$/);
    await checkPage(everybody);
    await enter();
    await refused(everybody, /já foi usado/);
    await read(`/secretaria/avaliacao-de-servicos/relatorios/${Number(day(0).slice(0, 4)) - 1}`, /Ranking de satisfação/);
  });

  await module("committees", "a council is created, seated, and convened no sooner than its notice allows", async () => {
    await page.goto(`${base}/secretaria/painel/comites`);
    await checkPage(page);
    const slug = `conselho-${mark}`;
    const created = page.locator('main form[action="/secretaria/painel/comites"]');
    await fill(created, {
      kind: "council", slug, name: `Conselho de exemplo ${mark}`, act_kind: "decree", act_number: "5", act_on: day(-10),
      purpose: "Aconselhar.", term_from: day(-9),
    });
    await submit(page, created);
    const here = `/secretaria/painel/comites/${slug}`;
    assert.equal(new URL(page.url()).pathname, here);
    const of = (word) => page.locator(`main form:has(input[name=act][value=${word}])`);
    await fill(of("seat"), { entity: "Defesa Civil", role: "chair" });
    await submit(page, of("seat"));
    const meeting = { meeting_kind: "ordinary", place: "Sala 2", items: "Plano de contingência" };
    await fill(of("convene"), { ...meeting, starts_at: `${day(2)}T14:00` });
    await submit(page, of("convene"));
    await refused(page, /antecedência/);
    await fill(of("convene"), { ...meeting, starts_at: `${day(12)}T14:00` });
    await submit(page, of("convene"));
    assert.equal(await page.locator(".flash.bad").count(), 0);
    await read(`/secretaria/comites/${slug}`, own("Conselho de exemplo"));
  });

  /** A CNPJ with its check digits, another one in each walk. */
  function cnpj() {
    const digits = [...String(now).slice(-8), ..."0001"].map(Number);
    for (let turn = 0; turn < 2; turn += 1) {
      const [sum] = digits.reduceRight(([sum, weight], digit) => [sum + digit * weight, weight === 9 ? 2 : weight + 1], [0, 2]);
      digits.push(sum % 11 < 2 ? 0 : 11 - (sum % 11));
    }
    return digits.join("").replace(/^(..)(...)(...)(....)(..)$/, "$1.$2.$3/$4-$5");
  }

  await module("registry", "each stands once, is known again by an agreement, found under its new name, and chosen in a form", async () => {
    const desk = "/secretaria/painel/cadastro";
    const entered = page.locator(`main form[method=post][action="${desk}"]`);
    async function enter(fields) {
      await page.goto(base + desk);
      await fill(entered, fields);
      await submit(page, entered);
    }
    await page.goto(base + desk);
    await checkPage(page);
    await enter({ kind: "person", name: `Joana Fictícia ${mark}`, access: "public" });
    await refused(page, /\S/);
    await fill(entered, { access: "internal" });
    await submit(page, entered);
    await checkPage(page);
    assert.match(await page.locator("h1").innerText(), own("Joana Fictícia"));
    await enter({ kind: "place", name: `Quadra da escola ${mark}`, address: "Rua do Exemplo, 7", longitude: "-43,35", latitude: "-21,76", access: "internal" });
    await checkPage(page);
    await says(page, /-21[.,]76/);
    const number = cnpj();
    await enter({ kind: "organisation", name: `Associação da Ladeira ${mark}`, nature: "civil_society", document: number, access: "internal" });
    const entry = new URL(page.url()).pathname;
    await checkPage(page);
    await enter({ kind: "organisation", name: `A mesma ${mark}`, nature: "civil_society", document: number, access: "internal" });
    await refused(page, /\S/);

    const path = await begin("parcerias", { kind: "fomento", object: `Horta da encosta ${mark}` });
    await ticked(path, "waive", { ground: "Emergência", law_ref: "Lei 13.019/2014, art. 30, I" });
    await ticked(path, "select", { "partner.name": `Associação da Ladeira ${mark}`, "partner.document": number, reason: "Única no bairro" });
    await page.goto(base + entry);
    await checkPage(page);
    await says(page, own("Horta da encosta"));

    const renamed = `Associação do Mirante ${mark}`;
    const edit = page.locator("main form:has(input[name=act][value=edit])");
    await fill(edit, { name: renamed });
    await submit(page, edit);
    assert.match(await page.locator("h1").innerText(), own("Associação do Mirante"));
    await page.goto(base + desk);
    const search = page.locator("main form[role=search]");
    await fill(search, { q: renamed });
    await send(page, search.locator("button.btn"));
    await checkPage(page);
    assert.equal(await page.locator(`main td a[href="${entry}"]`).count(), 1, "found under its new name");

    await openCase(page, ["articulacao-interna", "coordination.visit"], "Visita à horta", { host: `Ninguém ${mark}` });
    await refused(page, /\S/);
    await fill(form(page), { "f.host": renamed });
    await submit(page, form(page));
    await checkPage(page);
    await says(page, own("Associação do Mirante"));
    await page.goto(base + entry);
    await says(page, own("Visita à horta"));
  });

  const plan = {
    "plan.goals": "Desassorear; Metros", "plan.stages": `Limpeza; ${written(1)}; ${written(100)}`, "plan.schedule": `${written(1)}; 50,00`,
  };

  await module("agreements", "a contract pays nothing before the national portal has it", async () => {
    const path = await begin("parcerias", { kind: "contrato", object: `Desassoreamento ${mark}` });
    await ticked(path, "waive", { ground: "Emergência", law_ref: "Lei 14.133/2021, art. 75, VIII" });
    await ticked(path, "select", { "partner.name": "Instituto Serra", "partner.document": "11.222.333/0001-81", reason: "Menor preço" });
    await ticked(path, "write_plan", { agreed: "50,00", starts_on: day(1), ends_on: day(180), ...plan });
    await ticked(path, "appoint", { manager: "Rui Prado", commission: "Ana Lima" });
    for (const kind of ["technical", "legal"]) await ticked(path, "opine", { kind, favourable: "yes", text: "Favorável." });
    await ticked(path, "sign", { on: day(0), sure: "yes" });
    await ticked(path, "commit", { centavos: "50,00", on: day(0), what: "Empenho 1" });
    await tick(path, "release", { centavos: "1,00", on: day(0), what: "Medição 1", sure: "yes" });
    await refused(page, /art\. 94/);
    await ticked(path, "publish", { on: day(0), place: "PNCP", sure: "yes" });
    await read("/secretaria/parcerias", own("Desassoreamento"));
  });

  await module("strategic-projects", "a project does not end before its milestones", async () => {
    const path = await begin("projetos", { kind: "project", title: `Encosta segura ${mark}`, objective: "Reduzir o risco", owner: "Marta Reis" });
    await ticked(path, "add_milestone", { title: "Projeto básico", planned_on: day(30), weight: "1" });
    await tick(path, "close", { reason: "Fim", sure: "yes" });
    await refused(page, /Projeto básico/);
    await ticked(path, "finish", { milestone: "1", on: day(0), evidence: "Entregue" });
    await ticked(path, "close", { reason: "Tudo entregue", sure: "yes" });
    await read("/secretaria/projetos", own("Encosta segura"));
  });

  /** A resident asks at the citizen's door; gives number and code. */
  async function ask(path, fields) {
    await read(path, /\S/);
    const asked = everybody.locator(`main form[action="${path}"]`);
    await fill(asked, fields);
    await submit(everybody, asked);
    await checkPage(everybody);
    return everybody.locator("dd.mono.big").allInnerTexts();
  }
  /** And follows it. */
  async function follow([number, code], words) {
    await everybody.goto(`${base}/secretaria/protocolo`);
    const known = everybody.locator('main form[action="/secretaria/protocolo"]');
    await fill(known, { number: number.trim(), code: code.trim() });
    await submit(everybody, known);
    await checkPage(everybody);
    await says(everybody, words);
  }
  /** Staff find it in their queue by its number: what citizens write is not searched. */
  async function found(slug, [number]) {
    await page.goto(`${base}/secretaria/painel/${slug}`);
    await send(page, page.locator(`main td a[href*="/${slug}/casos/"]`).filter({ hasText: number.trim() }).first());
    await checkPage(page);
    return new URL(page.url()).pathname;
  }

  await module("sic", "a denial without its ground is refused; the answer is read by number and code, and rated", async () => {
    const key = await ask("/secretaria/acesso-a-informacao", { subject: `Bueiros ${mark}`, text: "Quantos foram limpos?" });
    const path = await found("acesso-a-informacao", key);
    await refusedAct(page, path, "answer", { outcome: "denied", answer: "Não." }, /Falta/);
    await act(page, path, "answer", { outcome: "granted", answer: `Foram quarenta ${mark}`, theme: "services" });
    await follow(key, own("Foram quarenta"));
    const rated = everybody.locator('main form[action="/secretaria/protocolo/rate"]');
    // Without JavaScript what is folded opens by its own summary.
    await everybody.locator('main details:has(form[action="/secretaria/protocolo/rate"]) > summary').click();
    await rated.locator('[name="f.rating"]').selectOption("5");
    await submit(everybody, rated);
    await says(everybody, /\S/);
  });

  await module("ombudsman", "an anonymous complaint goes to the area and comes back answered", async () => {
    const key = await ask("/secretaria/ouvidoria", {
      kind: "complaint", subject: `Ponto sem abrigo ${mark}`, text: "O ponto da praça está sem cobertura.", anonymous: "yes",
    });
    const path = await found("ouvidoria", key);
    await refusedAct(page, path, "answer", { outcome: "rejected", answer: "Não." }, /Falta/);
    await act(page, path, "answer", { outcome: "accepted", answer: `O abrigo vem em março ${mark}`, theme: "works" });
    await follow(key, own("O abrigo vem em março"));
  });

  await module("outreach", "what promotes a person is refused, and what informs leaves", async () => {
    const path = await openCase(page, ["divulgacao", "outreach.campaign"], "Rachadura nova", {
      kind: "civil_defense", project: "Encosta segura", message: "Ligue 199.",
    });
    const lawful = { impersonal: "true", legal_opinion: "Informa; não promove ninguém." };
    await refusedAct(page, path, "check", lawful, /duas pessoas/);
    await refusedAct(second, path, "check", { ...lawful, impersonal: "false" }, /não permite/);
    await act(second, path, "check", lawful);
    await act(page, path, "publish");
    await read("/secretaria/divulgacao", own("Rachadura nova"));
  });

  await module("segments", "a mailbox is asked to confirm before anything reaches it", async () => {
    await read("/secretaria/segmentos", /\S/);
    const wanted = everybody.locator('main form[action="/secretaria/segmentos/assinar"]');
    await fill(wanted, { email: `leitora.${mark}@exemplo.invalid` });
    await submit(everybody, wanted);
    await refused(everybody, /\S/);
    await wanted.locator("[name=tag]").first().check();
    await submit(everybody, wanted);
    await everybody.locator(".flash[role=status]").waitFor();
    for (const path of ["", "/entregas", "/proxima", "/relatorio", "/assinaturas"]) {
      await page.goto(`${base}/secretaria/painel/segmentos${path}`);
      await checkPage(page);
    }
    const seek = page.locator('main form[action="/secretaria/painel/segmentos/assinaturas"][method=post]').first();
    await fill(seek, { email: `leitora.${mark}@exemplo.invalid`, reason: "Pediu para sair pelo telefone" });
    await submit(page, seek);
    assert.match(await page.locator(".flash[role=status]").innerText(), /\*\*\*@exemplo\.invalid/);
    assert.ok(!(await page.content()).includes(`leitora.${mark}@`), "no address is shown whole");
  });

  await module("service-charter", "a service is looked over by a second person before everybody reads it", async () => {
    const path = await openCase(page, ["carta-de-servicos", "service_charter.service"], "Vistoria de risco", {
      area: "Defesa Civil", description: "Um técnico olha a encosta.", requirements: "Morar no Município.", documents: "Endereço.",
      steps: "Pedir pelo 199.", max_days: "10", days_kind: "business", channels: "Telefone 199", priority: "Risco à vida primeiro.",
      complaint: "Ouvidoria", review_on: day(200),
    });
    await refusedAct(page, path, "publish", {}, /duas pessoas/);
    await act(second, path, "publish");
    await read("/secretaria/carta-de-servicos", own("Vistoria de risco"));
  });

  await module("media-monitoring", "an item is written down, found, and chosen with its tone", async () => {
    const desk = "/secretaria/painel/clipping";
    await page.goto(`${base}${desk}/fontes`);
    await checkPage(page);
    const rule = page.locator(`main form[action="${desk}/regras"]`);
    await fill(rule, { name: `Regra ${mark}`, query: "(chuva" });
    await submit(page, rule);
    await refused(page, /\S/);
    const source = page.locator(`main form[action="${desk}/fontes"]`);
    await fill(source, { name: `Jornal ${mark}`, kind: "hand" });
    await submit(page, source);
    await page.goto(`${base}${desk}/novo`);
    const item = page.locator(`main form[action="${desk}/novo"]`);
    await fill(item, { source: { label: `Jornal ${mark}` }, title: `Obra entregue ${mark}`, excerpt: "A contenção ficou pronta." });
    await submit(page, item);
    await page.goto(`${base}${desk}?q=${mark}`);
    await send(page, page.locator(`main a[href*="${desk}/itens/"]`).first());
    await checkPage(page);
    const judged = page.locator('main form[action$="/julgar"]');
    await judged.locator("[name=tone]").first().check();
    await judged.locator("[name=theme]").fill("obras");
    await send(page, judged.locator("button[name=state][value=selected]"));
    assert.equal(await page.locator(".flash.bad").count(), 0, await page.locator("main").innerText());
  });

  await module("press", "a release is checked by the area, approved by a third person, and distributed", async () => {
    const path = await openCase(page, ["imprensa", "press.release"], "Obra concluída", {
      kind: "answer", lead: "A obra acabou.", body: "A contenção está pronta.",
    }, { assigned: process.env.SECOND });
    await act(second, path, "check", { fact_note: "Confere com a obra." });
    await refusedAct(second, path, "approve", {}, /duas pessoas/);
    await act(third, path, "approve");
    await act(page, path, "distribute");
    await read("/secretaria/imprensa", own("Obra concluída"));
  });

  await module("funding", "nothing is released under a suspensive clause", async () => {
    const path = await begin("captacao", {
      kind: "convenio", object: `Contenção de encosta ${mark}`, "grantor.name": "MIDR", "grantor.document": "00.394.460/0001-41",
      proposals_until: day(30),
    });
    await ticked(path, "propose", { on: day(0), text: "Proposta 0123" });
    await ticked(path, "write_plan", { agreed: "50,00", counterpart: "5,00", starts_on: day(1), ends_on: day(300), ...plan });
    await ticked(path, "sign", { on: day(0), clause: "Projeto executivo", clause_on: day(60), sure: "yes" });
    await ticked(path, "publish", { on: day(0), place: "DOU" });
    await ticked(path, "commit", { centavos: "50,00", on: day(0), what: "Empenho 1" });
    await tick(path, "release", { centavos: "1,00", on: day(0), what: "Parcela 1" });
    await refused(page, /suspensiva/);
    await ticked(path, "meet_clause", { on: day(0), evidence: "Ofício 7" });
    await read("/secretaria/captacao", own("Contenção de encosta"));
  });

  await module("budget", "a bill that is not whole is not consolidated, and everybody reads the budget that is law", async () => {
    await page.goto(`${base}/secretaria/painel/orcamento`);
    await checkPage(page);
    const year = String(2060 + Math.floor((now / 1000) % 30));
    await fill(page.locator("#open form"), { kind: "loa", year });
    await submit(page, page.locator("#open form"));
    const consolidated = page.locator("main form:has(input[name=act][value=consolidate])");
    await submit(page, consolidated);
    await refused(page, /\S/);
    await read("/secretaria/orcamento", /\S/);
  });

  await module("assignments", "an order ends only after what it opened elsewhere", async () => {
    const path = await openCase(page, ["tarefas", "assignments.order"], "Inventário de bombas", {
      act: "Despacho 3", kind: "measure", text: "Inventariar as bombas.", due_on: day(10),
    });
    await act(page, path, "determine");
    const opened = new URL(await page.locator('main a[href*="/articulacao-interna/casos/"]').first().getAttribute("href"), base).pathname;
    await refusedAct(page, path, "report", { result: "Doze bombas." }, /aberto/);
    await act(page, opened, "accept", { responsible: "Rui Prado" });
    await act(page, opened, "finish", { evidence: "Planilha." });
    await act(page, path, "report", { result: "Doze bombas, três geradores." });
    await act(page, path, "close");
    await says(page, /Encerrada/);
  });

  await module("news", "an item is approved by a second person and is in the feed", async () => {
    const path = await openCase(page, ["noticias", "news.item"], "Pontos de encontro", {
      kind: "civil_defense", lead: "Confira o seu.", body: "As rotas foram revistas.", tags: "chuva",
    });
    await refusedAct(page, path, "approve", {}, /duas pessoas/);
    await act(second, path, "approve");
    await act(page, path, "publish");
    await read("/secretaria/noticias", own("Pontos de encontro"));
    const feed = await everybody.request.get(`${base}/secretaria/noticias/feed.atom`);
    assert.match(await feed.text(), own("Pontos de encontro"));
  });

  await module("participation", "the contribution comes, and is answered with a reason", async () => {
    const said = resident.locator("#contribuir form");
    await fill(said, { text: "A praça da escola." });
    await submit(resident, said);
    await checkPage(resident);
    await page.goto(`${base}/secretaria/painel/participacao/casos/${consultation}`);
    await send(page, page.locator('main ul.rows a[href*="/participacao/casos/"]').first());
    await act(page, new URL(page.url()).pathname, "accept", { answer: `Entra no projeto ${mark}` });
    await read(`/secretaria/participacao/consultas/${consultation}`, own("Entra no projeto"));
  });
});
