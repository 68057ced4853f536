// A whole disaster, from the first rain to the dossier, as those who work through it live it: the storm raises areas, an alert leaves, the plan is
// at work, calls come in, a team goes out, an inspection is written without a network and arrives with it, a shelter fills, and the figures of all
// of it end in the FIDE and in one PDF that is frozen. With SHOTS=folder it leaves a picture of each step.
import assert from "node:assert/strict";
import { devices } from "playwright-core";
import { fillDossier } from "./dossier.mjs";
import { play } from "./stage.mjs";

await play("the disaster", { pictures: process.env.SHOTS }, async ({ base, open, step, signIn, checkPage, picture, send }) => {
  const page = await open();
  let incident = "";

  await step("the storm raises areas, and a draft waits", async () => {
    await signIn(page);
    await page.locator(".map-place.ready").waitFor();
    await page.locator("#needs .task a.btn.primary").first().waitFor();
    await checkPage(page);
    await picture(page, "1-storm");
  });

  await step("the alert is read, approved and on its way", async () => {
    await page.locator("#needs .task a.btn.primary").first().click();
    await page.locator("form#review").waitFor();
    await picture(page, "2-review");
    // An area that rises meanwhile joins the draft, and the page asks again.
    for (let tries = 0; tries < 20 && !(await page.locator("#delivery").count()); tries += 1) {
      await page.click("#issue");
      await page.locator("dialog#confirm[open]").waitFor();
      await send(page, page.locator("#issue-now"));
      await page.locator("#delivery, .flash.bad").first().waitFor();
    }
    await page.locator("#delivery").waitFor();
    await picture(page, "3-issued");
  });

  await step("the incident is open and its plan at work: a task is taken and done", async () => {
    await page.goto(`${base}/console/incidents`);
    await page.locator("#incident-list a").first().click();
    await page.locator("#timeline li").first().waitFor();
    incident = new URL(page.url()).pathname;
    assert.match(await page.locator("#plan-card").innerText(), /de \d+ encerradas/);
    await page.goto(`${base}${incident}/tasks`);
    await page.locator("#tasks button[value=take]").first().click();
    const mine = page.locator("#tasks li", { has: page.locator("button[value=undo]") }).first();
    await mine.locator("details[open] input[name=note]").fill("Todos na sala de situação");
    await mine.locator("button[value=done]").click();
    await page.getByText("Todos na sala de situação").first().waitFor();
    await checkPage(page);
    await picture(page, "4-plan");
  });

  await step("calls come in and become occurrences of the incident", async () => {
    for (const [words, place] of [["Muro caindo, há um idoso acamado", "Rua Halfeld, Centro"], ["Casa com rachaduras, a encosta desceu", "Rua das Acácias, Linhares"]]) {
      await page.goto(`${base}/console/occurrences/new`);
      await page.fill("textarea[name=text]", words);
      await page.selectOption("select[name=kind]", "collapse");
      await page.fill("input[name=place]", place);
      await page.locator("button[accesskey=s]").click();
      await page.waitForURL(/console\/reports\//);
      assert.match(await page.locator("#urgency").innerText(), /P[1-4]/);
    }
    await page.goto(`${base}/console/occurrences?view=board`);
    await checkPage(page);
    await picture(page, "5-calls");
  });

  await step("a team is asked for, sent, and arrives", async () => {
    await page.goto(`${base}/console/requests/new?incident=${incident.split("/").pop()}`);
    await page.selectOption("select[name=kind]", "inspection");
    await page.fill("input[name=wanted]", "1");
    await page.fill("textarea[name=task]", "Vistoriar as casas da encosta");
    await send(page, page.locator("main form button.primary"));
    await checkPage(page);
    await picture(page, "6-request");
    await send(page, page.locator("section[aria-labelledby=could-head] button[name=resource]").first());
    await page.locator("#given a").first().click();
    for (const act of ["accept", "en_route", "on_site"]) {
      const button = page.locator(`button[name=act][value=${act}]`);
      await button.waitFor();
      await send(page, button);
    }
    await checkPage(page);
    await picture(page, "7-on-site");
  });

  await step("an inspection is written without a network and arrives with it", async () => {
    const telephone = await open({ ...devices["Pixel 5"], geolocation: { latitude: -21.7545, longitude: -43.3505, accuracy: 9 }, permissions: ["geolocation"] });
    await inspect({ telephone, base, signIn, picture });
    await telephone.context().close();
    await page.goto(`${base}/console/inspections`);
    await page.getByRole("row", { name: /Rua das Acácias/ }).first().waitFor();
    await checkPage(page);
    await picture(page, "9-inspections");
  });

  await step("a shelter opens, a family comes, and the house is full", async () => {
    await shelter({ page, base, send });
    await checkPage(page);
    await picture(page, "10-shelter");
  });

  await fillDossier({ base, page, incident, step, checkPage, picture, send });
});

/** One house, damaged, with people who had to leave and a term that its owner signs. */
async function inspect({ telephone: page, base, signIn, picture }) {
  const context = page.context();
  await signIn(page, "/campo");
  await page.locator("html[data-ready]").waitFor();
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await page.locator("html[data-ready]").waitFor();
  // What is to be done was heard, and with it which incidents there are.
  await page.locator("#who", { hasText: /\S/ }).waitFor();
  await context.setOffline(true);
  await page.click(".campo-bar a.primary");
  // The incident is an exercise, so nobody is led into it unasked.
  await page.selectOption("[data-field=incident]", { index: 1 });
  await page.fill("[data-field=street]", "Rua das Acácias");
  await page.fill("[data-field=house_number]", "12");
  await page.fill("[data-field=neighbourhood]", "Linhares");
  await page.selectOption("[data-field=damage]", "destroyed");
  await page.fill("[data-field=loss]", "120.000,00");
  await page.fill("[data-field=displaced]", "4");
  await page.locator("[data-question][value=failing]").check();
  await page.selectOption("[data-field=risk]", "R4");
  await page.fill("[data-field=opinion]", "A encosta atingiu a parede dos fundos.");
  await page.setInputFiles("#camera", { name: "IMG_1.jpg", mimeType: "image/jpeg", buffer: await photograph(page) });
  await page.locator("#photographs .shot input").fill("Parede dos fundos atingida");
  await page.click("#finish");
  await page.locator(".queue-item[data-state=waiting]").waitFor();
  await picture(page, "8-offline");
  await context.setOffline(false);
  await page.evaluate(() => window.dispatchEvent(new Event("online")));
  // The pictures follow the words, each by itself.
  await page.locator(".queue-item[data-state=sent]", { hasText: "1/1" }).waitFor();
}

/** What a camera would give: a picture of the right shape. */
async function photograph(page) {
  const text = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 1200, height: 900 });
    const pen = canvas.getContext("2d");
    for (const [colour, ...box] of [["#9db4c0", 0, 0, 1200, 420], ["#7a5a3a", 0, 420, 1200, 480], ["#c9b79c", 380, 260, 460, 380], ["#5b3b22", 300, 480, 700, 260]]) {
      pen.fillStyle = colour;
      pen.fillRect(...box);
    }
    return canvas.toDataURL("image/jpeg").split(",")[1];
  });
  return Buffer.from(text, "base64");
}

