// The story a visitor of the demonstration lives: areas rise, an alert waits, somebody approves it, the messages are out,
// the public page and the feed say so, and in the end the all-clear. Everything is waited for, nothing is slept for.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { lookOver } from "./axe.mjs";
import { walkPlan } from "./plan.mjs";
import { walkShelters } from "./shelters.mjs";
import { walkRules } from "./rules.mjs";

const base = process.env.BASE ?? "http://127.0.0.1:8080";
const PATIENCE_MS = 120_000;
const shots = new URL("./shots/", import.meta.url).pathname;

const wrong = [];
function watch(page) {
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    // A refused sign-in and a form that is sent back are part of the story; Chromium reports their status as an error.
    if (message.type() === "error" && !/status of (401|422)/.test(message.text())) wrong.push(`${page.url()}: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) wrong.push(`leaves the machine: ${request.url()}`);
  });
  return page;
}

let current = "";
async function step(name, act) {
  const began = Date.now();
  current = name;
  await act();
  console.log(`  ok ${name} (${Date.now() - began} ms)`);
}

/** What every page owes a screen reader. */
async function checkPage(page) {
  assert.equal(await page.locator("h1").count(), 1, `${page.url()}: exactly one h1`);
  assert.match(await page.locator("html").getAttribute("lang"), /^(pt-BR|en)$/);
  assert.equal(await page.locator("main").count(), 1, `${page.url()}: one main`);
  await lookOver(page);
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
});
const staff = await browser.newContext({ locale: "pt-BR", viewport: { width: 1440, height: 1000 } });
const page = watch(await staff.newPage());
const resident = await browser.newContext({ locale: "pt-BR", javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
const phone = watch(await resident.newPage());
const other = await browser.newContext({ locale: "pt-BR", viewport: { width: 1440, height: 1000 } });
const colleague = watch(await other.newPage());
let identifier = "";
let headline = "";

/** Approves what is on the screen. A rule that takes an area into the draft meanwhile makes the page ask again. */
async function approve() {
  for (let tries = 0; tries < 20; tries += 1) {
    await page.click("#issue");
    await page.locator("dialog#confirm[open]").waitFor();
    await Promise.all([page.waitForNavigation(), page.click("#issue-now")]);
    await page.locator("#delivery, .flash.bad").first().waitFor();
    if (await page.locator("#delivery").count()) return;
  }
  assert.fail("the draft never stood still");
}

try {
  await step("a wrong password is refused in words, and the console leads to the sign-in", async () => {
    await page.goto(`${base}/console`);
    assert.match(page.url(), /\/console\/login\?next=/);
    await checkPage(page);
    await page.fill("[name=username]", process.env.USERNAME);
    await page.fill("[name=password]", "nao é esta senha");
    await page.click("main button.primary");
    await page.getByRole("alert").waitFor();
    await page.fill("[name=password]", process.env.PASSWORD);
    await page.click("main button.primary");
    await page.waitForURL(`${base}/console`);
  });

  await step("areas rise on the map and a draft waits, without a reload", async () => {
    await page.locator(".map-place.ready").waitFor();
    await page.locator("#needs .task a.btn.primary").first().waitFor();
    await checkPage(page);
    assert.ok((await page.locator(".drawn .area").count()) > 50, "the drawn map holds the neighbourhoods");
    assert.match(await page.locator("#needs .task .why").first().innerText(), /limite/);
  });

  await step("the review tells why, whom it reaches and what the SMS costs", async () => {
    await page.locator("#needs .task a.btn.primary").first().click();
    await page.locator("form#review").waitFor();
    await checkPage(page);
    assert.match(await page.locator("#sms-summary").innerText(), /segmento/);
    // Areas go on joining, and the page takes them in; whoever types keeps every letter.
    const text = await page.inputValue("[name=sms_text]");
    await page.fill("[name=sms_text]", `${text} Não volte.`);
    await page.locator("#sms-forcing:not([hidden])").waitFor();
    assert.match(await page.locator("#sms-forcing").innerText(), /ã/);
    assert.match(await page.locator(".bub[data-mirror=sms_text]").first().innerText(), /Não volte/);
    await page.fill("[name=sms_text]", text);
    await page.locator("#sms-forcing[hidden]").waitFor({ state: "attached" });
    const residents = (await page.locator(".bar .fact b").first().innerText()).replace(/\D/g, "");
    assert.ok(Number(residents) > 0, "somebody lives there");
    headline = await page.inputValue("[name=headline]");
  });

  await step("two clicks later it is issued, and the delivery runs to its end on the open page", async () => {
    await approve();
    headline = await page.locator(".two h2").first().innerText();
    identifier = (await page.locator("a[href$='.xml']").getAttribute("href")).replace("/alerts/", "").replace(".xml", "");
    await page.waitForFunction(() => {
      const sentence = document.getElementById("delivery")?.dataset.say ?? "";
      const numbers = sentence.match(/(\d+) \D+(\d+)/);
      return numbers !== null && Number(numbers[1]) > 0 && Number(numbers[2]) === 0;
    });
    await checkPage(page);
    assert.ok((await page.locator("#recipients tbody tr").count()) > 0, "recipients are listed");
    assert.doesNotMatch(await page.locator("#recipients").innerText(), /\+55\d{10}/, "addresses are masked");
  });

  await step("the messages are in the outbox, as bubbles and letters", async () => {
    for (const [channel, shape] of [["sms", ".phone .bub"], ["email", ".letter"]]) {
      await page.goto(`${base}/console/outbox?channel=${channel}`);
      await page.locator(shape).first().waitFor();
    }
    await checkPage(page);
  });

  await step("the public page says what, where, what to do and whom to call, without JavaScript", async () => {
    await phone.goto(base);
    await checkPage(phone);
    const bands = await phone.locator(".hero").allInnerTexts();
    assert.ok(bands.some((text) => text.includes(headline)), `the page says: ${headline}`);
    assert.ok((await phone.locator(".hero ol li").count()) >= 2, "steps to take");
    assert.equal(await phone.locator(".hero a[href='tel:199']").first().innerText(), "199");
    const wide = await phone.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `the page fits a phone (${wide} px)`);
    await Promise.all([phone.waitForNavigation(), phone.click("button[name=lang]")]);
    assert.equal(await phone.locator("html").getAttribute("lang"), "en");
    await Promise.all([phone.waitForNavigation(), phone.click("button[name=lang]")]);
  });

  await step("the feed carries it, and the CAP message has its own address and page", async () => {
    const feed = await (await phone.request.get(`${base}/alerts/feed.atom`)).text();
    assert.ok(feed.includes(identifier), "the feed names the alert");
    const answer = await phone.request.get(`${base}/alerts/${identifier}.xml`);
    assert.match(answer.headers()["content-type"], /cap\+xml/);
    assert.ok((await answer.text()).includes(`<identifier>${identifier}</identifier>`));
    await phone.goto(`${base}/alerts/${identifier}`);
    await checkPage(phone);
    assert.ok((await phone.locator("main").innerText()).includes(headline));
  });

  await step("an incident is open with the story so far, and takes a note", async () => {
    await page.goto(`${base}/console/incidents`);
    await page.locator("#incident-list a").first().click();
    await page.locator("#timeline li").first().waitFor();
    assert.match(await page.locator("#timeline").innerText(), /emitido/);
    await page.fill("textarea[name=text]", "Equipe a caminho do Linhares.");
    await page.locator("form[action$='/note'] button").click();
    await page.getByText("Equipe a caminho do Linhares.").first().waitFor();
    await checkPage(page);
  });

  await step("a second coordinator signs in", async () => {
    await colleague.goto(`${base}/console/login`);
    await colleague.fill("[name=username]", process.env.COLLEAGUE);
    await colleague.fill("[name=password]", process.env.PASSWORD);
    await colleague.click("main button.primary");
    await colleague.waitForURL(`${base}/console`);
  });

  await walkPlan({ base, page, colleague, phone, step, checkPage });
  await walkShelters({ base, page, phone, step, checkPage });

  await step("a call is taken, its case is sent to and worked on the board", async () => {
    await page.goto(`${base}/console/occurrences/new`);
    await page.fill("textarea[name=text]", "Muro caindo, há um idoso acamado");
    await page.selectOption("select[name=kind]", "collapse");
    await page.fill("input[name=place]", "Rua Halfeld, Centro");
    await page.check("input[name=need_carried]");
    await checkPage(page);
    await page.locator("button[accesskey=s]").click();
    await page.waitForURL(/console\/reports\//);
    assert.match(await page.locator("#urgency").innerText(), /P[1-4]/);
    await checkPage(page);
    for (const view of ["map", "board"]) {
      await page.goto(`${base}/console/occurrences?view=${view}`);
      await checkPage(page);
    }
    // The board answers with itself: its address tells nothing of the answer.
    await Promise.all([page.waitForNavigation(), page.locator(".board button[value=confirmed]").first().click()]);
    assert.match(page.url(), /view=board/);
  });

  await step("every other page of the console opens", async () => {
    for (const path of ["/console/areas", "/console/areas?level=unknown", "/console/stations", "/console/quarantine", "/console/reports", "/console/reports/new", "/console/occurrences", "/console/mentions", "/console/shift-notes", "/console/warnings", "/console/maintenance", "/console/morning", "/console/areas?blind=1", "/relatar", "/console/alerts", "/console/alerts?show=active", "/api/docs"]) {
      const answer = await page.goto(base + path);
      assert.equal(answer.status(), 200, path);
      await checkPage(page);
    }
    await page.goto(`${base}/console/areas`);
    await page.locator("#area-table a").first().click();
    await page.locator("#detail .why").first().waitFor();
    await checkPage(page);
    await page.goto(`${base}/console/stations`);
    await page.locator("#station-table a").first().click();
    await page.locator("#detail table").first().waitFor();
    await checkPage(page);
    await Promise.all([page.waitForNavigation(), page.locator("#detail a[href$='/quality']").click()]);
    await checkPage(page);
  });

  await step("the end of the alert is drafted, approved and told to the public", async () => {
    await page.goto(`${base}/console/alerts?show=active`);
    await page.locator("#alert-list tbody tr", { hasText: "em vigor" }).locator("a").first().click();
    await page.locator("button[value=all_clear]").click();
    await page.locator("form#review").waitFor();
    await checkPage(page);
    await approve();
    await phone.goto(base);
    await phone.locator(".hero.normal").first().waitFor();
  });

  await walkRules({ base, first: page, second: colleague, step, checkPage, shots });

  await step("nothing failed in the browser and nothing left the machine", async () => assert.deepEqual(wrong, []));
  console.log("e2e: the story holds");
} catch (error) {
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: `${shots}staff.png` }).catch(() => undefined);
  await phone.screenshot({ path: `${shots}public.png` }).catch(() => undefined);
  const shown = await page.locator("main").innerText({ timeout: 2000 }).catch(() => "");
  const told = `e2e: step "${current}" at ${page.url()}: ${error.stack}\nscreenshots: ${shots}\nthe page says: ${shown.slice(0, 1500)}\n${wrong.join("\n")}\n`;
  if (process.env.FAILURE) await writeFile(process.env.FAILURE, told);
  else console.error(told);
  process.exitCode = 1;
} finally {
  await browser.close();
}
