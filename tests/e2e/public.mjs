// What residents see, in a browser without JavaScript: on a small telephone and a desktop, in both themes, by keyboard, on paper,
// and inside pages of other sites. Asks a service that runs already (BASE) and has issued something. SHOTS=folder keeps pictures of all pages.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { chromium } from "playwright-core";
import { lookOver } from "./axe.mjs";

const base = process.env.BASE ?? "http://127.0.0.1:8080";
const shots = process.env.SHOTS;
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

async function step(name, act) {
  await act();
  console.log(`  ok ${name}`);
}

async function check(page, path, width) {
  const answer = await page.goto(base + path);
  assert.equal(answer.status(), 200, path);
  assert.equal(await page.locator("h1").count(), 1, `${path}: exactly one h1`);
  assert.equal(await page.locator("main").count(), 1, `${path}: one main`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${path} is ${wide} px wide on ${width}`);
  // The banner stands in pages of others for days: that it looks for news by itself, without a script, is what it is for.
  await lookOver(page, path === "/banner" ? ["meta-refresh"] : []);
}

try {
  const first = await browser.newContext({ javaScriptEnabled: false });
  const asked = await first.newPage();
  const hrefs = [];
  for (const list of ["/alerts", "/alerts?kind=drills"]) {
    await asked.goto(base + list);
    hrefs.push(...(await asked.locator(".archive-list h2 a").evaluateAll((links) => links.map((link) => link.getAttribute("href")))));
  }
  assert.ok(hrefs.length > 0, "something was issued");
  const [newest, oldest] = [hrefs[0], hrefs.at(-1)];
  const pages = { home: "/", archive: "/alerts", drills: "/alerts?kind=drills", found: "/alerts?year=1999", alert: newest, old: oldest, sheet: `${newest}?print`, banner: "/banner", how: "/banner/como-usar", english: `${newest}?lang=en` };
  await first.close();

  for (const [kind, width, height, theme] of [["small", 320, 640, "light"], ["phone", 390, 800, "dark"], ["desktop", 1280, 900, "light"]]) {
    await step(`pages without JavaScript, ${width} px, ${theme}`, async () => {
      const context = await browser.newContext({ locale: "pt-BR", javaScriptEnabled: false, viewport: { width, height } });
      await context.addCookies([{ name: "sentinela_theme", value: theme, url: base }]);
      const page = await context.newPage();
      for (const [name, path] of Object.entries(pages)) {
        await check(page, path, width);
        if (shots) {
          await mkdir(shots, { recursive: true });
          await page.screenshot({ path: `${shots}/${kind}-${name}.png`, fullPage: true });
        }
      }
      await context.close();
    });
  }

  await step("the keyboard leads past the head into the page, and through the filters", async () => {
    const context = await browser.newContext({ locale: "pt-BR", javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${base}/alerts`);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.locator("select[name=level]").focus();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.tagName), "BUTTON");
    await Promise.all([page.waitForURL("**/alerts?**"), page.keyboard.press("Enter")]);
    await context.close();
  });

  await step("the sheet is one page A4, and so is the oldest", async () => {
    const context = await browser.newContext({ locale: "pt-BR", javaScriptEnabled: false });
    const page = await context.newPage();
    for (const path of [newest, oldest]) {
      await page.goto(`${base}${path}?print`);
      const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: false, path: shots ? `${shots}/sheet.pdf` : undefined });
      assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length, 1, `${path}: pages`);
      await page.emulateMedia({ media: "print" });
      const cut = await page.evaluate(() => { const sheet = document.querySelector(".sheet"); return sheet.scrollHeight - sheet.clientHeight; });
      assert.ok(cut <= 1, `${path}: ${cut} px are cut off`);
      await page.emulateMedia({ media: null });
    }
    await context.close();
  });

  await step("another site frames the banner and nothing else", async () => {
    const server = createServer((request, response) => response.writeHead(200, { "content-type": "text/html" }).end(
      `<!doctype html><title>x</title><iframe src="${base}${request.url}" width="600" height="150"></iframe>`));
    await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
    const site = `http://localhost:${server.address().port}`;
    const context = await browser.newContext({ locale: "pt-BR" });
    const page = await context.newPage();
    await page.goto(`${site}/banner`);
    await page.frameLocator("iframe").locator("main.hero h1").waitFor();
    if (shots) await page.screenshot({ path: `${shots}/framed.png` });
    await page.goto(`${site}/alerts`);
    await page.waitForLoadState("networkidle");
    assert.equal(await page.frameLocator("iframe").locator("h1:visible", { hasText: "Arquivo" }).count(), 0, "the archive is not framed");
    await context.close();
    server.close();
  });

  await step("the pictures of an alert can be read", async () => {
    const context = await browser.newContext();
    for (const [path, width, height] of [[`${newest}.png`, 1200, 630], [`${newest}/map.png`, 1200, 900]]) {
      const page = await context.newPage();
      const answer = await page.goto(base + path);
      assert.equal(answer.headers()["content-type"], "image/png");
      assert.deepEqual(await page.evaluate(() => [document.images[0].naturalWidth, document.images[0].naturalHeight]), [width, height]);
      if (shots) await page.request.get(base + path).then(async (picture) => (await import("node:fs/promises")).writeFile(`${shots}/picture-${width}x${height}.png`, await picture.body()));
      await page.close();
    }
    await context.close();
  });
  console.log("e2e: the public pages hold");
} finally {
  await browser.close();
}