/** Opens the smallest house of the demonstration, with a reason for what is missing, and fills it. */
async function shelter({ page, base, send }) {
  const act = async (word, reason = "") => {
    const part = page.locator("details", { has: page.locator(`input[name=act][value=${word}]`) });
    await part.locator("summary").click();
    if (reason) await part.locator("input[name=reason]").fill(reason);
    await send(page, part.locator("button"));
  };
  await page.goto(`${base}/console/shelters`);
  await page.locator("#shelters a", { hasText: "Salão Fictício de Linhares" }).first().click();
  await page.locator("h1", { hasText: "Salão" }).waitFor();
  const path = new URL(page.url()).pathname;
  await act("begin");
  await act("open", "Famílias na porta");
  await page.goto(`${base}${path}/people`);
  const part = page.locator("details", { has: page.locator("form[action$='/family']") });
  await part.locator("summary").first().click();
  await part.locator("input[name=consent]").check();
  for (let n = 1; n <= 4; n += 1) {
    await part.locator(`input[name=name${n}]`).fill(`Pessoa Inventada ${n}`);
    await part.locator(`select[name=age${n}]`).selectOption("adult");
  }
  await send(page, part.locator("form > p button"));
  await page.goto(`${base}${path}`);
  assert.equal((await page.locator("#inside .big").innerText()).trim(), "4");
}
