// A delivery as a coordinator lives it: the numbers move on the open page, it is paused, goes on, and what is left is cancelled.
// Everything is waited for, nothing is slept for. With SHOTS=folder it leaves pictures of the pages at two widths.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { lookOver } from "./axe.mjs";

const base = process.env.BASE ?? "http://127.0.0.1:8080";
const shots = process.env.SHOTS;
const wrong = [];
let current = "";

async function step(name, act) {
  const began = Date.now();
  current = name;
  await act();
  console.log(`  ok ${name} (${Date.now() - began} ms)`);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ locale: "pt-BR", viewport: { width: 1280, height: 1000 } });
const page = await context.newPage();
page.setDefaultTimeout(120_000);
page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
page.on("console", (message) => {
  if (message.type() === "error") wrong.push(`${page.url()}: ${message.text()}`);
});
page.on("request", (request) => {
  if (!request.url().startsWith(base) && !/^(data|blob|about):/.test(request.url())) wrong.push(`leaves the machine: ${request.url()}`);
});

async function picture(name) {
  if (!shots) return;
  await mkdir(shots, { recursive: true });
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 1000 });
    // The console scrolls within itself; a tall window shows all of it.
    const tall = await page.evaluate(() => document.querySelector("main")?.scrollHeight ?? 1000);
    await page.setViewportSize({ width, height: Math.min(4000, tall + 120) });
    await page.screenshot({ path: `${shots}/${name}-${width}.png` });
  }
  await page.setViewportSize({ width: 1280, height: 1000 });
}

/** What every page owes a screen reader. */
async function checkPage() {
  assert.equal(await page.locator("h1").count(), 1, `${page.url()}: exactly one h1`);
  await lookOver(page);
}

/** The figure under this name, as a number. */
async function figure(name) {
  const text = await page.locator("#figures .figures div", { has: page.getByText(name, { exact: true }) }).locator("dd").innerText();
  return Number(text.replace(/\D/g, ""));
}

/** Asks, gives a reason, and comes back to the delivery. */
async function act(word, button, reason) {
  await page.locator(`a[href$="/delivery/act/${word}"]`).click();
  await page.locator("h1", { hasText: "?" }).waitFor();
  await checkPage();
  if (word === "cancel") await picture("act");
  await page.fill("[name=reason]", reason);
  await Promise.all([page.waitForURL(/\/delivery\?done=/), page.getByRole("button", { name: button }).click()]);
}

