// A shelter of the demonstration is opened, filled and looked at from outside: a family comes to the door and is moved by its code, the
// smallest house fills up and takes in one more only with a reason, and the public's totals follow.
import assert from "node:assert/strict";

export async function walkShelters({ base, page, phone, step, checkPage }) {
  const send = (button) => Promise.all([page.waitForNavigation(), button.click()]);
  const house = async (name) => {
    await page.goto(`${base}/console/shelters`);
    await page.locator("#shelters a", { hasText: name }).first().click();
    await page.locator("h1", { hasText: name }).waitFor();
    return new URL(page.url()).pathname;
  };
  const act = async (word, reason = "") => {
    const part = page.locator("details", { has: page.locator(`input[name=act][value=${word}]`) });
    await part.locator("summary").click();
    if (reason) await part.locator("input[name=reason]").fill(reason);
    await send(part.locator("button"));
  };
  /** Fills in a family of so many grown-ups at the door of a shelter and sends it. */
  const family = async (path, name, size, reason = "") => {
    await page.goto(`${base}${path}/people`);
    const part = page.locator("details", { has: page.locator("form[action$='/family']") });
    await part.locator("summary").first().click();
    await part.locator("input[name=consent]").check();
    for (let n = 1; n <= size; n++) {
      await part.locator(`input[name=name${n}]`).fill(`${name} ${n}`);
      await part.locator(`select[name=age${n}]`).selectOption("adult");
    }
    if (reason) await part.locator("input[name=reason]").fill(reason);
    await send(part.locator("form > p button"));
  };
  const inside = async (path) => {
    await page.goto(`${base}${path}`);
    return (await page.locator("#inside .big").innerText()).trim();
  };
  /** What the public reads of people in shelters. */
  const told = async () => {
    await phone.goto(`${base}/abrigos`);
    return (await phone.locator("main").innerText()).replace(/\s+/g, " ");
  };
  let hall = "";
  let school = "";

  await step("a shelter is opened for the incident when its list is good, and the public sees it", async () => {
    await page.goto(`${base}/console/shelters`);
    await checkPage(page);
    assert.match(await page.locator("#shelters").innerText(), /Fictíci/, "the shelters of the demonstration say that they are invented");
    assert.doesNotMatch(await told(), /Salão Fictício de Linhares/);
    hall = await house("Salão Fictício de Linhares");
    await checkPage(page);
    await act("begin");
    for (const item of ["water", "light", "bathrooms", "kitchen", "team"]) {
      await send(page.locator("form", { has: page.locator(`input[name=item][value=${item}]`) }).locator("button[value=good]"));
    }
    await act("open");
    await page.locator(".flash.bad").waitFor();
    await checkPage(page);
    await send(page.locator("form", { has: page.locator("input[name=item][value=safety]") }).locator("button[value=good]"));
    await act("open");
    await page.locator("details", { has: page.locator("input[name=act][value=wind_down]") }).waitFor();
    assert.match(await told(), /Salão Fictício de Linhares/);
    await checkPage(phone);
  });

  await step("a family comes to the door and is moved to another house by its code", async () => {
    school = await house("Escola Fictícia do Centro");
    await act("begin");
    await act("open", "Famílias na porta");
    await family(hall, "Pessoa Inventada", 3);
    assert.match(page.url(), /console\/households\//, "the codes are written from there");
    await page.goto(`${base}${hall}/people`);
    await checkPage(page);
    const code = (await page.locator("a[href^='/console/households/']").first().innerText()).trim();
    assert.match(code, /^F/);
    assert.match(await told(), /menos de 5 desabrigados/, "a few are not told by number");
    await page.goto(`${base}${school}/people`);
    await page.fill("input[name=who]", code.toLowerCase());
    await send(page.locator("form[action$='/find'] button"));
    const found = page.locator("form[action$='/arrive']");
    await found.waitFor();
    assert.match(await found.innerText(), /Salão Fictício de Linhares/, "the door tells where they are");
    await checkPage(page);
    for (const box of await found.locator("input[name=person]").all()) await box.check();
    await send(found.locator("button"));
    assert.deepEqual([await inside(hall), await inside(school)], ["0", "3"]);
    await family(school, "Outra Pessoa", 3);
    assert.equal(await inside(school), "6");
    assert.match(await told(), /(^|\D)6 desabrigados/);
  });

  await step("a full house takes in one more only with a reason, and the totals follow", async () => {
    await family(hall, "Família Cheia", 4);
    assert.equal(await inside(hall), "4");
    await checkPage(page);
    await family(hall, "Mais Um", 1);
    await page.locator(".flash.bad").waitFor();
    assert.equal(await page.locator("input[name=name1]").inputValue(), "Mais Um 1", "what was typed stays");
    await checkPage(page);
    assert.match(await told(), /(^|\D)10 desabrigados/);
    await family(hall, "Mais Um", 1, "Noite, e não há outro por perto");
    assert.equal(await inside(hall), "5");
    assert.match(await page.locator("#inside").innerText(), /acima da capacidade/);
    assert.match(await told(), /(^|\D)11 desabrigados/);
    await page.goto(`${base}/console/shelters/report`);
    await checkPage(page);
    await phone.goto(`${base}/plano`);
    await phone.locator(".pin.open").first().waitFor({ state: "attached" });
    await checkPage(phone);
  });
}
