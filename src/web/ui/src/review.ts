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
  follow(form);
}

/** The rule or a colleague may change the draft meanwhile. An untouched page shows the new one at once; where somebody has
 * written or is about to confirm, it only says so. */
function follow(form: HTMLFormElement): void {
  const mine = form.querySelector<HTMLInputElement>("[name=revision]")?.value;
  document.addEventListener("sentinela:refreshed", (event) => {
    const fresh = (event as CustomEvent<Document>).detail;
    const now = fresh.querySelector<HTMLInputElement>("form[data-review] [name=revision]")?.value;
    if (now === mine) return;
    const busy = document.body.classList.contains("changed") || document.querySelector("dialog[open]") !== null;
    if (!busy && form.dataset.sent !== "yes") return location.replace(here());
    for (const moved of document.querySelectorAll<HTMLElement>("[data-moved]")) moved.hidden = false;
  });
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
