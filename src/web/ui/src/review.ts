// The review of a draft: SMS length, cost and previews follow the text while it is written.

import { here } from "./live";

type Measured = {
  summary: string;
  forcing: string;
  centavos: string;
  duration: string;
  parts: string[];
  letters: { letter: string; plain: string }[];
  plain_sms: string;
  asked: { question: string; class: string; sms: string; page: string }[];
  found: { class: string; field: string; text: string }[];
  nothing: string;
};

const WAIT_MS = 180;

export function startReview(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-review]");
  if (!form) return;
  const sms = form.querySelector<HTMLTextAreaElement>("[name=sms_text]");
  mirror(form);
  if (!sms) return;
  let timer: number | undefined;
  let latest = 0;
  form.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void measure(form, sms, ++latest, () => latest), WAIT_MS);
  });
  form.addEventListener("click", (event) => replaceLetters(event, sms));
  offerLetters(form);
  form.addEventListener("input", () => changed(form), { once: true });
}

/** The rule or a colleague may change the draft meanwhile. An untouched page takes the new one in at once; where somebody has
 * written or is about to confirm, it only says so. Nothing is loaded anew, so there is no moment in which a key or a click
 * falls on a page that is about to go. */
export function followReview(): void {
  document.addEventListener("sentinela:refreshed", (event) => {
    const fresh = (event as CustomEvent<Document>).detail;
    const revision = (page: Document): string | undefined => page.querySelector<HTMLInputElement>("form[data-review] [name=revision]")?.value;
    const [mine, theirs] = [revision(document), revision(fresh)];
    if (mine === undefined || mine === theirs) return;
    if (!isTouched()) {
      // Issued or discarded elsewhere: there is no draft any more.
      if (theirs === undefined) return location.replace(here());
      return takeIn(fresh);
    }
    for (const moved of document.querySelectorAll<HTMLElement>("[data-moved]")) moved.hidden = false;
  });
  // Whatever leads away, the browser asks first: a link, "back", a closed tab.
  window.addEventListener("beforeunload", (event) => {
    if (hasWords() && !takesWordsAlong()) event.preventDefault();
  });
}

type Field = HTMLInputElement | HTMLTextAreaElement;

/** Whether anything on the page was written, is being sent, or waits for a yes. */
function isTouched(): boolean {
  return isSent() || document.querySelector("dialog[open]") !== null || hasWords();
}

function isSent(): boolean {
  return [...document.querySelectorAll<HTMLFormElement>(".review form")].some((form) => form.dataset.sent === "yes");
}

/** Whether the page goes because its text is sent, or because the draft is given up; any other form leaves the words behind. */
function takesWordsAlong(): boolean {
  return document.querySelector("form[data-review][data-sent=yes], form[data-ends][data-sent=yes]") !== null;
}

/** Words that are nowhere but on this page: in its fields, or kept of a form that could not be saved. */
function hasWords(): boolean {
  const fields = [...document.querySelectorAll<Field>(".review input, .review textarea, form[data-review] input, form[data-review] textarea")];
  return document.querySelector("[data-kept]") !== null || fields.some((field) => field.value !== field.defaultValue);
}

/** Exchanges the text, the bar and the question, and leaves the map, what is unfolded, what was answered last, and where the cursor
 * stands. */
function takeIn(fresh: Document): void {
  const said = document.querySelectorAll(".review .ed > [data-said]");
  const unfolded = [...document.querySelectorAll<HTMLDetailsElement>(".review .ed > details")].map((part) => part.open);
  const scroll = document.querySelector(".review .ed")?.scrollTop ?? 0;
  const active = document.activeElement as Partial<Field> | null;
  const cursor = { name: active?.name, id: active?.id, from: active?.selectionStart, to: active?.selectionEnd };
  for (const part of [".review .ed", ".review .bar", "dialog#confirm"]) {
    const [old, next] = [document.querySelector(part), fresh.querySelector(part)];
    if (old && next) old.replaceWith(document.importNode(next, true));
  }
  document.querySelectorAll<HTMLDetailsElement>(".review .ed > details").forEach((part, index) => (part.open = unfolded[index] ?? false));
  document.querySelector(".review .ed > [data-moved]")?.before(...said);
  document.querySelector(".review .ed")?.scrollTo({ top: scroll });
  moveChosen(fresh);
  const selector = cursor.id ? `#${CSS.escape(cursor.id)}` : cursor.name ? `.review [name="${CSS.escape(cursor.name)}"]` : undefined;
  const field = selector ? document.querySelector<Field>(selector) : null;
  field?.focus({ preventScroll: true });
  if (typeof cursor.from === "number") field?.setSelectionRange(cursor.from, cursor.to ?? cursor.from);
  startReview();
}

