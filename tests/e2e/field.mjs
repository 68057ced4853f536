// The app of the field on a telephone whose network comes and goes: what is filled in without one survives a reload, arrives exactly once
// when the network is back, also when the answer was lost, and belongs to whoever wrote it.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { chromium, devices } from "playwright-core";
import { lookOver } from "./axe.mjs";

const base = process.env.BASE ?? "http://127.0.0.1:8080";
const { USERNAME: username, PASSWORD: password, AGENT: agent } = process.env;
const PATIENCE_MS = 120_000;
const shots = new URL("./shots/", import.meta.url).pathname;
const wrong = [];
let current = "";

async function step(name, act) {
  const began = Date.now();
  current = name;
  await act();
  console.log(`  ok ${name} (${Date.now() - began} ms)`);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking"] });
const telephone = { ...devices["Pixel 5"], locale: "pt-BR", geolocation: { latitude: -21.7545, longitude: -43.3505, accuracy: 9 }, permissions: ["geolocation"] };
const context = await browser.newContext(telephone);
const page = await context.newPage();
page.setDefaultTimeout(PATIENCE_MS);
page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));

async function signIn(who, next = "/campo") {
  await page.goto(`${base}/console/login?next=${next}`);
  await page.fill("[name=username]", who);
  await page.fill("[name=password]", password);
  await Promise.all([page.waitForURL((url) => !url.pathname.includes("login")), page.click("main button.primary")]);
}

/** Loads the app from its worker; a load that the network answered would say nothing of times without one. */
async function reload() {
  await page.reload();
  await page.locator("html[data-ready]").waitFor();
}

const queued = (street) => page.locator(".queue-item", { hasText: street });
const stands = (street, state) => page.locator(`.queue-item[data-state=${state}]`, { hasText: street }).waitFor();

async function begin(street) {
  await page.click(".campo-bar a.primary");
  await page.locator("#view-form:not([hidden])").waitFor();
  await page.fill("[data-field=street]", street);
  await page.fill("[data-field=house_number]", "20");
  await page.selectOption("[data-field=damage]", "damaged");
}

/** What a finger cannot hit surely. */
const small = () => page.evaluate(() => [...document.querySelectorAll(".campo .btn, .campo-bar a, .campo .choice, .campo input:not([type=radio], [type=checkbox], [type=file]), .campo select")].filter((one) => one.offsetParent && one.getBoundingClientRect().height < 48).map((one) => one.textContent.trim().slice(0, 30) || one.dataset.field));

/** The page says of each thing on the device what it is and where it stands. */
const heldOn = () => page.evaluate(() => new Promise((done, fail) => {
  const request = indexedDB.open("sentinela-campo");
  request.onerror = () => fail(request.error);
  request.onsuccess = () => {
    const all = request.result.transaction("items").objectStore("items").getAll();
    all.onsuccess = () => (request.result.close(), done(all.result));
  };
}));

/** Until what lies on the device is like this. */
async function untilHeld(what, like) {
  const until = Date.now() + PATIENCE_MS;
  while (!like(await heldOn())) assert.ok(Date.now() < until, `the device never held ${what}`);
}

/** What the page began before this has come to the device, and is drawn. */
async function settled() {
  await heldOn();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await heldOn();
}

async function found(street) {
  return page.evaluate(async (wanted) => {
    const all = await (await fetch("/api/v1/inspections?all=true&limit=1000", { cache: "no-store" })).json();
    return all.filter((one) => one.street === wanted);
  }, street);
}

/** A picture of one colour, of a camera's shape. */
const picture = () => page.evaluate(() => {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: 1200, height: 900 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#842";
  pen.fillRect(0, 0, 1200, 900);
  return canvas.toDataURL("image/jpeg").split(",")[1];
});

/** The service gets the first of these requests and answers, and the answer is lost on the way; later ones go through, unless the network
 * is gone with it. */
async function loseFirstAnswer(pattern, isGone = false) {
  let lost = 0;
  await context.route(pattern, async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    if (lost > 0) return isGone ? route.abort() : route.continue();
    lost += 1;
    const response = await route.fetch();
    assert.equal(response.status(), 201, `${pattern}: ${await response.text()}`);
    await route.abort();
  });
  return () => lost;
}

