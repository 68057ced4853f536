// The end of a disaster on paper: what inspections, shelters and departments found becomes the FIDE, a level is decided, the documents are adopted,
// and all of it is frozen in one PDF.
import assert from "node:assert/strict";

export async function fillDossier({ base, page, incident, step, checkPage, picture, send }) {
  let dossier = "";

  /** Opens what is folded away where it is. */
  const unfold = async (part) => {
    if (!(await part.evaluate((one) => one.open))) await part.locator("summary").first().click();
  };

  await step("a dossier opens, and proposes what inspections and shelters found", async () => {
    await page.goto(`${base}${incident}/damage`);
    await page.selectOption("select[name=cobrade]", "1.3.2.1.4");
    assert.match(await page.inputValue("[name=occurred_at]"), /^\d{4}-/, "the hour of the incident stands there to be read");
    await send(page, page.locator("form[action='/console/damage'] button.primary"));
    await page.waitForURL(/console\/damage\/[0-9a-f-]{36}/);
    dossier = new URL(page.url()).pathname;
    await checkPage(page);
    assert.ok((await page.locator("#checks-head ~ ul li").count()) > 3, "an empty dossier says what it lacks");
    await page.goto(`${base}${dossier}/figures`);
    await checkPage(page);
    await picture(page, "11-figures");
    for (let tries = 0; tries < 12; tries += 1) {
      // What is adopted once is proposed again only when it changed.
      const next = page.locator("tr", { has: page.locator("td:nth-child(3) .muted") }).locator("button", { hasText: "Adotar" }).first();
      if (!(await next.count())) break;
      await send(page, next);
    }
    const homeless = page.locator("tr", { has: page.locator("th", { hasText: /^Desabrigados/ }) });
    assert.match(await homeless.locator("td").first().innerText(), /4/, "who sleeps in the shelter");
    const houses = page.locator("tr", { has: page.locator("th", { hasText: /habitaciona/i }) }).first();
    assert.match(await houses.locator("td").first().innerText(), /120\.000,00/, "the house that was inspected");
  });

  await step("sections are filled in, and a photograph chosen", async () => {
    await page.goto(`${base}${dossier}/sections`);
    const words = {
      population: "577000", areas: "Encosta do Linhares e várzea do Paraibuna.", causes: "Chuva de mais de 100 mm em 24 horas sobre solo encharcado.",
      institution: "Defesa Civil de Juiz de Fora", informant: "Coordenação de Plantão", function: "Coordenadora", telephone: "(32) 3690-0000",
    };
    for (const [name, value] of Object.entries(words)) await page.fill(`[name=${name}]`, value);
    await checkPage(page);
    await send(page, page.locator("main form button.primary").last());
    await page.goto(`${base}${dossier}/photographs`);
    await page.locator("input[name^=position-]").first().fill("1");
    await page.locator("input[name^=caption-]").first().fill("Casa atingida pela encosta, Rua das Acácias");
    await checkPage(page);
    await send(page, page.locator("main form button.primary").last());
  });

  await step("the level is decided; level II cannot be a calamity", async () => {
    await page.goto(`${base}${dossier}`);
    const decide = async (level, declared) => {
      const form = page.locator("form", { has: page.locator("select[name=level]") });
      await unfold(page.locator("details", { has: page.locator("select[name=level]") }));
      await form.locator("input[name=bearable][value=yes]").check();
      await form.locator("input[name=three_spheres][value=no]").check();
      await form.locator("select[name=level]").selectOption(level);
      await form.locator("select[name=declared]").selectOption(declared);
      await form.locator("textarea[name=reason]").fill("Uma casa e um abrigo; o município suporta com ajuda do Estado.");
      await send(page, form.locator("button"));
    };
    await decide("ii", "ecp");
    await page.locator(".flash.bad").waitFor();
    await decide("ii", "se");
    assert.match(await page.locator("#level").innerText(), /II/);
    await checkPage(page);
    await picture(page, "12-dossier");
  });

  await step("the documents are read and adopted", async () => {
    for (const kind of ["dmate", "parecer", "decree", "oficio"]) {
      await page.goto(`${base}${dossier}/documents/${kind}`);
      await checkPage(page);
      if (kind === "dmate") {
        await send(page, page.locator("button[value=adopt]"));
        await page.locator(".flash.bad").waitFor();
        await page.fill("[name=institucionais]", "Corpo de Bombeiros, Polícia Militar e Cruz Vermelha apoiam o atendimento.");
        await page.fill("[name=financeiros]", "Recursos próprios: R$ 120.000,00. Nada foi recebido ainda do Estado e da União.");
      }
      if (kind === "decree") {
        await page.fill("[name=decree_number]", "17.000/2026");
        await page.fill("[name=decree_on]", new Intl.DateTimeFormat("sv-SE", { timeZone: "America/Sao_Paulo" }).format(new Date()));
      }
      await send(page, page.locator("button[value=adopt]"));
      await page.locator(".tag.good").first().waitFor();
    }
  });

  await step("the dossier is submitted once, and its PDF and CSV stand as they are", async () => {
    await page.goto(`${base}${dossier}/submit`);
    await checkPage(page);
    await page.fill("[name=typed]", (await page.locator("dl dd b").first().innerText()).trim());
    await send(page, page.locator("form[action$='/submit'] button.danger"));
    await page.goto(`${base}${dossier}`);
    assert.match(await page.locator("main").innerText(), /SHA-256/);
    await checkPage(page);
    await picture(page, "13-submitted");
    const files = await page.evaluate(async (path) => {
      const read = async (file) => {
        const answer = await fetch(`${path}/files/${file}`);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        const sum = await crypto.subtle.digest("SHA-256", bytes);
        return { status: answer.status, begins: String.fromCharCode(...bytes.slice(0, 5)), bytes: bytes.length, sum: [...new Uint8Array(sum)].map((one) => one.toString(16).padStart(2, "0")).join("") };
      };
      return { first: await read("dossier.pdf"), again: await read("dossier.pdf"), csv: await read("s2id.csv") };
    }, dossier);
    assert.deepEqual([files.first.status, files.first.begins, files.csv.status], [200, "%PDF-", 200]);
    assert.equal(files.first.sum, files.again.sum, "the same file each time");
    assert.ok((await page.locator("main").innerText()).includes(files.first.sum), "the page names the sum of what was submitted");
    assert.ok(files.first.bytes > 20_000, `${files.first.bytes} bytes`);
  });
}