/** The areas drawn in ink on the map. */
function moveChosen(fresh: Document): void {
  const place = document.querySelector<HTMLElement>(".review [data-map]");
  const chosen = fresh.querySelector<HTMLElement>(".review [data-map]")?.dataset.chosen ?? "";
  if (!place || place.dataset.chosen === chosen) return;
  place.dataset.chosen = chosen;
  place.dispatchEvent(new CustomEvent("sentinela:choose", { detail: chosen.split(",").filter(Boolean).map(Number) }));
}

/** Elements with `data-mirror="name"` repeat what is written in the field of that name. */
function mirror(form: HTMLFormElement): void {
  for (const field of form.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input[name],textarea[name]")) {
    field.addEventListener("input", () => {
      for (const copy of document.querySelectorAll(`[data-mirror="${field.name}"]`)) copy.textContent = field.value;
    });
  }
}

async function measure(form: HTMLFormElement, sms: HTMLTextAreaElement, turn: number, latest: () => number): Promise<void> {
  const body = new URLSearchParams({ text: sms.value });
  for (const name of ["headline", "description", "instruction", "language"]) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) body.set(name, field.value);
  }
  const csrf = form.querySelector<HTMLInputElement>("[name=csrf]")?.value ?? "";
  const answer = await fetch(form.dataset.review ?? "", { method: "POST", headers: { csrf }, body });
  if (!answer.ok || turn !== latest()) return;
  const measured = (await answer.json()) as Measured;
  set("sms-summary", measured.summary);
  set("sms-forcing", measured.forcing);
  set("bar-cost", measured.centavos);
  set("bar-time", measured.duration);
  document.getElementById("sms-forcing")?.toggleAttribute("hidden", measured.forcing === "");
  tell(form, measured);
}

/** What the texts are read as, in the place of what the page said before. */
function tell(form: HTMLFormElement, measured: Measured): void {
  const fill = (selector: string, parts: Node[]): void => document.querySelector(selector)?.replaceChildren(...parts);
  fill("[data-bubbles]", measured.parts.map((part) => made("div", part, "bub")));
  fill("[data-asked]", measured.asked.map((asked) => {
    const row = made("tr", "", asked.class);
    const head = made("th", asked.question);
    head.setAttribute("scope", "row");
    row.append(head, made("td", asked.sms), made("td", asked.page));
    return row;
  }));
  const found = measured.found.map((one) => {
    const words = made("span", "");
    words.append(made("b", `${one.field}:`), ` ${one.text}`);
    const line = made("li", "", one.class);
    line.append(words);
    return line;
  });
  if (measured.nothing) {
    const line = made("li", "", "ok");
    line.append(made("span", measured.nothing));
    found.push(line);
  }
  fill("[data-found]", found);
  const list = document.querySelector<HTMLElement>("[data-letters]");
  list?.replaceChildren(...measured.letters.map(({ letter, plain }) => {
    const line = document.createElement("li");
    line.append(made("span", letter, "mono"), " → ", plain ? made("span", plain, "mono") : (list.dataset.none ?? ""));
    return line;
  }));
  document.getElementById("sms-letters")?.toggleAttribute("hidden", measured.letters.length === 0);
  const button = document.querySelector<HTMLElement>("[data-plain]");
  if (button) button.dataset.plain = measured.plain_sms;
  document.getElementById("sms-plain")?.toggleAttribute("hidden", measured.plain_sms === "");
  offerLetters(form);
}

function made(tag: string, text: string, name = ""): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = text;
  if (name) element.className = name;
  return element;
}

/** Each letter that doubles the price becomes a button that replaces just that one. */
function offerLetters(form: HTMLFormElement): void {
  const list = form.querySelector<HTMLElement>("[data-letters]");
  for (const line of list?.querySelectorAll("li") ?? []) {
    const [letter, plain] = [...line.querySelectorAll(".mono")].map((part) => part.textContent ?? "");
    if (!letter || !plain || line.querySelector("button")) continue;
    const button = made("button", `${letter} → ${plain}`, "btn quietly") as HTMLButtonElement;
    button.type = "button";
    button.dataset.letter = letter;
    button.dataset.by = plain;
    button.setAttribute("aria-label", (list?.dataset.one ?? "{letter} {plain}").replace("{letter}", letter).replace("{plain}", plain));
    line.replaceChildren(button);
  }
}

/** One letter, or all of them at once; the form is not sent, so nothing else that was written is at stake. */
function replaceLetters(event: Event, sms: HTMLTextAreaElement): void {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-letter],[data-plain]") : null;
  if (!button) return;
  event.preventDefault();
  sms.value = button.dataset.letter ? sms.value.replaceAll(button.dataset.letter, button.dataset.by ?? "") : (button.dataset.plain ?? sms.value);
  sms.dispatchEvent(new Event("input", { bubbles: true }));
  sms.focus();
}

function set(id: string, text: string): void {
  const element = document.getElementById(id);
  if (element) element.textContent = text;
}

/** Unsaved words are saved by the issuing button too, and the page says so. */
function changed(form: HTMLFormElement): void {
  form.classList.add("changed");
  document.body.classList.add("changed");
}
