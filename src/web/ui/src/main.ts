// Small islands over server-rendered pages. Without this file every page still works.

import { startHandover } from "./handover";
import { startHere } from "./here";
import { fetchMap } from "./lazy";
import { start } from "./live";
import { startReport } from "./report";
import { followReview, startReview } from "./review";
import { startRules } from "./rules";
import { startSignature } from "./signature";
import { startSuggest } from "./suggest";

function clock(): void {
  const shown = document.querySelector<HTMLTimeElement>("#clock");
  const timeZone = shown?.dataset.zone;
  if (!shown || !timeZone) return;
  const offset = Date.parse(shown.dateTime) - Date.now();
  const form = new Intl.DateTimeFormat("pt-BR", { hour: "2-digit", minute: "2-digit", timeZone });
  const tick = (): void => {
    const now = document.querySelector<HTMLTimeElement>("#clock");
    if (now) now.textContent = form.format(Date.now() + offset);
  };
  window.setInterval(tick, 1000);
}

/** Buttons with `data-open` open the dialog of that id; the native element keeps focus and Escape right. */
function dialogs(): void {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const opener = target?.closest<HTMLElement>("[data-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.open ?? "");
      if (dialog instanceof HTMLDialogElement) {
        event.preventDefault();
        dialog.showModal();
      }
    }
    const closer = target?.closest<HTMLElement>("[data-close]");
    closer?.closest("dialog")?.close();
  });
}

/** A form is sent once, however often its button is pressed. */
function sendOnce(): void {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post") return;
    if (form.dataset.sent === "yes") return event.preventDefault();
    form.dataset.sent = "yes";
    window.addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
  });
}

/** On the public page the live map is fetched only when somebody asks for it: phones pay for every kilobyte. */
function lazyMap(): void {
  const button = document.querySelector<HTMLButtonElement>("[data-start-map]");
  const place = document.querySelector<HTMLElement>("[data-lazy-map]");
  if (!button || !place) return;
  button.hidden = false;
  button.addEventListener("click", () => {
    button.hidden = true;
    place.dataset.map = "";
    fetchMap();
  });
}

clock();
dialogs();
lazyMap();
sendOnce();
startReport();
startSuggest();
startReview();
startRules();
startHandover();
if (document.querySelector("[data-here-said]")) startHere();
startSignature();
followReview();
start();