let alert = "";
try {
  await step("somebody signs in and issues an alert for many areas", async () => {
    await page.goto(`${base}/console/login`);
    await page.fill("[name=username]", process.env.USERNAME);
    await page.fill("[name=password]", process.env.PASSWORD);
    await page.click("main button.primary");
    await page.waitForURL(`${base}/console`);
    alert = await page.evaluate(async () => {
      const csrf = document.querySelector("input[name=csrf]").value;
      const ask = async (path, body) => {
        const answer = await fetch(path, { method: body ? "POST" : "GET", headers: { csrf, "content-type": "application/json" }, body: body && JSON.stringify(body) });
        const told = await answer.json();
        if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(told)}`);
        return told;
      };
      const listed = await ask("/api/v1/areas");
      const codes = (listed.features ?? listed.items).map((area) => area.properties?.code ?? area.code).slice(0, 60);
      const draft = await ask("/api/v1/alerts", { cobrade: "1.1.3.2.1", level: "alert", areas: codes });
      await ask(`/api/v1/alerts/${draft.id}/issue`, { revision: draft.revision });
      return draft.id;
    });
    await page.goto(`${base}/console/alerts/${alert}`);
    await page.locator("#delivery a[href$='/delivery']").click();
    await page.locator("#figures").waitFor();
    await checkPage();
  });

  await step("the numbers move on the open page, and they add up", async () => {
    const before = await figure("entregues");
    await page.waitForFunction((before) => {
      const entry = [...document.querySelectorAll("#figures .figures div")].find((div) => div.querySelector("dt").textContent === "entregues");
      return Number(entry.querySelector("dd").textContent.replace(/\D/g, "")) > before + 5;
    }, before);
    assert.match(await page.locator("#sums").innerText(), /As contas fecham/);
    await page.locator("#rate", { hasText: "por segundo" }).waitFor();
    await page.locator("#rate", { hasText: /às \d\d:\d\d/ }).waitFor();
    await picture("running");
  });

  await step("a pause is loud, and nothing more leaves", async () => {
    await act("pause", "Pausar", "texto com o bairro errado");
    await page.locator("#standing [role=alert]", { hasText: "texto com o bairro errado" }).waitFor();
    await page.locator("#paused", { hasText: "ENVIO PAUSADO" }).waitFor();
    await page.locator("#rate", { hasText: "sem previsão" }).waitFor();
    // What was being handed over ends; then the number stands, and the count behind it says so too.
    await page.waitForFunction(async (alert) => {
      const told = await (await fetch(`/api/v1/alerts/${alert}/delivery`)).json();
      return told.totals.sending === 0;
    }, alert);
    const read = () => page.evaluate(async (alert) => (await (await fetch(`/api/v1/alerts/${alert}/delivery`)).json()), alert);
    const first = await read();
    await page.waitForFunction(async ({ alert, at }) => {
      const told = await (await fetch(`/api/v1/alerts/${alert}/delivery`)).json();
      return Date.parse(told.at) >= Date.parse(at) + 3000;
    }, { alert, at: first.at });
    const later = await read();
    assert.equal(later.totals.delivered, first.totals.delivered, "nothing leaves while it is paused");
    assert.ok(later.totals.pending > 0, "and something waits");
    await picture("paused");
    await page.goto(`${base}/console`);
    await page.locator("#paused", { hasText: "ENVIO PAUSADO" }).waitFor();
    await page.goto(`${base}/console/alerts/${alert}/delivery`);
  });

  await step("it goes on where it stood", async () => {
    const before = await figure("entregues");
    await act("resume", "Retomar", "texto conferido");
    await page.waitForFunction((before) => {
      const entry = [...document.querySelectorAll("#figures .figures div")].find((div) => div.querySelector("dt").textContent === "entregues");
      return Number(entry.querySelector("dd").textContent.replace(/\D/g, "")) > before;
    }, before);
    assert.equal(await page.locator("#paused p").count(), 0);
  });

  await step("what is left is cancelled for good, and the sum still holds", async () => {
    await act("cancel", "Cancelar o que falta", "substituído por outro aviso");
    await page.locator("#causes", { hasText: "envio cancelado por uma pessoa" }).waitFor();
    await page.locator("#rate", { hasText: "tudo já saiu" }).waitFor();
    assert.match(await page.locator("#sums").innerText(), /As contas fecham/);
    assert.equal(await page.locator("a[href$='/act/resume']").count(), 0, "nothing to resume");
    assert.match(await page.locator("#acts").innerText(), /Pausado[\s\S]*Retomado[\s\S]*Cancelado/);
    await picture("cancelled");
  });

  await step("whom nothing reached is on the map and in the table", async () => {
    await page.locator("a[href$='/delivery/unreached']").click();
    await page.locator("rect.people").first().waitFor();
    assert.ok((await page.locator("main table tbody tr").count()) > 0);
    await checkPage();
    await picture("unreached");
  });

  await step("the report is written when nothing can move, and stands", async () => {
    await page.goto(`${base}/console/alerts/${alert}/delivery/report`);
    await page.locator(".sums", { hasText: "As contas fecham" }).waitFor();
    await checkPage();
    await picture("report");
  });

  await step("telephones, letters and one resident's record", async () => {
    await page.goto(`${base}/console/outbox?channel=sms`);
    await page.locator(".phone .bub").first().waitFor();
    await checkPage();
    await picture("phones");
    await page.goto(`${base}/console/outbox?channel=email`);
    // Letters to staff lie here too.
    await page.locator(".mails a", { hasText: "Risco alto" }).first().click();
    await page.waitForURL(/letter=/);
    const frame = page.frameLocator(".opened iframe");
    await frame.locator("h1").waitFor();
    await checkPage();
    await picture("mailbox");
    await page.goto(`${base}/console/residents`);
    await checkPage();
    const phone = await page.evaluate(async () => {
      const told = await (await fetch("/api/v1/residents?limit=50")).json();
      return told.items.flatMap((one) => one.channels).find((one) => one.kind === "sms").address;
    });
    await page.fill("[name=q]", phone);
    // There is a table of links before, too.
    await Promise.all([page.waitForNavigation(), page.getByRole("button", { name: "Procurar" }).click()]);
    await Promise.all([page.waitForNavigation(), page.locator("main table a").first().click()]);
    await page.locator("h1").waitFor();
    await checkPage();
    await picture("resident");
  });

  await step("nothing failed in the browser and nothing left the machine", async () => assert.deepEqual(wrong, []));
  console.log("e2e: the delivery holds");
} catch (error) {
  const shown = await page.locator("main").innerText({ timeout: 2000 }).catch(() => "");
  const told = `e2e: step "${current}" at ${page.url()}: ${error.stack}\nthe page says: ${shown.slice(0, 1500)}\n${wrong.join("\n")}\n`;
  if (process.env.FAILURE) await writeFile(process.env.FAILURE, told);
  else console.error(told);
  process.exitCode = 1;
} finally {
  await browser.close();
}
