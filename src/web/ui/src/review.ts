// The review of a draft: SMS length, cost and previews follow the text while it is written.

import { here } from "./live";

type Measured = { encoding: string; units: number; segments: number; summary: string; forcing: string; centavos: string; duration: string };

const WAIT_MS = 180;

export function startReview(): void {
  const form = document.querySelector<HTMLFormElement>("form[data-review]");
  if (!form) return;
  const sms = form.querySelector<HTMLTextAreaElement>("[name=sms_text]");
  mirror(form);
  if (!sms) return;
  let timer: number | undefined;
  let latest = 0;
  sms.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void measure(form, sms, ++latest, () => latest), WAIT_MS);
  });
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
  const fields = [...document.querySelectorAll<Field>(".review input, .review textarea")];
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
  const csrf = form.querySelector<HTMLInputElement>("[name=csrf]")?.value ?? "";
  const answer = await fetch(form.dataset.review ?? "", { method: "POST", headers: { csrf }, body });
  if (!answer.ok || turn !== latest()) return;
  const measured = (await answer.json()) as Measured;
  set("sms-summary", measured.summary);
  set("sms-forcing", measured.forcing);
  set("bar-cost", measured.centavos);
  set("bar-time", measured.duration);
  document.getElementById("sms-forcing")?.toggleAttribute("hidden", measured.forcing === "");
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
