// The secretariat at work, one story a module: a procedure is opened by its form, refused once in words, acted on to its end, and what is
// public of it is read by somebody without an account and without JavaScript. Asks a demonstration that runs (BASE, USERNAME, PASSWORD;
// SECOND and THIRD work in every module too). SHOTS=folder keeps pictures. ONLY=press,sic plays these modules alone.
import assert from "node:assert/strict";
import { desk, exactly } from "./desk.mjs";
import { play } from "./stage.mjs";

const HOUR = 3_600_000;

await play("the secretariat", { pictures: process.env.SHOTS }, async (stage) => {
  const { base, open, step, signIn, checkPage, picture, send } = stage;
  const page = await open();
  await signIn(page);
  const {
    act, ask, begin, colleague, everybody, fill, follow, form, found, mark, module, openCase, openHere, own, read, refused, refusedAct, says, submit,
    tick, ticked, write,
  } = await desk(stage, page);

  /** A day of the town, so many ahead of the one that the service shows: "2026-03-31". */
  const now = Date.parse(await page.locator("#clock").getAttribute("datetime"));
  const day = (ahead) => new Date(now + ahead * 24 * HOUR - 3 * HOUR).toISOString().slice(0, 10);
  const second = await colleague(process.env.SECOND);
  const third = await colleague(process.env.THIRD);

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
    await refusedAct(page, path, "activate", {}, [/Falta o documento “Ato de delegação”/, /Lei 9\.784\/1999, arts\. 12 a 14/]);
    await write(page, path, "act");
    await act(page, path, "activate");
    await says(page, /DEL \d{4}\/\d{3}/);
    const met = { counterpart: "Estado", place: "Belo Horizonte", purpose: "Pedir o projeto" };
    await send(page, page.locator('main a[href*="/novo/representation.mission"]'));
    await openHere(page, "Reunião", { ...met, day: day(120) });
    await refused(page, /fica fora de “/, /Lei 9\.784\/1999, art\. 14, § 1º/);
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
    await refusedAct(page, path, "homologate", {}, [/são precisas duas pessoas/, /quem escreve o parecer não o homologa/]);
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
    await refused(page, /que já passou: hoje é/, /Ato de organização da Secretaria, cláusula 3/);
    await fill(form(page), { "f.due_on": day(20) });
    await submit(page, form(page));
    const path = new URL(page.url()).pathname;
    assert.match(await page.locator("h1").innerText(), /DET \d{4}\/\d{3}/);
    await page.locator("main details summary").first().click();
    assert.ok((await page.locator("main details ol li").count()) >= 2, "each step of the reckoning");
    await act(page, path, "accept", { responsible: "Marta Reis" });
    await refusedAct(page, path, "escalate", {}, [/ainda corre, até \d\d\/\d\d\/\d{4}/, /Ato de organização da Secretaria, cláusula 3/], { reason: "Atraso" });
    await act(page, path, "finish", { evidence: "Relatório por trecho." });
    await says(page, /Cumprida/);
    await page.goto(`${base}/secretaria/painel/articulacao-interna/relatorio/coordination.determination`);
    await checkPage(page);
  });

  await module("relations", "a request of the council is answered, and everybody reads the reply", async () => {
    const path = await openCase(page, ["articulacao-externa", "relations.demand"], "Pedido da Câmara", {
      counterpart_kind: "council", counterpart: "Câmara Municipal", received_on: day(-1), request: "Quantas vistorias?",
    });
    await refusedAct(page, path, "forward", {}, [/não permite/, /Lei Orgânica do Município/]);
    await act(page, path, "register_council");
    await act(page, path, "draft", { reply: `Foram trinta e duas ${mark}` });
    await act(page, path, "answer");
    await read(`/secretaria/articulacao-externa/publicacoes/${path.split("/").pop()}`, own("Foram trinta e duas"));
  });

  await module("ethics", "a question of conflict is examined by one and answered by another, and its summary names nobody", async () => {
    const path = await openCase(page, ["etica", "ethics.conflict"], "Convite para palestra", {
      kind: "private_activity", asker: "Pessoa fictícia", question: "Posso aceitar o convite?",
    });
    await act(page, path, "examine", { opinion: "Sem relação com as funções." });
    const answered = { outcome: "conditions", conditions: "Sem remuneração e fora do expediente." };
    await refusedAct(page, path, "answer", answered, [/são precisas duas pessoas/, /Lei 12\.813\/2013/]);
    await refusedAct(second, path, "answer", { outcome: "conditions" }, [/é preciso informar “/, /Lei 12\.813\/2013/]);
    await act(second, path, "answer", answered);
    await act(page, path, "publish", { summary_title: `Palestra em congresso ${mark}`, summary: "Pode, sem remuneração." });
    await read(`/secretaria/etica/publicacoes/${path.split("/").pop()}`, own("Palestra em congresso"));
    assert.doesNotMatch(await everybody.locator("main").innerText(), /Pessoa fictícia/);
  });

  await module("transparency", "what is published from tomorrow on is refused, and what is published counts", async () => {
    const item = { item: "tenders", covers_until: day(-1), url: "https://exemplo.invalid/licitacoes", format: "CSV" };
    await openCase(page, ["transparencia", "transparency.publication"], "Licitações", { ...item, published_on: day(3) });
    await refused(page, /ainda não chegou: hoje é/, /Lei 12\.527\/2011, art\. 8º/);
    await fill(form(page), { "f.published_on": day(-1) });
    await submit(page, form(page));
    await checkPage(page);
    await read("/secretaria/transparencia", /Licitações, editais e contratos/, exactly(`Dados até ${day(-1).split("-").reverse().join("/")}`), /CSV/);
    assert.ok((await everybody.locator('a[href="https://exemplo.invalid/licitacoes"]').count()) === 1, "the obligation leads there");
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
    await refused(page, /Pessoas nunca são públicas\./);
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
    await refused(page, /Este documento já está no cadastro/);

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
    await refused(page, /Nenhum registro do cadastro corresponde/);
    await fill(form(page), { "f.host": renamed });
    await submit(page, form(page));
    await checkPage(page);
    await says(page, own("Associação do Mirante"));
    await page.goto(base + entry);
    await says(page, own("Visita à horta"));
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

  await module("sic", "a denial without its ground is refused; the answer is read by number and code, and rated", async () => {
    const key = await ask("/secretaria/acesso-a-informacao", /Pedir uma informação/, { subject: `Bueiros ${mark}`, text: "Quantos foram limpos?" });
    const path = await found("acesso-a-informacao", key);
    await refusedAct(page, path, "answer", { outcome: "denied", answer: "Não." }, [/é preciso informar “/, /Lei 12\.527\/2011, art\. 11, § 1º, II, e art\. 14/]);
    await act(page, path, "answer", { outcome: "granted", answer: `Foram quarenta ${mark}`, theme: "services" });
    await follow(key, own("Foram quarenta"));
    const rated = everybody.locator('main form[action="/secretaria/protocolo/rate"]');
    // Without JavaScript what is folded opens by its own summary.
    await everybody.locator('main details:has(form[action="/secretaria/protocolo/rate"]) > summary').click();
    await rated.locator('[name="f.rating"]').selectOption("5");
    await submit(everybody, rated);
    await says(everybody, /Feito: /);
  });

  await module("ombudsman", "an anonymous complaint goes to the area and comes back answered", async () => {
    const key = await ask("/secretaria/ouvidoria", /Falar com a Ouvidoria/, {
      kind: "complaint", subject: `Ponto sem abrigo ${mark}`, text: "O ponto da praça está sem cobertura.", anonymous: "yes",
    });
    const path = await found("ouvidoria", key);
    await refusedAct(page, path, "answer", { outcome: "rejected", answer: "Não." }, [/é preciso informar “/, /Lei 9\.784\/1999, art\. 50, I/]);
    await act(page, path, "answer", { outcome: "accepted", answer: `O abrigo vem em março ${mark}`, theme: "works" });
    await follow(key, own("O abrigo vem em março"));
  });

  await module("outreach", "what promotes a person is refused, and what informs leaves", async () => {
    const path = await openCase(page, ["divulgacao", "outreach.campaign"], "Rachadura nova", {
      kind: "civil_defense", project: "Encosta segura", message: "Ligue 199.",
    });
    const lawful = { impersonal: "true", legal_opinion: "Informa; não promove ninguém." };
    await refusedAct(page, path, "check", lawful, [/são precisas duas pessoas/, /Constituição Federal, art\. 37, § 1º/]);
    await refusedAct(second, path, "check", { ...lawful, impersonal: "false" }, [/não permite/, /Constituição Federal, art\. 37, § 1º: vedada a promoção pessoal/]);
    await act(second, path, "check", lawful);
    await act(page, path, "publish");
    await read("/secretaria/divulgacao", own("Rachadura nova"));
  });

  await module("segments", "the desk sees digests and figures, finds a mailbox by its whole address alone, and shows none", async () => {
    await read("/secretaria/segmentos", /Chuvas e encostas/);
    const wanted = everybody.locator('main form[action="/secretaria/segmentos/assinar"]');
    await fill(wanted, { email: `leitora.${mark}@exemplo.invalid` });
    await submit(everybody, wanted);
    await refused(everybody, /Escolha ao menos um assunto\./);
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
    await refusedAct(page, path, "publish", {}, [/são precisas duas pessoas/, /Lei 13\.460\/2017, art\. 7º/]);
    await act(second, path, "publish");
    await read("/secretaria/carta-de-servicos", own("Vistoria de risco"));
  });

  await module("press", "a release is checked by the area, approved by a third person, and distributed", async () => {
    const path = await openCase(page, ["imprensa", "press.release"], "Obra concluída", {
      kind: "answer", lead: "A obra acabou.", body: "A contenção está pronta.",
    }, { assigned: process.env.SECOND });
    await act(second, path, "check", { fact_note: "Confere com a obra." });
    await refusedAct(second, path, "approve", {}, [/são precisas duas pessoas/, /cláusula 17/]);
    await act(third, path, "approve");
    await act(page, path, "distribute");
    await read("/secretaria/imprensa", own("Obra concluída"));
  });

  await module("assignments", "an order ends only after what it opened elsewhere", async () => {
    const path = await openCase(page, ["tarefas", "assignments.order"], "Inventário de bombas", {
      act: "Despacho 3", kind: "measure", text: "Inventariar as bombas.", due_on: day(10),
    });
    await act(page, path, "determine");
    const opened = new URL(await page.locator('main a[href*="/articulacao-interna/casos/"]').first().getAttribute("href"), base).pathname;
    await refusedAct(page, path, "report", { result: "Doze bombas." }, [/ainda está em aberto/, /Ato de organização da Secretaria, cláusula 21/]);
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
    await refusedAct(page, path, "approve", {}, [/são precisas duas pessoas/, /Constituição Federal, art\. 37/]);
    await act(second, path, "approve");
    await act(page, path, "publish");
    await read("/secretaria/noticias", own("Pontos de encontro"));
    const feed = await everybody.request.get(`${base}/secretaria/noticias/feed.atom`);
    assert.match(await feed.text(), own("Pontos de encontro"));
  });

});
