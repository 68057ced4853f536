// What axe-core finds on a page: the rules of WCAG 2.2 A and AA that a program can judge, contrast among them, and its good practice.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** The page, but for rules that it breaks with a reason, in the theme that stands, as a screen reader and somebody with poor sight meet it. */
export async function lookOver(page, except = []) {
  const { runs, dark, locale } = await page.evaluate(() => ({
    runs: matchMedia("(scripting: enabled)").matches,
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    locale: navigator.language,
  }));
  if (!runs) return withScripts(page, except, { colorScheme: dark ? "dark" : "light", locale });
  await page.evaluate(source);
  const rules = Object.fromEntries(except.map((rule) => [rule, { enabled: false }]));
  const { violations } = await page.evaluate((wish) => window.axe.run(document, wish), { runOnly, rules });
  const told = violations.flatMap(({ id, impact, help, nodes }) =>
    nodes.map((node) => `${impact} ${id} (${help}): ${node.html.slice(0, 200)} ${node.failureSummary?.split("\n").slice(1, 2).join("").trim()}`));
  assert.deepEqual(told, [], `${page.url()}: what axe finds`);
}

/** axe waits by timers, and a page without scripting has none. So it looks at the same page where scripting works and the page's own
 *  scripts do not come. */
async function withScripts(page, except, wish) {
  const from = page.context();
  const context = await from.browser().newContext({ ...wish, viewport: page.viewportSize(), storageState: await from.storageState() });
  const twin = await context.newPage();
  await twin.route(/\.js(\?|$)/, (route) => route.abort());
  await twin.goto(page.url());
  await lookOver(twin, except);
  await context.close();
}