try {
  await step("the app opens after the sign-in, and axe finds nothing by day and by night", async () => {
    await signIn(username);
    assert.equal(new URL(page.url()).pathname, "/campo");
    await page.locator("html[data-ready]").waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready);
    await page.locator("#net[data-standing=ok]").waitFor();
    await lookOver(page);
    await page.click("#night");
    await lookOver(page);
    assert.deepEqual(await small(), [], "targets of 48 pixels");
    await page.click("#night");
  });

  await step("what is filled in without a network survives a reload, with photograph and signature", async () => {
    await reload();
    await context.setOffline(true);
    await reload();
    await begin("Rua do Primeiro Teste");
    await lookOver(page);
    assert.deepEqual(await small(), [], "targets of 48 pixels in the form");
    await page.locator("[data-question][value=failing]").check();
    await page.locator("[data-question][value=steep]").check();
    assert.match(await page.locator("#suggested").innerText(), /R4/);
    await page.selectOption("[data-field=risk]", "R4");
    await page.fill("[data-field=loss]", "1.500,00");
    await page.setInputFiles("#camera", { name: "IMG_1.jpg", mimeType: "image/jpeg", buffer: Buffer.from(await picture(), "base64") });
    await page.locator("#photographs .shot").waitFor();
    await page.locator("#photographs .shot input").fill("Muro caído");
    await page.locator("#photographs .shot select").selectOption("270");
    await page.check("#forbids");
    await page.fill("[data-field=reason]", "Muro pode cair sobre a casa");
    await page.fill("[data-field=signer_name]", "Maria de Teste");
    const pad = await page.locator("canvas.pad").boundingBox();
    await page.locator("canvas.pad").scrollIntoViewIfNeeded();
    const box = await page.locator("canvas.pad").boundingBox();
    assert.ok(pad && box);
    await page.mouse.move(box.x + 20, box.y + 40);
    await page.mouse.down();
    for (let at = 1; at <= 12; at += 1) await page.mouse.move(box.x + 20 + at * 15, box.y + 40 + (at % 2) * 25);
    await page.mouse.up();
    await untilHeld("the signature", (all) => all.some(({ draft }) => draft?.signature && draft.fields.signer_name === "Maria de Teste"));
    await page.locator("#form-said", { hasText: "Guardado" }).waitFor();
    await lookOver(page);
    await reload();
    await page.locator("#view-form:not([hidden])").waitFor();
    assert.equal(await page.inputValue("[data-field=street]"), "Rua do Primeiro Teste");
    assert.equal(await page.inputValue("[data-field=signer_name]"), "Maria de Teste");
    await page.locator("#photographs .shot img").waitFor();
    assert.equal(await page.locator("[data-question][value=failing]").isChecked(), true);
    await page.click("#finish");
    await stands("Rua do Primeiro Teste", "waiting");
    await reload();
    await stands("Rua do Primeiro Teste", "waiting");
    assert.equal(await page.locator("#net").getAttribute("data-standing"), "offline");
  });

  await step("going back after it was finished takes nothing out of the queue", async () => {
    await begin("Rua da Volta");
    await page.click("#finish");
    await stands("Rua da Volta", "waiting");
    await page.goBack();
    await page.locator("#view-today:not([hidden])").waitFor();
    await settled();
    assert.equal(await page.locator("#view-today").isVisible(), true, page.url());
    await stands("Rua da Volta", "waiting");
    assert.deepEqual((await heldOn()).filter((one) => one.label.startsWith("Rua")).map(({ state }) => state), ["waiting", "waiting"]);
    // Opened by hand it is a draft, and stays one when somebody comes back to its page.
    await queued("Rua da Volta").getByRole("button", { name: "Abrir" }).click();
    await page.locator("#view-form:not([hidden])").waitFor();
    await page.click("#finish");
    await stands("Rua da Volta", "waiting");
  });

  await step("pictures that are being made small arrive in their own inspection, however quickly it is left", async () => {
    const files = await Promise.all([1, 2, 3].map(async (n) => ({ name: `IMG_${n}.jpg`, mimeType: "image/jpeg", buffer: Buffer.from(await picture(), "base64") })));
    await begin("Rua das Fotos");
    await page.setInputFiles("#album", files);
    await page.click("#finish");
    await stands("Rua das Fotos", "waiting");
    await begin("Rua sem Fotos");
    await page.setInputFiles("#album", files);
    await page.click(".campo-bar a[data-view=view-today]");
    await page.click(".campo-bar a.primary");
    await page.fill("[data-field=street]", "Rua Vazia");
    await page.locator("#form-said", { hasText: "Guardado" }).waitFor().catch(() => undefined);
    await page.click(".campo-bar a[data-view=view-today]");
    await stands("Rua Vazia", "draft");
    const counts = Object.fromEntries((await heldOn()).filter((one) => one.draft).map(({ label, draft }) => [label, draft.photographs]));
    assert.deepEqual([counts["Rua das Fotos, 20"].length, counts["Rua sem Fotos, 20"].length, counts["Rua Vazia"].length], [3, 3, 0]);
    assert.ok(counts["Rua das Fotos, 20"].every(({ place, bearing_deg }) => place === null && bearing_deg === null), "the gallery knows no place");
    for (const street of ["Rua sem Fotos", "Rua Vazia"]) {
      page.once("dialog", (dialog) => dialog.accept());
      await queued(street).getByRole("button", { name: "Apagar" }).click();
      await queued(street).waitFor({ state: "detached" });
    }
  });

  await step("a draft without a street stays, and one into which nobody wrote does not", async () => {
    const before = (await heldOn()).length;
    await page.click(".campo-bar a.primary");
    await page.locator("#view-form:not([hidden])").waitFor();
    // Where it is the telephone says by itself, and that is kept.
    await page.locator("#place-said", { hasText: "±" }).waitFor();
    await page.locator("#form-said", { hasText: "Guardado" }).waitFor();
    await page.click(".campo-bar a[data-view=view-today]");
    await page.locator("#view-today:not([hidden])").waitFor();
    await settled();
    assert.equal((await heldOn()).length, before);
    await page.click(".campo-bar a.primary");
    await page.locator("#view-form:not([hidden])").waitFor();
    await page.fill("[data-field=homeless]", "4");
    await page.click(".campo-bar a[data-view=view-today]");
    await stands("Sem endereço", "draft");
    await queued("Sem endereço").getByRole("button", { name: "Abrir" }).click();
    await page.locator("#view-form:not([hidden])").waitFor();
    assert.equal(await page.inputValue("[data-field=homeless]"), "4");
    await page.click(".campo-bar a[data-view=view-today]");
    await stands("Sem endereço", "draft");
    page.once("dialog", (dialog) => dialog.accept());
    await queued("Sem endereço").getByRole("button", { name: "Apagar" }).click();
    await queued("Sem endereço").waitFor({ state: "detached" });
  });

  await step("a form that a full device cannot keep stays open and says so", async () => {
    await begin("Rua da Memória Cheia");
    await page.locator("#form-said", { hasText: "Guardado" }).waitFor();
    await page.evaluate(() => {
      window.put = IDBObjectStore.prototype.put;
      IDBObjectStore.prototype.put = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
    });
    await page.fill("[data-field=complement]", "Fundos");
    await page.click(".campo-bar a[data-view=view-today]");
    await page.locator("#form-said", { hasText: "Não foi possível guardar" }).waitFor();
    assert.equal(await page.locator("#view-form").isVisible(), true);
    await page.evaluate(() => (IDBObjectStore.prototype.put = window.put));
    await page.fill("[data-field=complement]", "Fundos, casa 2");
    await page.click(".campo-bar a[data-view=view-today]");
    await stands("Rua da Memória Cheia", "draft");
    const [kept] = (await heldOn()).filter((one) => one.label.startsWith("Rua da Memória"));
    assert.equal(kept.draft.fields.complement, "Fundos, casa 2");
    page.once("dialog", (dialog) => dialog.accept());
    await queued("Rua da Memória Cheia").getByRole("button", { name: "Apagar" }).click();
    await queued("Rua da Memória Cheia").waitFor({ state: "detached" });
  });

  await step("it arrives exactly once, whole, though the answers were lost on the way", async () => {
    const inspections = await loseFirstAnswer(/\/api\/v1\/inspections$/);
    const photographs = await loseFirstAnswer(/\/photographs$/);
    await context.setOffline(false);
    // Whoever comes back to the page sends again at once; otherwise it does so by itself.
    for (let tries = 0; tries < 6 && !(photographs() && (await page.locator(".queue-item[data-state=sent]").count())); tries += 1) {
      await page.evaluate(() => window.dispatchEvent(new Event("online")));
      await page.locator(".queue-item[data-state=sent]", { hasText: "Rua do Primeiro Teste" }).waitFor({ timeout: 25_000 }).catch(() => undefined);
    }
    await stands("Rua do Primeiro Teste", "sent");
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await queued("Rua do Primeiro Teste").filter({ hasText: "1/1" }).waitFor();
    assert.deepEqual([inspections(), photographs()], [1, 1], "both answers were lost once");
    await context.unroute(/\/api\/v1\/inspections$/);
    await context.unroute(/\/photographs$/);
    const all = await found("Rua do Primeiro Teste");
    assert.equal(all.length, 1, JSON.stringify(all));
    const one = await page.evaluate(async (id) => (await fetch(`/api/v1/inspections/${id}`)).json(), all[0].id);
    assert.deepEqual(one.photographs.map(({ arrived, caption, bearing_deg }) => ({ arrived, caption, bearing_deg })), [{ arrived: true, caption: "Muro caído", bearing_deg: 270 }]);
    assert.equal(one.interdictions.length, 1);
    assert.deepEqual([one.risk, one.estimated_loss_centavos, one.lat], ["R4", 150_000, -21.7545]);
  });

  await step("when the session has ended what waits stays, and leaves after the sign-in", async () => {
    await context.setOffline(true);
    await begin("Rua do Segundo Teste");
    await page.click("#finish");
    await stands("Rua do Segundo Teste", "waiting");
    await context.clearCookies();
    await context.setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await page.locator("#sign-in:not([hidden])").waitFor();
    await stands("Rua do Segundo Teste", "waiting");
    await lookOver(page);
    await signIn(username);
    await stands("Rua do Segundo Teste", "sent");
    assert.equal((await found("Rua do Segundo Teste")).length, 1);
  });

  await step("another account on the same telephone neither sees nor sends what is not its own", async () => {
    await context.setOffline(true);
    await begin("Rua do Terceiro Teste");
    await page.click("#finish");
    await stands("Rua do Terceiro Teste", "waiting");
    await page.click("#sign-out");
    await page.locator("#leaving[open] #leaving-said", { hasText: "1" }).waitFor();
    await lookOver(page);
    await page.click("#leaving-keep");
    await page.locator("#sign-in:not([hidden])").waitFor();
    assert.equal(await page.locator(".queue-item:visible").count(), 0);
    await context.setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await signIn(agent);
    await page.locator("#who", { hasText: "Agente" }).waitFor();
    assert.equal(await queued("Teste").count(), 0, "nothing of the other account");
    assert.equal((await found("Rua do Terceiro Teste")).length, 0, "nor was it sent in their name");
    await page.click("#sign-out");
    await page.click("#leaving-keep");
    await page.locator("#sign-in:not([hidden])").waitFor();
    await signIn(username);
    await stands("Rua do Terceiro Teste", "sent");
    const [one] = await found("Rua do Terceiro Teste");
    assert.equal(one.inspector, username);
  });

  await step("a draft that was taken once and changed afterwards is kept beside the other and sent as its correction", async () => {
    await begin("Rua do Quarto Teste");
    // What the app tries again by itself before it is opened must not arrive.
    const lost = await loseFirstAnswer(/\/api\/v1\/inspections$/, true);
    const failed = page.waitForEvent("requestfailed", (request) => /\/api\/v1\/inspections$/.test(request.url()));
    await page.click("#finish");
    await failed;
    await stands("Rua do Quarto Teste", "waiting");
    await context.setOffline(true);
    assert.equal(lost(), 1);
    await context.unroute(/\/api\/v1\/inspections$/);
    await queued("Rua do Quarto Teste").getByRole("button", { name: "Abrir" }).click();
    await page.locator("#view-form:not([hidden])").waitFor();
    await page.selectOption("[data-field=damage]", "destroyed");
    await page.click("#finish");
    await stands("Rua do Quarto Teste", "waiting");
    await context.setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await stands("Rua do Quarto Teste", "refused");
    assert.match(await queued("Rua do Quarto Teste").innerText(), /Dano.*: diferente/);
    await queued("Rua do Quarto Teste").getByRole("button", { name: "Enviar como correção" }).click();
    await page.locator("#correction:not([hidden])").waitFor();
    await page.fill("[data-field=correction_reason]", "Visto de novo por dentro");
    await page.click("#finish");
    await stands("Rua do Quarto Teste", "sent");
    const all = await found("Rua do Quarto Teste");
    assert.deepEqual(all.map(({ damage, superseded }) => [damage, superseded]), [["destroyed", false], ["damaged", true]]);
  });

  await step("what does not go through holds back nothing else, and is sent once it does", async () => {
    await context.setOffline(true);
    for (const street of ["Rua Teimosa", "Rua Seguinte"]) {
      await begin(street);
      await page.click("#finish");
      await stands(street, "waiting");
    }
    await context.route(/\/api\/v1\/inspections$/, async (route) => {
      if (route.request().method() === "POST" && route.request().postData()?.includes("Rua Teimosa")) return route.fulfill({ status: 500, body: "{}" });
      return route.continue();
    });
    await context.setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await stands("Rua Seguinte", "sent");
    await stands("Rua Teimosa", "waiting");
    await context.unroute(/\/api\/v1\/inspections$/);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await stands("Rua Teimosa", "sent");
    const sent = (await heldOn()).filter((one) => one.state === "sent");
    assert.ok(sent.length > 2 && sent.every(({ draft, body }) => draft === undefined && !JSON.stringify(body ?? {}).includes("signer")), "what was sent leaves no names behind");
  });

  await step("without a network somebody arrives, inspects and resolves, one after the other", async () => {
    const id = "0c000000-0000-4000-8000-00000000000c";
    const theirs = { id, number: "2026/777", kind: "landslide", state: "dispatched", priority: 1, lat: -21.75, lon: -43.35, neighbourhood: "Linhares", words: "Barranco caiu", place: "Rua do Relato 31, casa da Maria" };
    // Taking a route away hands on whatever is on its way through it, so this one stays and is told when it is over.
    let over = false;
    await context.route(/\/field\/today$/, async (route) => {
      if (over) return route.continue();
      const response = await route.fetch();
      if (!response.ok()) return route.fulfill({ response });
      return route.fulfill({ response, json: { ...(await response.json()), occurrences: [theirs] } });
    });
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    const shown = page.locator(".work-card", { hasText: "2026/777" });
    await shown.waitFor();
    await context.setOffline(true);
    await shown.getByRole("button", { name: "Cheguei" }).click();
    await shown.locator(".tag.wait", { hasText: "Cheguei" }).waitFor();
    assert.equal(await shown.getByRole("button", { name: "Cheguei" }).count(), 0);
    assert.equal(await shown.getByRole("button", { name: "Resolvido" }).count(), 1);
    await shown.getByRole("button", { name: "Vistoriar" }).click();
    await page.locator("#view-form:not([hidden])").waitFor();
    // What was reported is read, and is no street.
    await page.locator("#street-hint", { hasText: "casa da Maria" }).waitFor();
    assert.equal(await page.inputValue("[data-field=street]"), "");
    await page.fill("[data-field=street]", "Rua do Relato");
    await page.selectOption("[data-field=damage]", "damaged");
    await page.click("#finish");
    await stands("Rua do Relato", "waiting");
    const all = await heldOn();
    assert.equal(all.find((one) => one.label === "Rua do Relato").body.occurrence, id);
    assert.ok(all.find((one) => one.body?.act === "arrive").body.at, "with its time");
    // None of it is real.
    await page.evaluate(() => new Promise((done) => {
      const request = indexedDB.open("sentinela-campo");
      request.onsuccess = () => {
        const items = request.result.transaction("items", "readwrite").objectStore("items");
        const all = items.getAll();
        all.onsuccess = () => {
          for (const one of all.result) if (one.state === "waiting") items.delete(one.key);
        };
        items.transaction.oncomplete = () => (request.result.close(), done());
      };
    }));
    over = true;
    await context.setOffline(false);
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await shown.waitFor({ state: "detached" });
  });

  await step("the console and the public notice show it, and axe finds nothing there", async () => {
    await page.goto(`${base}/console/inspections`);
    await page.locator("table tbody tr").first().waitFor();
    await lookOver(page);
    await page.getByRole("row", { name: /Primeiro Teste/ }).locator("a").first().click();
    await page.locator(".photos img").waitFor();
    await lookOver(page);
    await Promise.all([page.waitForURL(/\/console\/interdictions\//), page.locator("a[href^='/console/interdictions/']").first().click()]);
    await lookOver(page);
    const pdf = await page.evaluate(async (path) => {
      const response = await fetch(`${path}/term.pdf`);
      return [response.status, (await response.text()).slice(0, 5)];
    }, new URL(page.url()).pathname);
    assert.deepEqual(pdf, [200, "%PDF-"]);
    await page.goto(`${base}/interdicoes`);
    assert.match(await page.locator("main").innerText(), /Rua do Primeiro Teste/);
    assert.doesNotMatch(await page.locator("main").innerText(), /Maria|, 20/);
    await lookOver(page);
  });

  assert.deepEqual(wrong, []);
} catch (error) {
  await mkdir(shots, { recursive: true });
  await page.screenshot({ path: `${shots}field.png`, fullPage: true }).catch(() => undefined);
  const told = `e2e: the field failed at "${current}":\n${error.stack}\n${wrong.join("\n")}\n`;
  if (process.env.FAILURE) await writeFile(process.env.FAILURE, told);
  console.error(told);
  process.exitCode = 1;
} finally {
  await browser.close();
}
