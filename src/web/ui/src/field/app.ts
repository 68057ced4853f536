// The app of the field: which of its pages is shown, night mode, signing out, and the worker that lets it open without a network.

import "./boot";
import * as form from "./form";
import * as queue from "./queue";
import * as store from "./store";
import { isOpen, show } from "./today";
import { byId, t } from "./words";

const views = ["view-today", "view-form"] as const;

function view(name: (typeof views)[number]): void {
  for (const one of views) byId(one).hidden = one !== name;
  for (const link of document.querySelectorAll<HTMLAnchorElement>(".campo-bar a")) {
    const isHere = (link.dataset.view ?? "") === name;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  window.scrollTo(0, 0);
}

async function occurrence(account: string, id: string | undefined): Promise<Parameters<typeof form.open>[1]> {
  const today = queue.session.today ?? (await store.today(account));
  return today?.occurrences.find((one) => one.id === id);
}

/** Whether a form was asked for before it was known whose it is: it opens once that is known. */
let isEarly = false;

/** Shows what the address names: `#hoje`, `#vistoria/nova[/OCCURRENCE]`, `#rascunho/KEY`, `#abrir/KEY`, `#corrigir/INSPECTION`. What
 * waits is taken out of the queue by the hand that opens it alone, and never by going back. */
async function route(): Promise<void> {
  const [page, what, of] = location.hash.slice(1).split("/");
  const account = await store.account();
  isEarly = !account && page === "vistoria";
  // Its form is filled from what lies in the queue (`today`).
  if (page === "corrigindo" && form.isOpen()) return view("view-form");
  if (!(await form.leave())) {
    history.replaceState(null, "", `#rascunho/${form.openKey() ?? ""}`);
    return view("view-form");
  }
  if (account && page === "vistoria" && what === "nova") {
    form.veil();
    view("view-form");
    return form.open(account, await occurrence(account, of));
  }
  if (account && (page === "rascunho" || page === "abrir") && what) {
    const item = await store.find(what);
    const may = page === "abrir" ? ["draft", "refused", "waiting"] : ["draft", "refused"];
    // What another account wrote is not found here.
    if (item && item.account === account && item.kind === "inspection" && may.includes(item.state)) {
      history.replaceState(null, "", `#rascunho/${what}`);
      form.veil();
      view("view-form");
      return form.resume(item);
    }
  }
  if (account && page === "corrigir" && what) {
    form.veil();
    view("view-form");
    if (await form.correctById(account, what)) return;
    byId("queue-said").textContent = t("needs-network");
  }
  view("view-today");
  await show();
}

function night(): void {
  const button = byId<HTMLButtonElement>("night");
  const set = (is: boolean): void => {
    document.documentElement.toggleAttribute("data-night", is);
    button.setAttribute("aria-pressed", String(is));
    try {
      localStorage.setItem("campo-night", is ? "yes" : "");
    } catch {
      // A browser that keeps nothing forgets this too.
    }
  };
  button.addEventListener("click", () => set(!document.documentElement.hasAttribute("data-night")));
  button.setAttribute("aria-pressed", String(document.documentElement.hasAttribute("data-night")));
}

function signOut(): void {
  const dialog = byId<HTMLDialogElement>("leaving");
  const erase = byId<HTMLInputElement>("erase");
  const counted = async (): Promise<number> => {
    const id = await store.account();
    const open = id ? (await store.items(id)).filter((item) => isOpen(item) && item.kind !== "photograph") : [];
    byId("leaving-said").textContent = open.length ? t("leaving-open", open.length) : t("leaving-clear");
    for (const part of dialog.querySelectorAll<HTMLElement>("[data-when-open]")) part.hidden = open.length === 0;
    return open.length;
  };
  byId("sign-out").addEventListener("click", () => {
    erase.checked = false;
    void counted().then(() => dialog.showModal());
  });
  byId("leaving-send").addEventListener("click", () => void queue.sendAll().then(counted));
  const out = async (forgets: boolean): Promise<void> => {
    const id = await store.account();
    if (id && forgets) await store.drop((await store.items(id)).flatMap((item) => [item.key, ...(item.draft?.photographs.map(({ key }) => key) ?? [])]));
    await form.leave();
    await queue.signOut();
    dialog.close();
    location.hash = "#hoje";
    await show();
  };
  byId("leaving-keep").addEventListener("click", () => void out(false));
  byId("leaving-erase").addEventListener("click", () => {
    if (!erase.checked) {
      erase.setCustomValidity(t("erase-tick"));
      erase.reportValidity();
      return;
    }
    void out(true);
  });
  erase.addEventListener("change", () => erase.setCustomValidity(""));
}

async function worker(): Promise<void> {
  if (!("serviceWorker" in navigator)) {
    byId("no-offline").hidden = false;
    return;
  }
  try {
    await navigator.serviceWorker.register("/campo/worker.js", { scope: "/campo" });
    // The device shall not throw away what waits.
    await navigator.storage?.persist?.();
  } catch {
    byId("no-offline").hidden = false;
  }
}

/** The shell speaks the language that it was kept in; another one is fetched once it is known. */
async function language(): Promise<void> {
  const wanted = queue.session.today?.language;
  if (!wanted || wanted === document.documentElement.lang || !byId("view-form").hidden) return;
  const registration = await navigator.serviceWorker?.getRegistration("/campo");
  if (!registration?.active) return;
  const answered = new Promise<unknown>((done) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = (event) => done(event.data);
    registration.active?.postMessage("refresh", [channel.port2]);
    window.setTimeout(() => done(false), 10_000);
  });
  if ((await answered) === wanted) location.reload();
}

form.start();
night();
signOut();
window.addEventListener("hashchange", () => void route());
queue.changed.addEventListener("change", () => {
  if (byId("view-today").hidden) return;
  void (isEarly && queue.session.today ? route() : show());
});
void route().then(() => {
  queue.start();
  void worker();
  window.setTimeout(() => void language(), 3000);
});
document.documentElement.dataset.ready = "yes";
