// The contingency plan at work in the incident that an alert opened: a task is taken and done, a situation report drafted and
// approved, and what was done held against what was planned.
import assert from "node:assert/strict";

export async function walkPlan({ base, page, colleague, phone, step, checkPage }) {
  let incident = "";
  const send = (who, button) => Promise.all([who.waitForNavigation(), button.click()]);

  await step("the alert activated the plan, and a task of it is taken and done", async () => {
    incident = new URL(page.url()).pathname;
    assert.match(await page.locator("#plan-card").innerText(), /de \d+ encerradas/);
    await page.goto(`${base}${incident}/tasks`);
    await checkPage(page);
    assert.match(await page.locator("main").innerText(), /nada aqui é real/, "the demonstration is an exercise, and its tasks say so");
    await page.locator("#tasks button[value=take]").first().click();
    const mine = page.locator("#tasks li", { has: page.locator("button[value=undo]") }).first();
    await mine.waitFor();
    // Whoever has a task finds its form open.
    await mine.locator("details[open] input[name=note]").fill("Todos na sala");
    await mine.locator("button[value=done]").click();
    await page.getByText("Todos na sala").first().waitFor();
    assert.ok(Number(await page.locator("#progress progress").getAttribute("value")) > 0, "the plan moves on");
    await checkPage(page);
  });

  await step("a situation report is drafted and edited by one and approved by another", async () => {
    await page.goto(`${base}${incident}/situation`);
    await checkPage(page);
    await page.locator("main form button").first().click();
    await page.waitForURL(/console\/situation\//);
    assert.match(await page.inputValue("textarea[name=actions]"), /Reunir o plantão/);
    await page.fill("textarea[name=needs]", "Lonas e colchões");
    await send(page, page.locator("button[value=save]"));
    await page.locator("summary", { hasText: "Aprovar" }).click();
    assert.equal(await page.locator("button[value=approve]").count(), 0, "whoever wrote it does not approve it");
    await checkPage(page);
    await colleague.goto(page.url());
    await colleague.locator("summary", { hasText: "Aprovar" }).click();
    await send(colleague, colleague.locator("button[value=approve]"));
    await colleague.getByText("Lonas e colchões").first().waitFor();
    assert.equal(await colleague.locator("textarea").count(), 0, "an approved report stands as it is");
    await checkPage(colleague);
  });

  await step("what was done is held against the plan, and a lesson is kept", async () => {
    await page.goto(`${base}${incident}/after`);
    await page.fill("input[name=text]", "Chave do abrigo com duas pessoas");
    await page.fill("input[name=owner]", "Maria Lima");
    await page.fill("input[name=due_on]", "2098-12-01");
    await page.locator("button", { hasText: "Acrescentar" }).click();
    await page.locator(".flash.bad").waitFor();
    await page.fill("input[name=due_on]", new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10));
    await page.locator("button", { hasText: "Acrescentar" }).click();
    await page.getByText("Chave do abrigo com duas pessoas").first().waitFor();
    await checkPage(page);
  });

  await step("the plan, its text, the day at a glance and the way out are there to read", async () => {
    for (const path of ["/console/plans", "/console/plans/chuvas", "/console/plans/chuvas/edit", "/console/hoje"]) {
      const answer = await page.goto(base + path);
      assert.equal(answer.status(), 200, path);
      await checkPage(page);
    }
    for (const path of ["/plano", "/situacao"]) {
      await phone.goto(base + path);
      await checkPage(phone);
    }
  });
}
