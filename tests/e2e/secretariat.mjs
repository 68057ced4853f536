// The secretariat at work: what another department owes is opened, accepted and shown done; the pages of bodies, partnerships, projects and
// budget are read by staff and by everybody. Asks a demonstration that runs (BASE, USERNAME, PASSWORD). SHOTS=folder keeps pictures.
import assert from "node:assert/strict";
import { play } from "./stage.mjs";

const day = (ahead) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

await play("the secretariat", { pictures: process.env.SHOTS }, async ({ base, open, step, signIn, checkPage, picture, send }) => {
  const page = await open();
  await signIn(page);
  let determination = "";

  await step("the panel names every competence of the act", async () => {
    await page.goto(`${base}/secretaria/painel`);
    await checkPage(page);
    assert.ok((await page.locator(".tiles li").count()) >= 23, "23 modules");
    await picture(page, "sec-1-panel");
  });

  await step("a determination without its text is refused on its page, and opened with it", async () => {
    await page.goto(`${base}/secretaria/painel/articulacao-interna`);
    await checkPage(page);
    await send(page, page.locator("a[href$='/novo/coordination.determination']"));
    await checkPage(page);
    await page.fill("[name=title]", "Limpar as bocas de lobo da área central");
    await page.fill("[name='f.text']", "Limpar as bocas de lobo antes do período de chuvas.");
    await page.fill("[name='f.due_on']", day(-30));
    await page.fill("[name=department]", "Secretaria de Obras");
    await send(page, page.locator("main form button.primary"));
    await page.locator(".flash.bad").waitFor();
    await page.fill("[name='f.due_on']", day(20));
    await send(page, page.locator("main form button.primary"));
    assert.match(await page.locator("h1").innerText(), /DET \d{4}\/\d{3}/);
    determination = new URL(page.url()).pathname;
    await checkPage(page);
  });

  await step("its deadline explains itself, and its acts are those of its type", async () => {
    await page.locator("details summary").first().click();
    assert.ok((await page.locator("details ol li").count()) >= 2, "each step of the reckoning");
    await picture(page, "sec-2-case");
    await send(page, page.locator("a[href$='/atos/accept']"));
    await checkPage(page);
    await page.fill("[name='f.responsible']", "Marta Reis");
    await send(page, page.locator("main form button.primary"));
    assert.equal(new URL(page.url()).pathname, determination);
    assert.match(await page.locator("main").innerText(), /Aceita/);
  });

  const looked = [
    ["sec-3-committees", "/secretaria/painel/comites"],
    ["sec-4-partnerships", "/secretaria/painel/parcerias"],
    ["sec-5-funding", "/secretaria/painel/captacao"],
    ["sec-6-projects", "/secretaria/painel/projetos"],
    ["sec-7-budget", "/secretaria/painel/orcamento"],
    ["sec-8-report", "/secretaria/painel/articulacao-interna/relatorio/coordination.determination"],
  ];
  for (const [of, path] of looked) {
    await step(`staff read ${path}`, async () => {
      const answer = await page.goto(base + path);
      assert.equal(answer.status(), 200, path);
      await checkPage(page);
      await picture(page, of);
    });
  }

  const everybody = await open({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
  for (const [of, path] of [["pub-1-committees", "/secretaria/comites"], ["pub-2-partnerships", "/secretaria/parcerias"], ["pub-3-funding", "/secretaria/captacao"], ["pub-4-projects", "/secretaria/projetos"], ["pub-5-budget", "/secretaria/orcamento"]]) {
    await step(`everybody reads ${path} on a telephone, without JavaScript`, async () => {
      const answer = await everybody.goto(base + path);
      assert.equal(answer.status(), 200, path);
      await checkPage(everybody);
      assert.ok((await everybody.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${path} is wider than the telephone`);
      await picture(everybody, of);
    });
  }
});
