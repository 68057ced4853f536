// A rule's way into force, as two persons walk it in their browsers: brought in, turned in the editor with the preview beside it,
// checked, compared, approved by one and put into force by the other.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";

const TEXT = `id = "chuva-encosta"
version = 40
title = "Chuva em encosta"
hazard = "1.1.3.2.1"
quiet_hours = { from = "22:00", to = "06:00", up_to = "attention" }

[stations.pluviometros]
quantity = "rain"
within_km = 3.0

[[levels]]
level = "attention"
clear_after_min = 120
any = [
  { stations = "pluviometros", sum = "1h", at_least = "25 mm", clear_below = "10 mm" },
  { name = "antecedente", all = [
    { name = "chao", stations = "pluviometros", sum = "72h", at_least = "60 mm", clear_below = "50 mm" },
    { name = "agora", stations = "pluviometros", sum = "1h", at_least = "15 mm", clear_below = "5 mm" },
  ] },
]

[[levels]]
level = "alert"
clear_after_min = 180
k = 1
of = [
  { name = "curva", stations = "pluviometros", intensity_duration = { a = 40.0, b = 0.6, durations = ["1h", "3h", "24h"] }, at_least = "1", clear_below = "0.8" },
]

[[overrides]]
grades = ["R4"]
factor = 0.8

[[overrides]]
season = { from = "12-01", to = "03-31" }
thresholds = { "attention.1" = "20 mm" }
`;

/** `first` and `second` are signed in. */
export async function walkRules({ base, first, second, step, checkPage, shots }) {
  const rule = `${base}/console/rules/chuva-encosta`;
  await mkdir(shots, { recursive: true });

  await step("a rule with a curve, groups, a season and overrides is brought in and read back in words", async () => {
    await first.goto(`${base}/console/rules`);
    await first.click("details.more summary");
    await first.fill("details.more [name=text]", TEXT);
    await first.click("details.more button.primary");
    await first.waitForURL(/version=40/);
    await checkPage(first);
    await first.screenshot({ path: `${shots}rule-draft.png`, fullPage: true });
    const told = await first.locator("main").innerText();
    for (const words of [/R4/, /0,8|80/, /01\/12/, /22:00/, /todas juntas/, /I = 40/]) assert.match(told, words);
  });

  await step("the editor shows its dials, and what a turn would change before anything is saved", async () => {
    await first.goto(`${rule}/40/edit`);
    await checkPage(first);
    const before = await first.locator("#rule-look").innerText();
    const dial = first.locator("fieldset.dials input").first();
    await dial.fill("zero");
    await first.waitForFunction((text) => document.getElementById("rule-look")?.innerText !== text, before);
    await dial.fill("30");
    await first.screenshot({ path: `${shots}rule-edit.png`, fullPage: true });
    await first.fill("form.card [name=note]", "limiar subido depois da reunião");
    await Promise.all([first.waitForNavigation(), first.click("form.card button.primary")]);
    assert.equal(await first.locator(".flash.bad").count(), 0);
  });

  await step("it is checked and compared with the one in force, with progress on the open page", async () => {
    await first.goto(`${rule}?version=40`);
    await Promise.all([first.waitForNavigation(), first.click("button[value=check]")]);
    await first.fill("[name=days]", "1");
    await Promise.all([first.waitForNavigation(), first.click("button[value=preview]")]);
    await first.locator("form input[name=act][value=approve]").waitFor({ state: "attached" });
    await first.screenshot({ path: `${shots}rule-compared.png`, fullPage: true });
  });

  const approve = async (page) => {
    await page.goto(`${rule}?version=40`);
    const form = page.locator("form:has(input[name=act][value=approve])");
    await form.locator("[name=reason]").fill("conferido com o plano de contingência");
    await form.locator("[name=sure]").check();
    await Promise.all([page.waitForNavigation(), form.locator("button").click()]);
    await checkPage(page);
  };
  await step("one person approves, and cannot complete it alone", async () => {
    await approve(first);
    assert.equal(await first.locator("form input[name=act][value=approve]").count(), 0, "no second time for the same person");
    assert.equal(await first.locator("form button[value=take_back]").count(), 1);
  });
  await step("the other one puts it into force, and it is the rule that judges", async () => {
    await approve(second);
    await second.goto(`${base}/console/rules`);
    const row = second.locator("tr", { hasText: "chuva-encosta" });
    assert.match(await row.locator(".tag.good").innerText(), /40/);
    await second.screenshot({ path: `${shots}rule-in-force.png`, fullPage: true });
  });
}
