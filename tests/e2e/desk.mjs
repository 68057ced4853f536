// What the walks of the secretariat share: forms that are filled by the names of their fields, cases and instruments, refusals with their
// words, what somebody without an account reads, and a clock that is set ahead.
import assert from "node:assert/strict";
import { connect } from "node:net";

/** The slug of the story, or nothing: ONLY=press,sic plays these modules alone. */
const only = (process.env.ONLY ?? "").split(",").filter(Boolean);

/** A sentence as a pattern: its own letters and nothing else. */
export const exactly = (sentence) => new RegExp(sentence.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));

/**
 * Sets the clock of the service ahead (SENTINELA_CLOCK_SOCKET, docs/faults.md). When it answers the clock shows that instant, and whoever
 * waits for a day in the service looks again.
 */
export function leap(instant) {
  const path = process.env.CLOCK;
  assert.ok(path, "CLOCK names the socket of SENTINELA_CLOCK_SOCKET");
  return new Promise((resolve, reject) => {
    let said = "";
    const socket = connect(path, () => socket.write(`${instant}\n`));
    socket.setEncoding("utf8").on("data", (part) => (said += part)).on("error", reject);
    socket.on("end", () => (/^\d{4}-/.test(said) ? resolve(said.trim()) : reject(new Error(`leap to ${instant}: ${said}`))));
  });
}

/** Everything that a story needs, for a stage of `stage.mjs` on which `page` is signed in. */
export async function desk({ base, open, step, checkPage, picture, send }, page) {
  const everybody = await open({ javaScriptEnabled: false, viewport: { width: 390, height: 800 } });
  /** In every title, so that a story finds its own case. */
  const mark = Date.now().toString(36);

  async function colleague(username) {
    const other = await open();
    await other.goto(`${base}/console/login`);
    await other.fill("[name=username]", username);
    await other.fill("[name=password]", process.env.PASSWORD);
    await Promise.all([other.waitForURL((url) => !url.pathname.includes("login")), other.click("main button.primary")]);
    return other;
  }

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
  async function refused(who, ...words) {
    const said = await who.locator(".flash.bad").first().innerText();
    for (const one of words) assert.match(said, one);
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

  const at = (who, path) => new URL(who.url()).pathname === path;

  /** Does an act that the page of the case offers. */
  async function act(who, path, key, fields = {}, reason = {}) {
    const link = who.locator(`main a[href$="/atos/${key}"]`);
    // The page that stands there may be from before what somebody else did.
    if (!at(who, path) || (await link.count()) === 0) await who.goto(base + path);
    await send(who, link);
    await fill(form(who), { ...of(fields), ...reason });
    await submit(who, form(who));
    assert.equal(new URL(who.url()).pathname, path, `${key} is done: ${await who.locator("main").innerText()}`);
  }

  /** The act is refused with these words, and what was typed is still there. */
  async function refusedAct(who, path, key, fields, words, reason = {}) {
    await who.goto(`${base}${path}/atos/${key}`);
    await fill(form(who), { ...of(fields), ...reason });
    await submit(who, form(who));
    await refused(who, ...[words].flat());
  }

  async function write(who, path, kind) {
    await who.goto(base + path);
    const form = who.locator('main form[action$="/documento"]');
    await fill(form, { kind, name: "Documento de exemplo", text: "Texto de exemplo." });
    await submit(who, form);
  }

  /** Everybody reads it on a telephone. */
  async function read(path, ...words) {
    const answer = await everybody.goto(base + path);
    assert.equal(answer.status(), 200, path);
    await checkPage(everybody);
    assert.ok((await everybody.evaluate(() => document.documentElement.scrollWidth)) <= 390, `${path} is wider than the telephone`);
    const said = await everybody.locator("main").innerText();
    for (const one of words) assert.match(said, one, path);
  }
  const own = (title) => new RegExp(`${title} ${mark}`);
  async function says(who, ...words) {
    const said = await who.locator("main").innerText();
    for (const one of words) assert.match(said, one);
  }

  /** What the service does by itself, at its own pace: the page is read until it says so. */
  async function until(who, path, words) {
    const limit = Date.now() + 60_000;
    for (;;) {
      await who.goto(base + path);
      const said = await who.locator("main").innerText();
      if (words.test(said)) return;
      assert.ok(Date.now() < limit, `${path} does not say ${words}: ${said}`);
    }
  }

  /** An act on an agreement, a funding or a project. */
  async function tick(path, word, fields = {}) {
    if (!at(page, path)) await page.goto(base + path);
    const form = page.locator(`main form:has(input[name=act][value=${word}])`);
    await fill(form, fields);
    await submit(page, form);
  }
  async function ticked(path, word, fields = {}) {
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

  /** A resident asks at the citizen's door; gives number and code. */
  async function ask(path, title, fields) {
    await read(path, title);
    const asked = everybody.locator(`main form[action="${path}"]`);
    await fill(asked, fields);
    await submit(everybody, asked);
    await checkPage(everybody);
    return everybody.locator("dd.mono.big").allInnerTexts();
  }
  /** And follows it. */
  async function follow([number, code], ...words) {
    await everybody.goto(`${base}/secretaria/protocolo`);
    const known = everybody.locator('main form[action="/secretaria/protocolo"]');
    await fill(known, { number: number.trim(), code: code.trim() });
    await submit(everybody, known);
    await checkPage(everybody);
    await says(everybody, ...words);
  }
  /** Staff find it in their queue by its number: what citizens write is not searched. */
  async function found(slug, [number]) {
    await page.goto(`${base}/secretaria/painel/${slug}`);
    await send(page, page.locator(`main td a[href*="/${slug}/casos/"]`).filter({ hasText: number.trim() }).first());
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

  return {
    act, ask, begin, colleague, everybody, fill, follow, form, found, mark, module, openCase, openHere, own, read, refused, refusedAct, says, submit,
    tick, ticked, until, write,
  };
}
