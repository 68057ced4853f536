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
const state = { page: "", ended: false, asked: [] };
const server = createServer(async (request, response) => {
  const send = (type, body) => response.writeHead(200, { "content-type": type }).end(body);
  if (request.url === "/measure") {
    let sent = "";
    for await (const piece of request) sent += piece;
    state.asked.push(new URLSearchParams(sent));
    return send("application/json", JSON.stringify(measured(new URLSearchParams(sent))));
  }
  request.resume();
  if (request.url.startsWith("/assets/") && request.url.endsWith(".css")) return send("text/css", await readFile(new URL(`../../src/web/ui/dist/${request.url.slice(8)}`, import.meta.url)));
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
  page.setDefaultTimeout(120_000);
  await page.goto(`${site}/console/alerts/1`);
  return { page, context };
}

/** A form with a field for an address, as the public's. */
const form = `<!doctype html><html><head><script type="module" src="/assets/main.js"></script></head><body><form method="post" action="/elsewhere">
<label>Where<input name="place" data-suggest="/api/v1/addresses" data-suggest-none="none" data-suggest-some="{n} known"></label><button>send</button></form></body></html>`;

/** The form of an area, as far as the drawing looks at it. */
function drawing(text) {
  const said = ["vertex {i}/{n} {lat} {lon}", "size {n}", "crossing {place}", "open", "removed", "added", "hole", "simpler {from} {to}", "snapped", "unreadable"];
  const words = said.map((word) => `data-${word.split(" ")[0]}="${word}"`).join(" ");
  return `<!doctype html><html lang="pt-BR"><head><link rel="stylesheet" href="/assets/app.css"><script type="module" src="/assets/draw.js"></script></head><body>
<form method="post" action="/elsewhere" data-draw><div data-draw-tools hidden><div class="draw-map" data-draw-map tabindex="0" data-bounds="null"></div>
<button type="button" data-do="undo">undo</button><button type="button" data-do="redo">redo</button><input type="checkbox" data-snap>
<select data-tolerance><option value="0"></option><option value="25">25</option></select><span data-simplified hidden></span><button type="button" data-do="simplify" hidden>do</button>
<p role="status" data-draw-said ${words}></p></div><input name="code"><textarea name="geometry" data-draw-text>${text}</textarea><button id="save">save</button></form></body></html>`;
}

/** The pure part of the drawing, as this Node can run it. */
async function shapes() {
  const { transform } = await import("../../src/web/ui/node_modules/esbuild/lib/main.js");
  const source = await readFile(new URL("../../src/web/ui/src/shape.ts", import.meta.url), "utf8");
  const { code } = await transform(source, { loader: "ts", format: "esm" });
  return import(`data:text/javascript,${encodeURIComponent(code)}`);
}

/** A review with its SMS, as far as the counters look at it. */
function writing(text) {
  return `<!doctype html><html><head><script type="module" src="/assets/main.js"></script></head><body data-self="/console/alerts/1"><div class="review"><div class="ed">
<form id="review" method="post" action="/console/alerts/1" data-review="/measure"><input type="hidden" name="csrf" value="one"><input type="hidden" name="revision" value="1">
<textarea name="sms_text">${text}</textarea><p id="sms-summary"></p><p id="sms-forcing" hidden></p>
<div id="sms-letters"><ul data-letters data-one="swap {letter} for {plain}" data-none="nothing"><li><span class="mono">ã</span> → <span class="mono">a</span></li></ul></div>
<p id="sms-plain"><button id="all" formaction="/other" data-plain="Amanha volte ja">all</button></p><div data-bubbles></div>
<input name="headline" value="Rain"><textarea name="description">It rains</textarea><textarea name="instruction">1. Stay</textarea>
<table><tbody data-asked></tbody></table><ul data-found></ul></form></div><div class="bar"><b id="bar-cost"></b><b id="bar-time"></b></div></div></body></html>`;
}

/** What the service would say of a text: it counts letters, and calls every one of these dear. */
function measured(body) {
  const text = body.get("text");
  const dear = [...new Set([...text].filter((letter) => "ãáç🌧".includes(letter)))];
  const plain = { ã: "a", á: "a", ç: "c" };
  return {
    summary: `${text.length} letters`,
    forcing: dear.join(" "),
    centavos: "R$ 1",
    duration: "1 s",
    parts: text.match(/.{1,10}/gsu) ?? [""],
    letters: dear.map((letter) => ({ letter, plain: plain[letter] ?? "" })),
    plain_sms: dear.length > 0 ? text.replace(/[ãáç]/g, (letter) => plain[letter]) : "",
    asked: [{ question: "Where?", class: text.includes("Centro") ? "ok" : "mind", sms: text.includes("Centro") ? "Centro" : "no", page: body.get("description") }],
    found: text.includes("evacuar") ? [{ class: "mind", field: "SMS", text: "<b>evacuar</b>" }] : [],
    nothing: text.includes("evacuar") ? "" : "fine",
  };
}

const SQUARE = [[[[-43.4, -21.76], [-43.39, -21.76], [-43.39, -21.75], [-43.4, -21.75]]]];

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
    // At once: letters that come slowly are asked for several times, and each answer is a new list without a mark.
    await field.fill("rua das flo");
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
  await step("counters, bubbles, answers and findings follow what is written in any field", async () => {
    const { page } = await open(writing("Chuva no Centro"));
    const sms = page.locator("[name=sms_text]");
    await sms.fill("evacuar o Centro ja");
    await page.waitForFunction(() => document.querySelector("#sms-summary").textContent === "19 letters");
    assert.deepEqual(await page.locator("[data-bubbles] .bub").allTextContents(), ["evacuar o ", "Centro ja"]);
    assert.deepEqual(await page.locator("[data-asked] td").allTextContents(), ["Centro", "It rains"]);
    // What the service says of a text is text, whatever it holds.
    assert.equal(await page.locator("[data-found] li.mind span").innerText(), "SMS: <b>evacuar</b>");
    assert.equal(await page.locator("#bar-cost").innerText(), "R$ 1");
    await page.locator("[name=description]").fill("It pours");
    await page.waitForFunction(() => document.querySelectorAll("[data-asked] td")[1].textContent === "It pours");
    const last = state.asked.at(-1);
    assert.deepEqual([last.get("headline"), last.get("instruction")], ["Rain", "1. Stay"]);
  });

  await step("a letter that doubles the price is replaced by a press, or all at once, and nothing is sent", async () => {
    const { page } = await open(writing("Amanhã volte já 🌧"));
    const sms = page.locator("[name=sms_text]");
    // The list that came with the page has its buttons at once.
    await page.getByRole("button", { name: "swap ã for a" }).click();
    assert.equal(await sms.inputValue(), "Amanha volte já 🌧");
    await page.getByRole("button", { name: "swap á for a" }).waitFor();
    assert.equal(await page.locator("[data-letters] li").last().innerText(), "🌧 → nothing");
    await page.waitForFunction(() => document.querySelector("[data-plain]").dataset.plain === "Amanha volte ja 🌧");
    await page.locator("#all").press("Enter");
    assert.equal(await sms.inputValue(), "Amanha volte ja 🌧");
    assert.ok(page.url().endsWith("/console/alerts/1"), "it stays");
    await sms.fill("Amanha volte ja");
    await page.locator("#sms-letters[hidden]").waitFor({ state: "attached" });
    assert.ok(await page.locator("#sms-plain").isHidden());
  });

  await step("a circle follows its fields, and its polygon is as large as it says", async () => {
    const { transform } = await import("../../src/web/ui/node_modules/esbuild/lib/main.js");
    const source = await readFile(new URL("../../src/web/ui/src/circle-shape.ts", import.meta.url), "utf8");
    const { code } = await transform(source, { loader: "ts", format: "esm" });
    const { readNumber, ring } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    assert.deepEqual(["-43,35", " 1.5 ", "", "x"].map(readNumber), [-43.35, 1.5, undefined, undefined]);
    const { area } = await shapes();
    assert.ok(Math.abs(area([[ring(-21.76, -43.35, 2)]]) / (Math.PI * 4) - 1) < 0.005);
    const fields = ["lat", "lon", "radius_km"].map((name) => `<input name="${name}" value="">`).join("");
    const { page } = await open(`<!doctype html><html><head><link rel="stylesheet" href="/assets/app.css"><script type="module" src="/assets/draw.js"></script></head><body>
<form method="post" action="/elsewhere" data-circle><div data-circle-tools hidden><div class="draw-map" data-circle-map tabindex="0" data-bounds="[[-43.5,-21.9],[-43.2,-21.6]]"></div>
<p role="status" data-circle-said data-centre="at {lat} {lon} {km}"></p></div>${fields}</form></body></html>`);
    await page.locator("[name=radius_km]").fill("1,5");
    await page.locator("[data-circle-map]").press("Enter");
    assert.ok(Math.abs(Number(await page.inputValue("[name=lat]")) + 21.75) < 0.01);
    assert.match(await page.getByRole("status").textContent(), /^at -21\.7\d+ -43\.35000 1\.5$/);
    await page.locator("[data-circle-map]").press("Shift+ArrowUp");
    assert.ok(Number(await page.inputValue("[name=lat]")) > -21.75);
  });

  await step("a shape is read, written, measured, simplified and snapped, and its crossings are found", async () => {
    const { area, count, crossings, read, simplify, snap, write } = await shapes();
    assert.deepEqual(read("-21.76, -43.40\n-21.76 -43.39\n-21,75; -43,39\n-21.75,-43.4"), SQUARE);
    assert.deepEqual(read(write(SQUARE)), SQUARE);
    assert.equal(read("Rua das Flores"), undefined);
    assert.deepEqual(read("0 0\n0 4\n4 4\n\n1 1\n1 2\n2 2")[0].length, 2);
    assert.ok(Math.abs(area(SQUARE) - 1.148) < 0.01, String(area(SQUARE)));
    assert.deepEqual(crossings(SQUARE), []);
    const bow = [[[[0, 0], [2, 2], [2, 0], [0, 2]]]];
    assert.deepEqual(crossings(bow), [[1, 1]]);
    assert.deepEqual(crossings([[[[0, 0], [4, 0], [4, 4], [4, 6], [4, 4], [0, 4]]]]).length > 0, true, "a spike that runs out and back");
    // A dense circle: none of its places is farther than the tolerance from what is left, and little is left.
    const circle = Array.from({ length: 400 }, (_, i) => [-43.4 + 0.01 * Math.cos((i * Math.PI) / 200), -21.75 + 0.01 * Math.sin((i * Math.PI) / 200)]);
    const simple = simplify([[circle]], 10);
    assert.ok(count(simple) < 60 && count(simple) > 20, String(count(simple)));
    assert.ok(Math.abs(area(simple) - area([[circle]])) / area([[circle]]) < 0.02);
    assert.deepEqual(snap([-43.38999, -21.75001], SQUARE, 5), [-43.39, -21.75], "a corner before the side");
    const beside = snap([-43.395, -21.76001], SQUARE, 5);
    assert.ok(Math.abs(beside[1] + 21.76) < 1e-9 && Math.abs(beside[0] + 43.395) < 1e-9, String(beside));
    assert.equal(snap([-43.5, -21.7], SQUARE, 5), undefined);
  });

  await step("an outline is drawn by keyboard, undone, and not saved while it crosses itself", async () => {
    const { page } = await open(drawing("-21.76 -43.40\n-21.76 -43.39\n-21.75 -43.39\n-21.75 -43.40"));
    const map = page.locator("[data-draw-map]");
    const said = page.getByRole("status");
    const shows = (text) => page.waitForFunction((text) => document.querySelector("[data-draw-said]").textContent.startsWith(text), text);
    await map.press("n");
    await shows("vertex 1/4 -21.76000 -43.40000");
    await map.press("n");
    await map.press("Shift+ArrowRight");
    assert.match(await said.textContent(), /^vertex 2\/4 -21\.76000 -43\.38/);
    await map.press("Insert");
    assert.match(await said.textContent(), /^vertex 3\/5/);
    await map.press("Delete");
    await map.press("z");
    await map.press("z");
    await map.press("z");
    const text = page.locator("[data-draw-text]");
    assert.deepEqual(JSON.parse(await text.inputValue()).coordinates[0][1], [-43.39, -21.76]);
    await text.fill("-21.8 -43.4\n-21.6 -43.2\n-21.8 -43.2\n-21.6 -43.4");
    await shows("crossing -21.70000, -43.30000");
    await page.click("#save");
    assert.ok(page.url().endsWith("/console/alerts/1"), "it stays");
    await page.click("[data-do=undo]");
    await shows("size 4");
    await Promise.all([page.waitForURL("**/elsewhere"), page.click("#save")]);
  });
} finally {
  await browser.close();
  server.close();
}
