// What every walk needs: a browser that does not phone home, pages that are watched, steps with a name, pictures, and a failure that tells
// where it stood.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import { lookOver } from "./axe.mjs";

export const base = process.env.BASE ?? "http://127.0.0.1:8080";

/** Plays `walk` and says of it that it holds, or where it did not. `pictures` is a folder for screenshots, or nothing. */
export async function play(name, { pictures, patience = 120_000 } = {}, walk) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
  });
  const wrong = [];
  const pages = [];
  let current = "";

  /** A page in a context of its own. */
  async function open(wish = {}) {
    const context = await browser.newContext({ locale: "pt-BR", viewport: { width: 1440, height: 1000 }, ...wish });
    const page = await context.newPage();
    page.setDefaultTimeout(patience);
    page.on("pageerror", (error) => wrong.push(`${page.url()}: ${error.message}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(base) && !/^(data|blob|about):/.test(request.url())) wrong.push(`leaves the machine: ${request.url()}`);
    });
    pages.push(page);
    return page;
  }

  async function step(told, act) {
    const began = Date.now();
    current = told;
    await act();
    console.log(`  ok ${told} (${Date.now() - began} ms)`);
  }

  async function signIn(page, next = "/console") {
    await page.goto(`${base}/console/login?next=${next}`);
    await page.fill("[name=username]", process.env.USERNAME);
    await page.fill("[name=password]", process.env.PASSWORD);
    await Promise.all([page.waitForURL((url) => !url.pathname.includes("login")), page.click("main button.primary")]);
  }

  /** What every page owes a screen reader. */
  async function checkPage(page) {
    assert.equal(await page.locator("h1").count(), 1, `${page.url()}: exactly one h1`);
    assert.equal(await page.locator("main").count(), 1, `${page.url()}: one main`);
    await lookOver(page);
  }

  async function picture(page, of) {
    if (!pictures) return;
    await mkdir(pictures, { recursive: true });
    await page.screenshot({ path: `${pictures}/${of}.png` });
  }

  /** Clicks what sends a form and waits for the answer. */
  const send = (page, button) => Promise.all([page.waitForNavigation(), button.click()]);

  try {
    await walk({ base, browser, open, step, signIn, checkPage, picture, send });
    await step("nothing failed in the browser and nothing left the machine", async () => assert.deepEqual(wrong, []));
    console.log(`e2e: ${name} holds`);
  } catch (error) {
    const page = pages.find((one) => !one.isClosed());
    const shown = await page?.locator("main").innerText({ timeout: 2000 }).catch(() => "");
    const told = `e2e: ${name}, step "${current}" at ${pages.map((one) => one.url()).join(", ")}: ${error.stack}\nthe first page says: ${shown?.slice(0, 1500)}\n${wrong.join("\n")}\n`;
    if (pictures) for (const [at, one] of pages.entries()) await one.screenshot({ path: `${pictures}/failed-${at}.png` }).catch(() => undefined);
    if (process.env.FAILURE) await writeFile(process.env.FAILURE, told);
    else console.error(told);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
