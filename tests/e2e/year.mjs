// Procedures of the secretariat that last weeks and months, from their opening to their end, with a clock that is set ahead over weekends,
// holidays and the turn of a year. Every day is written out, and every due day was reckoned by hand with a calendar of those years:
//   2030: Carnival on 4 and 5 March, Good Friday on 19 April, Corpus Christi on 20 June
//   2031: Carnival on 24 and 25 February, Corpus Christi on 12 June
//   2032: Tiradentes on Wednesday, 21 April
//   2034: Carnival on 20 and 21 February
//   2037: Good Friday on 3 April, Tiradentes on Tuesday, 21 April
// A clock never goes back, so the stories stand in the order of their days, and a demonstration plays them once.
// Asks a demonstration that runs as secretariat.mjs does, and CLOCK: the socket of SENTINELA_CLOCK_SOCKET.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { desk, leap } from "./desk.mjs";
import { play } from "./stage.mjs";

await play("the secretariat over holidays and years", { pictures: process.env.SHOTS }, async (stage) => {
  const { base, open, signIn, checkPage, send } = stage;
  const page = await open();
  await signIn(page);
  const {
    act, ask, begin, colleague, everybody, fill, follow, form, found, mark, module, openCase, own, read, refused, refusedAct, says, submit, tick, ticked, until,
  } = await desk(stage, page);
  const second = await colleague(process.env.SECOND);
  const third = await colleague(process.env.THIRD);

  /** The last letter to a mailbox that holds this, out of those that the demonstration keeps instead of sending. */
  async function letter(address, words) {
    const limit = Date.now() + 60_000;
    for (;;) {
      await page.goto(`${base}/console/outbox?channel=email&who=${encodeURIComponent(address)}`);
      for (const opened of await page.locator(".mails a").evaluateAll((all) => all.map((one) => one.href))) {
        await page.goto(opened);
        const frame = page.locator("article.letter iframe");
        const text = await (await page.request.get(new URL(await frame.getAttribute("src"), base).href)).text();
        if (words.test(text)) return text;
      }
      assert.ok(Date.now() < limit, `no letter to ${address} says ${words}`);
    }
  }

  await module("service-evaluation", "a survey ends with its year, and its report hides what is small", async () => {
    await leap("2029-12-10T10:00:00-03:00");
    const desk = "/secretaria/painel/avaliacao-de-servicos";
    await page.goto(`${base}${desk}/pesquisas`);
    await checkPage(page);
    const service = `servico-${mark}`;
    const added = page.locator("#servicos > details form");
    await fill(added, { code: service, name: `Serviço de exemplo ${mark}`, sphere: "state", unit: "Unidade de exemplo" });
    await submit(page, added);
    const round = page.locator("#rodadas > details form");
    await fill(round, { title: `Pesquisa ${mark}`, questionnaire: "usuarios 1", opens_on: "2029-12-10", closes_on: "2030-01-11", services: service });
    await submit(page, round);
    await refused(page, /Lei 13\.460\/2017/);
    await fill(round, { closes_on: "2029-12-31" });
    await submit(page, round);
    await says(page, own("Pesquisa"), /10\/12\/2029 – 31\/12\/2029/);
    const here = new URL(page.url()).pathname;
    const wanted = page.locator('main form[action$="/codigos"]');
    await fill(wanted, { service, count: "13" });
    await submit(page, wanted);
    const codes = await page.locator("main b.mono").allInnerTexts();
    await checkPage(page);
    const enter = async (code) => {
      await everybody.goto(`${base}/secretaria/avaliacao-de-servicos`);
      const typed = everybody.locator('main form[action="/secretaria/avaliacao-de-servicos"]');
      await fill(typed, { code });
      await submit(everybody, typed);
    };
    // Six are content and six are not: the first on the page, the others by the API.
    const answers = (value) => ({ satisfaction: value, care: value, clarity: value, deadline: value, solved: "yes", channel: "desk" });
    await enter(codes[0]);
    await checkPage(everybody);
    const asked = everybody.locator("main form");
    await fill(asked, Object.fromEntries(Object.entries(answers("4")).map(([name, value]) => [`a.${name}`, value])));
    await submit(everybody, asked);
    assert.match(new URL(everybody.url()).pathname, /\/obrigado$/);
    await checkPage(everybody);
    await enter(codes[0]);
    await refused(everybody, /já foi usado/);
    for (const [at, code] of codes.slice(1, 12).entries()) {
      const data = { code, answers: answers(at < 5 ? "4" : "2") };
      const told = await everybody.request.post(`${base}/api/v1/secretariat/service-evaluation/responses`, { data });
      assert.equal(told.status(), 204, await told.text());
    }
    await page.goto(`${base}${desk}/ano?ano=2029`);
    await says(page, /Ainda há pesquisa aberta neste ano/);
    assert.equal(await page.locator(`main form[action="${desk}/ano"][method=post]`).count(), 0, "no report before the year's rounds are over");

    await leap("2030-01-02T09:00:00-03:00");
    await enter(codes[12]);
    await refused(everybody, /Esta pesquisa não está aberta hoje\./);
    await page.goto(base + here);
    await says(page, /encerrada/);
    await page.goto(`${base}${desk}/ano?ano=2029`);
    const count = page.locator("main form:has(input[name=act][value=count])");
    await fill(count, { service, manifestations: "17", source: "Ofício 9/2029" });
    await submit(page, count);
    await page.goto(`${base}${desk}/ano?ano=2029`);
    await submit(page, page.locator(`main form[action="${desk}/ano"][method=post]`));
    await read("/secretaria/avaliacao-de-servicos/relatorios/2029", own("Serviço de exemplo"), /Números menores que 5 não são mostrados/, /Lei 13\.460\/2017/);
    const figure = async (name) => everybody.locator(`#${service} .figures div`).filter({ hasText: name }).first().locator("dd").innerText();
    assert.deepEqual([await figure("Respostas"), await figure("Manifestações")], ["12", "17"]);
    await everybody.locator(`#${service} details summary`).click();
    assert.match(await everybody.locator(`#${service} caption`).first().innerText(), /3,00.*50,00 %/);
  });

  await module("legislative", "fifteen business days over Carnival are a sanction by silence, and a veto comes in time", async () => {
    await leap("2030-02-14T10:00:00-03:00");
    const matter = (number) => ({
      urn: `urn:lex:br;minas.gerais;juiz.de.fora:municipal:projeto.lei:2030-02-11;${number}`,
      author: "Câmara Municipal", regime: "ordinary", summary: "Autoriza o uso de escolas.",
    });
    const type = ["materias-legislativas", "legislative.matter"];
    const path = await openCase(page, type, "Escolas como abrigo", matter(120));
    const other = await openCase(page, type, "Nome de rua", matter(121));
    await act(page, path, "ask");
    const judged = { merit: "Útil.", opportunity: "Agora.", compatibility: "Cabe no plano.", creates_expense: "true" };
    await refusedAct(page, path, "judge", judged, [/é preciso informar “Impacto no exercício”/, /LC 101\/2000, art\. 16, I/]);
    await act(page, path, "judge", { ...judged, programme: "0042", cost: "180.000,00" });
    await act(page, path, "propose", { position: "favourable", position_text: "Serve à cidade." });
    await act(page, path, "send");
    await leap("2030-02-18T10:00:00-03:00");
    await refusedAct(page, path, "pass", { received_on: "2030-02-19" }, /ainda não chegou: hoje é 18\/02\/2030/);
    for (const one of [path, other]) {
      await act(page, one, "pass", { received_on: "2030-02-18" });
      // 19, 20, 21, 22, 25, 26, 27, 28 February, 1 March are nine; Carnival on 4 and 5; 6, 7, 8, 11, 12, 13 are the other six.
      await says(page, /13\/03\/2030/, /Constituição Federal, art\. 66/);
    }
    await page.locator("main details:has(ol) summary").first().click();
    await says(page, /Carnaval/);
    await leap("2030-03-13T18:00:00-03:00");
    await page.goto(base + path);
    await says(page, /Autógrafo recebido, aguarda sanção ou veto/);
    await act(page, other, "veto", { veto: "A rua já tem nome." });
    await says(page, /Vetada, motivos a comunicar/);
    await act(page, other, "tell_veto");
    await act(page, other, "reject", {}, { reason: "Veto mantido" });
    await leap("2030-03-14T00:00:01-03:00");
    await until(page, path, /Sanção tácita/);
    await refusedAct(page, path, "veto", { veto: "Contra o interesse público." }, [/Na situação “Sanção tácita” este ato não cabe\. Agora cabem: Registrar a promulgação\./, /Constituição Federal, art\. 66/]);
    await act(page, path, "promulgate", { law: "Lei 16.001/2030" });
    await read(`/secretaria/materias-legislativas/publicacoes/${path.split("/").pop()}`, own("Escolas como abrigo"), /Serve à cidade/, /Lei 16\.001\/2030/);
  });

  await module("segments", "a mailbox confirms, has its digest after Good Friday, and leaves", async () => {
    await leap("2030-04-18T10:00:00-03:00");
    const address = `leitora.${mark}@exemplo.invalid`;
    await read("/secretaria/segmentos", /Chuvas e encostas/);
    const wanted = everybody.locator('main form[action="/secretaria/segmentos/assinar"]');
    await fill(wanted, { email: address });
    await submit(everybody, wanted);
    await refused(everybody, /Escolha ao menos um assunto\./);
    await everybody.locator('[name=tag][value="chuva"]').check();
    await submit(everybody, wanted);
    await everybody.locator(".flash[role=status]").filter({ hasText: "Só depois de confirmar por ele as mensagens começam." }).waitFor();
    const link = /\/secretaria\/segmentos\/confirmar\/[\w-]+/;
    const [confirm] = link.exec(await letter(address, link));
    await everybody.goto(base + confirm);
    await says(everybody, /Chuvas e encostas/);
    await submit(everybody, everybody.locator(`form[action="${confirm}"]`));
    await says(everybody, /Confirmado\. A primeira mensagem sai às 8 horas, quando houver novidade\./);
    for (const [title, tags] of [["Chuva na Páscoa", "chuva"], ["Feira de livros", "cultura"]]) {
      const item = await openCase(page, ["noticias", "news.item"], title, { kind: "civil_defense", lead: "Resumo.", body: "Texto.", tags });
      await act(second, item, "approve");
      await act(page, item, "publish");
    }
    await leap("2030-04-20T08:05:00-03:00");
    const sent = await letter(address, own("Chuva na Páscoa"));
    assert.doesNotMatch(sent, /Feira de livros/);
    await page.goto(`${base}/secretaria/painel/segmentos/entregas`);
    await checkPage(page);
    await says(page, new RegExp(`20/04/2030 08:0\\d · .*Chuva na Páscoa ${mark} · 1`));
    const [leave] = /\/secretaria\/segmentos\/sair\/[\w-]+/.exec(sent);
    await everybody.goto(base + leave);
    await submit(everybody, everybody.locator(`form[action="${leave}"]`));
    await says(everybody, /As mensagens terminaram e o e-mail foi apagado\./);
    await everybody.goto(base + confirm);
    await says(everybody, /Este link não vale mais/);
    assert.equal(await everybody.locator(`form[action="${confirm}"]`).count(), 0, "an old link brings nobody back");
  });

  await module("coordination", "a determination that nobody accepts goes to the mayor by itself after the First of May", async () => {
    await leap("2030-04-25T10:00:00-03:00");
    const text = "Limpar as bocas de lobo antes das chuvas.";
    const path = await openCase(page, ["articulacao-interna", "coordination.determination"], "Bueiros", { text, due_on: "2030-06-28" }, { department: "Secretaria de Obras" });
    // 26, 29, 30 April; Wednesday, 1 May, is a holiday; 2, 3 May.
    await says(page, /DET 2030\/001/, /03\/05\/2030/, /Norma interna de articulação: aceite da determinação/);
    await leap("2030-05-03T18:00:00-03:00");
    await page.goto(base + path);
    assert.match(await page.locator("h1 + p .tag").first().innerText(), /Aberta/, "its last day is not over");
    await leap("2030-05-04T00:00:01-03:00");
    await until(page, path, /Levada ao Prefeito/);
    await page.goto(`${base}/secretaria/painel/prefeito`);
    await says(page, own("Bueiros"));
    await refusedAct(page, path, "resume", { due_on: "2030-05-03" }, [/que já passou: hoje é 04\/05\/2030/, /cláusula 3/], { reason: "Nova ordem" });
    await act(page, path, "resume", { due_on: "2030-05-15" }, { reason: "Nova ordem" });
    await act(page, path, "finish", { evidence: "Relatório por trecho." });
    await says(page, /Cumprida/);
  });

  await module("participation", "a consultation ends by itself on Corpus Christi, and every contribution is answered with a reason", async () => {
    await leap("2030-06-10T10:00:00-03:00");
    const asked = { kind: "consultation", about: "other", summary: "Que praça vem primeiro?", opens_on: "2030-06-10" };
    await openCase(page, ["participacao", "participation.consultation"], "Praças", { ...asked, closes_on: "2030-06-08" });
    await refused(page, /“Último dia” \(08\/06\/2030\) vem antes de “Primeiro dia” \(10\/06\/2030\)/);
    await fill(form(page), { "f.closes_on": "2030-06-20" });
    await submit(page, form(page));
    const path = new URL(page.url()).pathname;
    await act(page, path, "start");
    await says(page, /CPU 2030\/001/);
    const public_ = `/secretaria/participacao/consultas/${path.split("/").pop()}`;
    await leap("2030-06-20T18:00:00-03:00");
    await read(public_, own("Praças"), /Aberta/);
    const said = everybody.locator("#contribuir form");
    await fill(said, { text: "A praça da escola.", part: "Item 2" });
    // What is sent within seconds is a machine's.
    await leap("2030-06-20T18:05:00-03:00");
    await submit(everybody, said);
    await checkPage(everybody);
    await says(everybody, /Guarde o número: CTB-2030-001/);
    await leap("2030-06-21T00:00:01-03:00");
    await until(page, path, /Encerrado o período, em resposta/);
    // Thirty days end on Sunday, 21 July.
    await says(page, /22\/07\/2030/);
    await read(public_, /Encerrado o período, em resposta/);
    assert.equal(await everybody.locator("#contribuir").count(), 0, "nobody contributes any more");
    const report = { report: `A praça da escola vem primeiro ${mark}.` };
    await refusedAct(page, path, "answer", report, [/ainda está em aberto/, /Lei 9\.784\/1999, art\. 31, § 2º/]);
    await page.goto(base + path);
    await send(page, page.locator('main ul.rows a[href*="/participacao/casos/"]').first());
    await act(page, new URL(page.url()).pathname, "accept", { answer: `Entra no projeto ${mark}` });
    await act(page, path, "answer", report);
    await refusedAct(page, path, "publish", {}, /duas pessoas/);
    await act(second, path, "publish");
    await read(public_, /Relatório publicado/, own("Entra no projeto"), own("A praça da escola vem primeiro"), /CTB 2030\/001/);
  });

  await module("committees", "a council meets after Christmas at its second call, resolves, publishes, and loses its mandates with the year", async () => {
    await leap("2030-12-16T10:00:00-03:00");
    await page.goto(`${base}/secretaria/painel/comites`);
    await checkPage(page);
    const slug = `conselho-${mark}`;
    const created = page.locator('main form[action="/secretaria/painel/comites"][method=post]');
    await fill(created, {
      kind: "council", slug, name: `Conselho de exemplo ${mark}`, act_kind: "decree", act_number: "5", act_on: "2030-12-02",
      purpose: "Aconselhar.", term_from: "2030-12-02", second_after: "30", second_quorum: "1/3",
    });
    await submit(page, created);
    const here = `/secretaria/painel/comites/${slug}`;
    assert.equal(new URL(page.url()).pathname, here);
    const of = (word) => page.locator(`main form:has(input[name=act][value=${word}])`);
    for (const [at, entity] of ["Defesa Civil", "Obras", "Bombeiros"].entries()) {
      await fill(of("seat"), { entity, role: at === 0 ? "chair" : "member" });
      await submit(page, of("seat"));
      await fill(of("appoint"), {
        seat: { label: `${at + 1}. ${entity}` }, person_name: `Pessoa fictícia ${at + 1} ${mark}`, from_on: "2030-12-16", until_on: "2030-12-31",
        appointed_by: "Decreto 5/2030",
      });
      await submit(page, of("appoint"));
      assert.equal(await page.locator(".flash.bad").count(), 0, await page.locator("main").innerText());
    }
    const meeting = { meeting_kind: "ordinary", place: "Sala 2", items: "Plano de contingência" };
    await fill(of("convene"), { ...meeting, starts_at: "2030-12-20T14:00" });
    await submit(page, of("convene"));
    await refused(page, /O prazo de convocação é curto: convocada agora, a reunião começa em 23\/12\/2030/, /Regimento interno do colegiado \(convocação ordinária, 7 dias\)/);
    await fill(of("convene"), { ...meeting, starts_at: "2030-12-26T14:00" });
    await submit(page, of("convene"));
    assert.equal(await page.locator(".flash.bad").count(), 0);
    await read(`/secretaria/comites/${slug}`, own("Conselho de exemplo"), /26\/12\/2030 14:00/);

    const room = `${here}/reunioes/2030-1`;
    const attend = async (entity) => {
      await page.goto(base + room);
      await send(page, page.locator("#presencas tr").filter({ hasText: entity }).locator("button[value=titular]"));
    };
    const call = () => send(page, page.locator("main button[name=act][value=call]"));
    await leap("2030-12-26T14:00:00-03:00");
    await attend("Defesa Civil");
    await call();
    await says(page, /1ª chamada 26\/12\/2030 14:00: 1 \/ 3, 2 necessários/);
    await leap("2030-12-26T14:30:00-03:00");
    await page.goto(base + room);
    await call();
    await says(page, /Aberta/);
    await submit(page, of("decide"));
    await refused(page, /Não há quórum para decidir: 1 de 3 assentos presentes, são precisos 2/);
    await attend("Obras");
    await attend("Bombeiros");
    for (const [at, choice] of ["for", "for", "against"].entries()) {
      const row = page.locator("tr:has(button[name=choice])").filter({ hasText: `Pessoa fictícia ${at + 1} ` });
      await send(page, row.locator(`button[value=${choice}]`));
    }
    await submit(page, of("decide"));
    await says(page, /Aprovado A favor: 2 · Contra: 1 · Abstenção: 0/);
    await fill(of("resolve"), { text: "Aprova o plano de contingência.", determination: `Publicar o plano ${mark}`, determination_to: "Governo" });
    await submit(page, of("resolve"));
    await says(page, /Resolução 1\/2030: Aprova o plano de contingência\./);
    await fill(page.locator("main form:has(button[value=close])"), {});
    await send(page, page.locator("main button[value=close]"));
    await leap("2030-12-26T15:00:00-03:00");
    await until(page, room, /Ver a determinação/);
    await send(page, page.locator('main a[href*="/articulacao-interna/casos/"]'));
    // Thirty days end on Saturday, 25 January.
    await says(page, own("Publicar o plano"), /DET 2030\/\d{3}/, /27\/01\/2031/);

    await page.goto(`${base}${room}/ata`);
    await send(page, page.locator("main button[value=draft]"));
    const minutes = page.locator("main form:has(input[name=act][value=edit])");
    const text = await minutes.locator("[name=text]").inputValue();
    assert.match(text, /Em primeira chamada não houve quórum/);
    assert.match(text, /Em segunda chamada houve/);
    assert.match(text, /Resolução nº 1\/2030: Aprova o plano/);
    await fill(minutes, { text: `${text}\n\nLida e achada conforme.` });
    await submit(page, minutes);
    const approved = page.locator("main form:has(button[value=approve-circulated])");
    await fill(approved, { approvals: "1" });
    await submit(page, approved);
    await refused(page, /Aprovaram 1 de 3 membros: são precisos 2/);
    await fill(approved, { approvals: "2" });
    await submit(page, approved);
    await send(page, page.locator("main button[value=publish]"));
    await read(`/secretaria/comites/${slug}`, /Resolução 1\/2030: Aprova o plano de contingência\./, /até 31\/12\/2030/);
    await leap("2031-01-01T00:00:01-03:00");
    await read(`/secretaria/comites/${slug}`, /Vago/);
    assert.doesNotMatch(await everybody.locator("main").innerText(), /até 31\/12\/2030/);
  });

  const signed = async (path, { partner, plan, on }) => {
    await ticked(path, "select", { "partner.name": "Instituto Encosta Viva (fictício)", "partner.document": partner, reason: "Única com experiência" });
    await ticked(path, "write_plan", plan);
    await ticked(path, "appoint", { manager: "Rui Prado", commission: "Ana Lima\nBia Reis" });
    for (const kind of ["technical", "legal"]) await ticked(path, "opine", { kind, favourable: "yes", text: "Favorável." });
    await ticked(path, "sign", { on, sure: "yes" });
  };
  const money = (reais, on, what) => ({ centavos: reais, on, what });

  await module("agreements", "a contract pays after the portal has it, and a fomento gives its accounts after Corpus Christi", async () => {
    await leap("2031-01-13T10:00:00-03:00");
    const fomento = await begin("parcerias", { kind: "fomento", object: `Núcleos comunitários ${mark}` });
    await ticked(fomento, "waive", { ground: "Emergência", law_ref: "Lei 13.019/2014, art. 30, I" });
    await signed(fomento, {
      partner: "99.888.777/0001-00", on: "2031-01-13",
      plan: {
        agreed: "800,00", starts_on: "2031-01-14", ends_on: "2031-03-14", "plan.goals": "Formar núcleos; Núcleos",
        "plan.stages": "Oficinas; 14/01/2031; 14/03/2031", "plan.schedule": "14/01/2031; 500,00\n25/02/2031; 300,00",
      },
    });
    await says(page, /2031\/001/);
    await ticked(fomento, "commit", money("800,00", "2031-01-13", "Empenho 12"));
    const release = (path, ...given) => tick(path, "release", { ...money(...given), sure: "yes" });
    const released = (path, ...given) => ticked(path, "release", { ...money(...given), sure: "yes" });
    await release(fomento, "500,00", "2031-01-13", "Parcela 1");
    await refused(page, /Não há repasse antes de publicado o extrato: é condição de eficácia/, /Lei 13\.019\/2014, art\. 38/);
    await ticked(fomento, "publish", { on: "2031-01-13", place: "Diário Oficial", sure: "yes" });
    // Ninety days after 14 March are Thursday, 12 June: Corpus Christi.
    await says(page, /13\/06\/2031/, /Lei 13\.019\/2014, art\. 69/);
    await ticked(fomento, "begin");
    await release(fomento, "500,00", "2031-01-13", "Parcela 1");
    await refused(page, /Não há repasse fora da vigência, de 14\/01\/2031 a 14\/03\/2031/, /arts\. 42, VI, e 55/);
    await leap("2031-01-14T10:00:00-03:00");
    await release(fomento, "500,01", "2031-01-14", "Parcela 1");
    await refused(page, /O repasse somaria R\$ 500,01 até 14\/01\/2031, e o cronograma permite R\$ 500,00/, /Lei 13\.019\/2014, art\. 48/);
    await released(fomento, "500,00", "2031-01-14", "Parcela 1");

    await leap("2031-02-17T10:00:00-03:00");
    const contract = await begin("parcerias", { kind: "contrato", object: `Desassoreamento ${mark}` });
    await ticked(contract, "waive", { ground: "Emergência", law_ref: "Lei 14.133/2021, art. 75, VIII" });
    await signed(contract, {
      partner: "99.888.777/0001-00", on: "2031-02-17",
      plan: {
        agreed: "50,00", starts_on: "2031-02-18", ends_on: "2031-04-30", "plan.goals": "Desassorear; Metros",
        "plan.stages": "Limpeza; 18/02/2031; 30/04/2031", "plan.schedule": "18/02/2031; 50,00",
      },
    });
    // 18, 19, 20, 21 February; Carnival on 24 and 25; 26, 27, 28 February, 3, 4, 5 March.
    await says(page, /05\/03\/2031/, /Lei 14\.133\/2021, art\. 94, II/);
    await leap("2031-02-26T10:00:00-03:00");
    await ticked(contract, "commit", money("50,00", "2031-02-26", "Empenho 1"));
    await release(contract, "1,00", "2031-02-26", "Medição 1");
    await refused(page, /Lei 14\.133\/2021, art\. 94/);
    await ticked(contract, "publish", { on: "2031-02-26", place: "PNCP", sure: "yes" });
    await says(page, /cumprido/);
    await ticked(contract, "begin");
    await released(contract, "50,00", "2031-02-26", "Medição 1");
    await release(contract, "0,01", "2031-02-26", "Medição 2");
    await refused(page, /O repasse somaria R\$ 50,01, acima dos R\$ 50,00 ajustados/, /Lei 14\.133\/2021, arts\. 124 e 125/);
    await released(fomento, "300,00", "2031-02-26", "Parcela 2");
    await tick(fomento, "end");
    await refused(page, /A vigência vai até 14\/03\/2031; antes, termina por rescisão com motivo/, /Lei 13\.019\/2014, art\. 69/);

    await leap("2031-06-13T10:00:00-03:00");
    await ticked(contract, "end");
    await ticked(contract, "close", { reason: "Serviço recebido", sure: "yes" });
    await ticked(fomento, "end");
    await ticked(fomento, "account", { centavos: "780,00", text: "Relatório de execução" });
    // A hundred and fifty days after 13 June are Monday, 10 November.
    await says(page, /10\/11\/2031/, /Lei 13\.019\/2014, art\. 71/);
    await ticked(fomento, "review");
    await ticked(fomento, "decide", { outcome: "regular", reason: "Metas cumpridas", sure: "yes" });
    await tick(fomento, "close", { reason: "Arquivado", sure: "yes" });
    await refused(page, /R\$ 20,00 não foram prestados nem devolvidos/, /Lei 13\.019\/2014, art\. 52/);
    await ticked(fomento, "return", money("20,00", "2031-06-13", "Saldo"));
    await ticked(fomento, "close", { reason: "Arquivado", sure: "yes" });
    await says(page, /13\/06\/2041/);
    await read(`/secretaria/parcerias/${fomento.split("/").pop()}`, own("Núcleos comunitários"), /800,00/, /780,00/, /20,00/);
    await read("/secretaria/parcerias", own("Desassoreamento"), own("Núcleos comunitários"));
  });

  await module("funding", "a convênio meets its clause over the year, is measured and paid, and its accounts are approved after Tiradentes", async () => {
    await leap("2031-12-15T10:00:00-03:00");
    const path = await begin("captacao", {
      kind: "convenio", object: `Contenção de encosta ${mark}`, "grantor.name": "MIDR", "grantor.document": "00.394.460/0001-41",
      proposals_until: "2031-12-31",
    });
    await ticked(path, "propose", { on: "2031-12-15", text: "Proposta 0123" });
    await ticked(path, "write_plan", {
      agreed: "50.000,00", counterpart: "5.000,00", starts_on: "2031-12-16", ends_on: "2032-02-21", "plan.goals": "Conter; Metros",
      "plan.stages": "Muro; 16/12/2031; 21/02/2032", "plan.schedule": "16/12/2031; 50.000,00",
    });
    await ticked(path, "sign", { on: "2031-12-15", clause: "Projeto executivo", clause_on: "2032-01-15", sure: "yes" });
    // Sixty days after 21 February 2032 are Wednesday, 21 April: Tiradentes.
    await says(page, /2031\/001/, /com cláusula suspensiva/, /22\/04\/2032/, /Decreto 11\.531\/2023, art\. 20, § 2º/);
    await ticked(path, "publish", { on: "2031-12-15", place: "DOU" });
    await ticked(path, "commit", money("50.000,00", "2031-12-15", "Empenho 1"));
    await tick(path, "release", money("1,00", "2031-12-15", "Parcela 1"));
    await refused(page, /Não há repasse enquanto a cláusula suspensiva não é cumprida/, /Portaria Conjunta MGI\/MF\/CGU 33\/2023 \(cláusula suspensiva\)/);
    await leap("2032-01-14T10:00:00-03:00");
    await ticked(path, "meet_clause", { on: "2032-01-14", evidence: "Ofício 7" });
    await ticked(path, "tender", { text: "Concorrência 3/2032" });
    await ticked(path, "begin", { text: "Ordem de serviço 1" });
    await ticked(path, "release", money("50.000,00", "2032-01-14", "Parcela única"));
    await ticked(path, "pay_counterpart", money("5.000,00", "2032-01-14", "Contrapartida"));
    await ticked(path, "measure", { on: "2032-01-14", centavos: "55.000,00", text: "Medição 1" });
    await tick(path, "measure", { on: "2032-01-14", centavos: "0,01", text: "Medição 2" });
    await refused(page, /55\.000,01.*55\.000,00/s, /Portaria Conjunta MGI\/MF\/CGU 33\/2023 \(medição\)/);
    await ticked(path, "spend", money("54.000,00", "2032-01-14", "Nota 9"));
    await ticked(path, "mark", { stage: "1", on: "2032-01-14", evidence: "Vistoria" });
    await leap("2032-04-22T10:00:00-03:00");
    await ticked(path, "end");
    await tick(path, "account", { text: "Contas" });
    await refused(page, /R\$ 1\.000,00 não foram gastos nem devolvidos/, /Portaria Conjunta MGI\/MF\/CGU 33\/2023 \(saldo remanescente\)/);
    await ticked(path, "return", money("1.000,00", "2032-04-22", "Saldo"));
    await ticked(path, "account", { text: "Contas" });
    await ticked(path, "approve", { reason: "Parecer 9", sure: "yes" });
    await says(page, /contas aprovadas/);
    await ticked(path, "close", { reason: "Arquivado", sure: "yes" });
    await read(`/secretaria/captacao/${path.split("/").pop()}`, own("Contenção de encosta"), /50\.000,00/, /54\.000,00/, /1\.000,00/);
  });

  await module("media-monitoring", "a feed is read, an item is chosen, and the clipping of the year's last day is closed in the new year", async () => {
    const desk = "/secretaria/painel/clipping";
    const items = [["1", "Obra entregue"], ["2", "Chuva derruba muro"]];
    const outlet = createServer((_, answer) => {
      const all = items.map(([guid, title]) =>
        `<item><title>${title} ${mark}</title><link>/n/${guid}</link><guid isPermaLink="false">${guid}</guid><description>A contenção ficou pronta.</description><pubDate>Fri, 31 Dec 2032 09:00:00 -0300</pubDate></item>`);
      answer.setHeader("content-type", "text/xml");
      answer.end(`<?xml version="1.0"?><rss version="2.0"><channel><title>Jornal</title>${all.join("")}</channel></rss>`);
    });
    await new Promise((done) => outlet.listen(0, "127.0.0.1", done));
    try {
      await leap("2032-12-31T10:00:00-03:00");
      await page.goto(`${base}${desk}/fontes`);
      await checkPage(page);
      const rule = page.locator(`main form[action="${desk}/regras"]`);
      await fill(rule, { name: `Regra ${mark}`, query: "(chuva" });
      await submit(page, rule);
      await refused(page, /parêntese|\(chuva/);
      await fill(rule, { query: "chuva" });
      await submit(page, rule);
      const reader = page.locator(`main form[action="${desk}/assinantes"]`);
      await fill(reader, { name: "Gabinete", email: `gabinete.${mark}@exemplo.invalid` });
      await submit(page, reader);
      const source = page.locator(`main form[action="${desk}/fontes"]`);
      await fill(source, { name: `Jornal ${mark}`, kind: "feed", url: `http://127.0.0.1:${outlet.address().port}/rss.xml`, every: "15" });
      await submit(page, source);
      await leap("2032-12-31T10:01:00-03:00");
      await until(page, `${desk}?q=${mark}`, own("Chuva derruba muro"));
      await says(page, own("Obra entregue"), own("Regra"));
      const judge = async (title, state, theme) => {
        await page.goto(`${base}${desk}?q=${mark}`);
        await send(page, page.locator(`main a[href*="${desk}/itens/"]`).filter({ hasText: title }));
        await checkPage(page);
        const judged = page.locator('main form[action$="/julgar"]');
        await judged.locator("[name=tone]").first().check();
        await judged.locator("[name=theme]").fill(theme);
        await send(page, judged.locator(`button[name=state][value=${state}]`));
        assert.equal(await page.locator(".flash.bad").count(), 0, await page.locator("main").innerText());
        return new URL(page.url()).pathname;
      };
      const chosen = await judge("Obra entregue", "selected", "obras");
      await judge("Chuva derruba muro", "dismissed", "");
      items.push(["3", "Virada sem ocorrências"]);
      await leap("2033-01-01T07:31:00-03:00");
      await until(page, `${desk}/diarios`, /31\/12\/2032/);
      await page.goto(`${base}${desk}/diarios/2032-12-31`);
      await checkPage(page);
      await says(page, own("Obra entregue"), /obras/i);
      assert.doesNotMatch(await page.locator("main").innerText(), /Chuva derruba muro/);
      await letter(`gabinete.${mark}@exemplo.invalid`, own("Obra entregue"));
      await page.goto(base + chosen);
      await says(page, /No clipping de\s+31\/12\/2032/);
      await until(page, `${desk}?q=${mark}`, own("Virada sem ocorrências"));
      assert.equal(await page.locator(`main th a[href*="${desk}/itens/"]`).count(), 3, "what was read twice is there once");
    } finally {
      outlet.closeAllConnections();
      outlet.close();
    }
  });

  await module("budget", "a plan and a budget go from the units to the law, and a calamity after Carnival opens a credit without a source", async () => {
    await leap("2033-08-22T10:00:00-03:00");
    const root = "/secretaria/painel/orcamento";
    const opened = async (kind) => {
      await page.goto(base + root);
      await checkPage(page);
      await fill(page.locator("#open form"), { kind, year: "2034" });
      await submit(page, page.locator("#open form"));
      return new URL(page.url()).pathname;
    };
    /** The form of a page that has this field. */
    const written = async (path, name, values) => {
      await page.goto(base + path);
      const form = page.locator(`main form:has([name="${name}"])`).last();
      await fill(form, values);
      await submit(page, form);
    };
    const done = async () => assert.equal(await page.locator(".flash.bad").count(), 0, await page.locator("main").innerText());
    const stepped = async (path, word, values = {}) => {
      if (new URL(page.url()).pathname !== path) await page.goto(base + path);
      const form = page.locator(`main form:has(input[name=act][value=${word}])`);
      await fill(form, values);
      await submit(page, form);
    };
    const civil = "02.04.06.182.0012.2041.3.3.90.30.1500";
    const lines = (...all) => ["chave;esfera;valor;descricao", ...all.map(([key, reais]) => `${key};fiscal;${reais};`)].join("\n");
    const proposal = (reais) => lines([civil, reais], ["02.04.06.182.0012.2041.3.1.90.11.1500", "200,00"], ["02.04.99.999.9999.9001.9.9.99.99.99.1500", "100,00"]);

    const ppa = await opened("ppa");
    await written(`${ppa}/conteudo`, "programmes", {
      programmes: "programa;nome;objetivo\n0012;Cidade segura;Ninguém morre",
      indicators: "programa;indicador;unidade;referencia;meta\n0012;Mortes;pessoas;3;0",
      actions: "programa;acao;nome;produto;unidade\n0012;2041;Resposta;vistoria;unidade",
      targets: "programa;acao;ano;quantidade;valor\n0012;2041;2034;10;1.000,00",
    });
    await done();
    const consolidate = (path) => stepped(path, "consolidate");
    const heard = async (path, number) => {
      await consolidate(path);
      await done();
      assert.equal(await page.locator("main form:has(input[value=submit])").count(), 0, "no bill leaves before its hearing");
      await stepped(path, "hear", { on: "2033-08-22", place: "Câmara Municipal", minutes: `Ata ${number}` });
      await done();
    };
    await heard(ppa, 129);
    await stepped(ppa, "submit", { number: "PL 129/2033", on: "2033-08-22" });
    await done();
    const loa = await opened("loa");
    await says(page, /31\/08\/2033/, /ADCT art\. 35/);
    await written(`${loa}/conteudo`, "credit_limit", { credit_limit: "1000", note: "Números fictícios." });
    await written(`${loa}/receita`, "table", { table: "natureza;fonte;esfera;valor;descricao\n1.1.1.2.50;1500;fiscal;1.000,00;IPTU" });
    await written(`${loa}/propostas`, "table", { table: "unidade;teto\n02.04;1.000,00" });
    await done();
    await written(`${loa}/propostas/02.04`, "table", { table: lines(["02.04.77.182.0012.2041.3.3.90.30.1500", "0,01"]) });
    await refused(page, /função 77: código desconhecido/, /Portaria MOG 42\/1999, anexo/);
    const propose = async (reais) => {
      await written(`${loa}/propostas/02.04`, "table", { table: proposal(reais) });
      await done();
      await stepped(`${loa}/propostas`, "send");
    };
    await propose("700,01");
    await refused(page, /R\$ 1\.000,01 proposto, o teto é R\$ 1\.000,00: R\$ 0,01 a mais/);
    await propose("699,99");
    await done();
    await consolidate(loa);
    await refused(page, /O projeto não fecha: receita R\$ 1\.000,00, despesa R\$ 999,99: a diferença é R\$ 0,01/, /Lei 4\.320\/1964, art\. 2/);
    await propose("700,00");
    await done();
    await heard(loa, 130);
    await leap("2033-08-31T10:00:00-03:00");
    await stepped(loa, "submit", { number: "PL 130/2033", on: "2033-08-31" });
    await done();
    await says(page, /22\/12\/2033/);
    await read("/secretaria/orcamento/2034", /Projeto em votação na Câmara: PL 130\/2033/);
    await leap("2033-12-19T10:00:00-03:00");
    const enact = (path, number) => stepped(path, "enact", { number, on: "2033-12-19" });
    await enact(loa, "Lei 16.101");
    await refused(page, /não há PPA em vigor em 2034/);
    await enact(ppa, "Lei 16.100");
    await done();
    await enact(loa, "Lei 16.101");
    await done();
    await leap("2034-02-23T10:00:00-03:00");
    const credit = (kind, origin, reais, on) =>
      written(`${loa}/alteracoes`, "origin", { kind, origin, on, by: "Decreto 17.001", reason: "Calamidade: chuvas de fevereiro", expense: `chave;valor\n${civil};${reais}` });
    await credit("supplementary", "none", "0,01", "2034-02-23");
    await refused(page, /Só o crédito extraordinário se abre sem fonte/);
    await credit("extraordinary", "none", "5.000,00", "2034-02-23");
    await done();
    await says(page, /2034\/001/);
    await written(`${loa}/execucao`, "mapping", {
      table: `dia;chave;documento;empenhado;anulado;liquidado;pago\n23/02/2034;${civil};E1;5.000,00;;;\n23/02/2034;${civil};L1;;;2.000,00;1.000,00\n23/02/2034;${civil};E2;9.000,00;;;`,
    });
    await says(page, /aceitas 2 · repetidas 0 · recusadas 1/);
    await page.locator("main ul.rows details summary").first().click();
    await says(page, /empenhado.*R\$ 14\.000,00.*R\$ 5\.700,00/s);
    await read("/secretaria/orcamento/2034", /Lei em vigor: Lei 16\.101, 19\/12\/2033/, /Decreto 17\.001/, /R\$ 6\.000,00/, /R\$ 1\.000,00/);
    await leap("2035-01-02T10:00:00-03:00");
    await credit("extraordinary", "none", "0,01", "2035-01-02");
    await refused(page, /O dia 02\/01\/2035 fica fora do ano de 2034/);
  });

  await module("press", "a release under embargo leaves with the first minute of the new year", async () => {
    await leap("2035-12-28T10:00:00-03:00");
    const path = await openCase(page, ["imprensa", "press.release"], "Abrigos abertos", {
      kind: "answer", lead: "Dez famílias.", body: "Os abrigos estão abertos.",
    }, { assigned: process.env.SECOND });
    await act(second, path, "check", { fact_note: "Dez, conferido." });
    await act(third, path, "approve");
    await act(page, path, "embargo", { embargo_on: "2036-01-01" });
    await refusedAct(page, path, "distribute", {}, [/01\/01\/2036/, /cláusula 17/]);
    await leap("2035-12-31T23:50:00-03:00");
    await read("/secretaria/imprensa", /./);
    assert.doesNotMatch(await everybody.locator("main").innerText(), own("Abrigos abertos"));
    await leap("2036-01-01T00:00:01-03:00");
    await until(page, path, /IMP 2036\/001/);
    await read("/secretaria/imprensa", own("Abrigos abertos"), /IMP 2036\/001/);
  });

  await module("representation", "a delegation ends by itself with the year", async () => {
    await leap("2036-12-29T10:00:00-03:00");
    const path = await openCase(page, ["representacao", "representation.delegation"], "Perante a União", {
      act: "Portaria 9/2036", delegate: "Marta Reis", sphere: "union", scope: "Obras de contenção", starts_on: "2036-12-29", ends_on: "2036-12-31",
    });
    await page.goto(base + path);
    const paper = page.locator('main form[action$="/documento"]');
    await fill(paper, { kind: "act", name: "Portaria", text: "Texto de exemplo." });
    await submit(page, paper);
    await act(page, path, "activate");
    await says(page, /DEL 2036\/001/, /31\/12\/2036/);
    await leap("2036-12-31T23:50:00-03:00");
    await page.goto(base + path);
    assert.match(await page.locator("h1 + p .tag").first().innerText(), /Em vigor/, "its last day is not over");
    await leap("2037-01-01T00:00:01-03:00");
    await until(page, path, /Terminada/);
  });

  await module("sic", "a request falls due after Easter, is put off once, denied with its ground, and appealed after Tiradentes", async () => {
    await leap("2037-03-14T10:00:00-03:00");
    const key = await ask("/secretaria/acesso-a-informacao", /Pedir uma informação/, { subject: `Bueiros ${mark}`, text: "Quanto se gastou?" });
    assert.equal(key[0].trim(), "SIC 2037/001");
    // The twentieth day is 3 April, Good Friday.
    await follow(key, /06\/04\/2037/);
    await everybody.locator("main details summary").first().click();
    await says(everybody, /Paixão de Cristo/, /Lei 12\.527\/2011, art\. 11, §§ 1º e 2º/);
    const path = await found("acesso-a-informacao", key);
    await leap("2037-04-01T10:00:00-03:00");
    const why = { reason: "Os dados estão em três secretarias" };
    await act(page, path, "extend", {}, why);
    await says(page, /13\/04\/2037/);
    await refusedAct(page, path, "extend", {}, [/não permite prorrogar mais|já foi usada/, /Lei 12\.527\/2011, art\. 11/], why);
    await follow(key, /13\/04\/2037/, /Os dados estão em três secretarias/);
    await leap("2037-04-11T10:00:00-03:00");
    const denied = { outcome: "denied", answer: `O estudo não terminou ${mark}` };
    await refusedAct(page, path, "answer", denied, [/é preciso informar “/, /Lei 12\.527\/2011, art\. 11, § 1º, II, e art\. 14/]);
    await act(page, path, "answer", { ...denied, ground: "preparatory" });
    // Ten days end on Tuesday, 21 April: Tiradentes.
    await leap("2037-04-22T18:00:00-03:00");
    await follow(key, own("O estudo não terminou"), /22\/04\/2037/);
    const appeal = 'form[action="/secretaria/protocolo/appeal"]';
    await everybody.locator(`main details:has(${appeal}) > summary`).click();
    await everybody.locator(`main ${appeal} [name="f.appeal"]`).fill("O estudo foi publicado.");
    await submit(everybody, everybody.locator(`main ${appeal}`));
    await says(everybody, /Feito: /);
    await page.goto(`${base}/secretaria/painel/prefeito`);
    await says(page, /SIC 2037\/001/);
    const decided = { appeal_outcome: "granted", appeal_decision: `Entregue-se o estudo ${mark}` };
    await refusedAct(page, path, "decide_appeal", decided, [/são precisas duas pessoas/, /Lei 12\.527\/2011, art\. 15, parágrafo único/]);
    await act(second, path, "decide_appeal", decided);
    await follow(key, own("Entregue-se o estudo"));
  });
});
