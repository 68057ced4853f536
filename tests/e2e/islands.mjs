// The islands against pages that this file gives instead of the service: what becomes of words that somebody typed when the
// draft moves, when the session ends, and when whoever typed goes away.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { chromium } from "playwright-core";

/** The review as the service renders it, as far as the islands look at it. */
function review({ revision = 1, text = "Rain", kept = "", csrf = "one" } = {}) {
  return `<!doctype html><html><head><script type="module" src="/assets/main.js"></script></head>
<body data-listen="alert" data-self="/console/alerts/1">
<p id="signed-out" role="alert" hidden>ended</p><div class="review"><div class="ed">${kept}
<p data-moved hidden><a id="fresh" href="/console/alerts/1" target="_blank" rel="noopener">see</a></p>
<form id="review" method="post" action="/console/alerts/1" data-review="/measure"><input type="hidden" name="csrf" value="${csrf}">
<input type="hidden" name="revision" value="${revision}"><textarea name="headline">${text}</textarea></form></div>
<div class="bar"><a id="away" href="/elsewhere">away</a><button form="review" id="save">save</button></div></div><p id="said"></p></body></html>`;
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

/** What the service answers: `page`, or the sign-in once the session `ended`. It says each half second that an alert changed. */
const state = { page: "", ended: false };
const server = createServer(async (request, response) => {
  const send = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
  request.resume();
  if (request.url.startsWith("/assets/")) return send("text/javascript", await readFile(new URL(`../../src/web/ui/dist/${request.url.slice(8)}`, import.meta.url)));
  if (request.url.startsWith("/api/v1/addresses?q=")) {
    const typed = new URL(request.url, "http://x").searchParams.get("q");
    const streets = ["Linhares", "Bom Pastor"].map((name) => ({ label: `Rua das Flores – ${name}`, accuracy_m: 80 }));
    return send("application/json", JSON.stringify(typed.startsWith("rua") ? streets : []));
  }
  if (request.url === "/api/v1/events") return send("text/event-stream", 'retry: 500\ndata: {"kind":"alert"}\n\n');
  if (request.url === "/console/login") return send("text/html", "<h1>sign in</h1>");
  if (request.url === "/favicon.ico") return response.writeHead(204).end();
  if (state.ended) return response.writeHead(303, { location: "/console/login" }).end();
  return send("text/html; charset=utf-8", state.page);
});
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const site = `http://127.0.0.1:${server.address().port}`;

/** A page in a context of its own, over the service that answers so. */
async function open(first) {
  Object.assign(state, { page: first, ended: false });
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${site}/console/alerts/1`);
  return { page, context };
}

/** A form with a field for an address, as the public's. */
const form = `<!doctype html><html><head><script type="module" src="/assets/main.js"></script></head><body><form method="post" action="/elsewhere">
<label>Where<input name="place" data-suggest="/api/v1/addresses" data-suggest-none="none" data-suggest-some="{n} known"></label><button>send</button></form></body></html>`;

const headline = (page) => page.locator("[name=headline]");

async function step(name, act) {
  await act();
  for (const context of browser.contexts()) await context.close();
  console.log(`  ok ${name}`);
}

try {
  await step("an untouched review takes a moved draft in", async () => {
    const { page } = await open(review());
    state.page = review({ revision: 2, text: "More rain" });
    await page.waitForFunction(() => document.querySelector("[name=headline]").value === "More rain");
  });

  await step("typed words outlast a moved draft, and the fresh one opens beside", async () => {
    const { page, context } = await open(review());
    await headline(page).fill("Mine");
    state.page = review({ revision: 2, text: "Theirs" });
    await page.locator("#fresh").waitFor();
    const [beside] = await Promise.all([context.waitForEvent("page"), page.click("#fresh")]);
    assert.equal(await headline(beside).inputValue(), "Theirs");
    assert.equal(await headline(page).inputValue(), "Mine");
  });

  await step("words that a conflict left on the page are not taken away by the next version", async () => {
    const { page } = await open(review({ kept: '<div data-kept><pre id="words">Mine</pre></div>' }));
    state.page = review({ revision: 2, text: "Theirs" });
    await page.locator("[data-moved]:not([hidden])").waitFor();
    assert.equal(await page.locator("#words").innerText(), "Mine");
    assert.equal(await headline(page).inputValue(), "Rain");
  });

  await step("whoever typed is asked before going away, and not when saving", async () => {
    const { page } = await open(review());
    await headline(page).fill("Mine");
    const asked = page.waitForEvent("dialog");
    page.once("dialog", (dialog) => dialog.dismiss());
    await page.click("#away", { noWaitAfter: true });
    assert.equal((await asked).type(), "beforeunload");
    assert.equal(await headline(page).inputValue(), "Mine");
    page.on("dialog", () => assert.fail("asked while saving"));
    await page.click("#save");
    await page.waitForFunction(() => document.querySelector("[name=headline]").value === "Rain");
  });

  await step("a form that leaves the words behind asks, and the one that gives the draft up does not", async () => {
    const forms = '<form id="other" method="post" action="/other"><button id="withdraw">w</button></form><form method="post" action="/d" data-ends><button id="discard">d</button></form>';
    const { page } = await open(review({ kept: forms }));
    await headline(page).fill("Mine");
    const asked = page.waitForEvent("dialog");
    page.once("dialog", (dialog) => dialog.dismiss());
    await page.click("#withdraw", { noWaitAfter: true });
    assert.equal((await asked).type(), "beforeunload");
    page.on("dialog", () => assert.fail("asked while giving up"));
    await page.click("#discard");
    await page.waitForFunction(() => document.querySelector("[name=headline]").value === "Rain");
  });

  await step("a session that ends takes no words, and the forms belong to the next one", async () => {
    const { page } = await open(review());
    await headline(page).fill("Mine");
    state.ended = true;
    await page.locator("#signed-out").waitFor();
    assert.equal(await headline(page).inputValue(), "Mine");
    state.page = review({ csrf: "two" });
    state.ended = false;
    await page.locator("#signed-out").waitFor({ state: "hidden" });
    assert.equal(await page.locator("[name=csrf]").getAttribute("value"), "two");
    assert.equal(await headline(page).inputValue(), "Mine");
  });

  await step("an untouched page goes to the sign-in by itself", async () => {
    const { page } = await open(review());
    state.ended = true;
    await page.waitForURL(`${site}/console/login`);
  });

  await step("an address is completed by the keyboard, and any other words can be written all the same", async () => {
    const { page } = await open(form);
    const field = page.getByRole("combobox", { name: "Where" });
    await field.pressSequentially("rua das flo");
    await page.getByRole("listbox").waitFor();
    assert.equal(await page.getByRole("status").textContent(), "2 known");
    assert.equal(await field.getAttribute("aria-expanded"), "true");
    await field.press("ArrowDown");
    await field.press("ArrowDown");
    const chosen = page.getByRole("option", { selected: true });
    assert.equal(await field.getAttribute("aria-activedescendant"), await chosen.getAttribute("id"));
    await field.press("Enter");
    assert.equal(await field.inputValue(), "Rua das Flores – Bom Pastor");
    assert.equal(await page.getByRole("listbox").count(), 0);
    // Escape closes the list and leaves what was typed.
    await field.fill("rua b");
    await page.getByRole("listbox").waitFor();
    await field.press("Escape");
    assert.equal(await page.getByRole("listbox").count(), 0);
    assert.equal(await page.getByRole("status").textContent(), "");
    assert.equal(await field.inputValue(), "rua b");
    await field.fill("unknown");
    await page.waitForFunction(() => document.querySelector("[role=status]").textContent === "none");
    // With no line marked, Enter sends the form as ever.
    await Promise.all([page.waitForURL("**/elsewhere"), field.press("Enter")]);
  });

  await step("a press on a line takes it", async () => {
    const { page } = await open(form);
    const field = page.getByRole("combobox", { name: "Where" });
    await field.pressSequentially("rua");
    // A finger that only begins to scroll chooses nothing.
    await page.getByRole("option", { name: "Linhares" }).dispatchEvent("pointerdown");
    assert.equal(await field.inputValue(), "rua");
    await page.getByRole("option", { name: "Linhares" }).click();
    assert.equal(await field.inputValue(), "Rua das Flores – Linhares");
  });
} finally {
  await browser.close();
  server.close();
}
