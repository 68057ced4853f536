// Sends what waits, one thing after the other, each until the service has said that it has it. The key that was made here makes it safe to
// send again: the service answers the same thing twice. Nothing is dropped: what the service refuses stays here, with the reason.

import * as store from "./store";
import type { Item, Refusal, Today } from "./types";

export type Standing = "ok" | "offline" | "signed-out";

export interface Session {
  today: Today | undefined;
  standing: Standing;
}

/** Changes that whoever shows the queue wants to know of. */
export const changed = new EventTarget();

function tell(): void {
  changed.dispatchEvent(new Event("change"));
}

export const session: Session = { today: undefined, standing: navigator.onLine ? "ok" : "offline" };

function stand(standing: Standing): void {
  session.standing = standing;
  tell();
}

/** How long an answer is waited for; a picture over a bad network takes its time. */
const PATIENCE_MS = 60_000;
const PICTURE_MS = 300_000;

async function ask(url: string, init: RequestInit = {}, patience = PATIENCE_MS): Promise<Response | undefined> {
  try {
    // What redirects leads to the sign-in, which is no answer.
    return await fetch(url, { ...init, cache: "no-store", credentials: "same-origin", redirect: "error", signal: AbortSignal.timeout(patience) });
  } catch {
    return undefined;
  }
}

/** Asks who is signed in and what is to be done, and keeps it. */
export async function refresh(): Promise<Standing> {
  const response = await ask("/api/v1/field/today", { headers: { accept: "application/json" } });
  if (!response || response.status >= 500 || response.status === 429) {
    stand("offline");
    return "offline";
  }
  if (!response.ok) {
    session.today = undefined;
    stand("signed-out");
    return "signed-out";
  }
  let today: Today;
  try {
    today = (await response.json()) as Today;
  } catch {
    stand("offline");
    return "offline";
  }
  today.offset = Date.parse(today.at) - Date.now();
  const owed = await store.owedSignOut();
  if (owed === today.account.id) {
    if (await signOutNow(today.csrf)) await store.oweSignOut(undefined);
    stand("signed-out");
    return "signed-out";
  }
  // Somebody else is in: the session that was to end has ended.
  if (owed) await store.oweSignOut(undefined);
  await store.setAccount(today.account.id);
  await store.setToday(today.account.id, today);
  session.today = today;
  stand("ok");
  return "ok";
}

async function signOutNow(csrf: string): Promise<boolean> {
  const body = new URLSearchParams({ csrf });
  try {
    await fetch("/console/logout", { method: "POST", body, credentials: "same-origin", redirect: "manual" });
    return true;
  } catch {
    return false;
  }
}

/** Ends the session here at once, and at the service now or as soon as it is reached. */
export async function signOut(): Promise<void> {
  const id = await store.account();
  const csrf = session.today?.csrf;
  session.today = undefined;
  if (id) await store.setToday(id, undefined);
  await store.setAccount(undefined);
  if (!csrf || !(await signOutNow(csrf))) await store.oweSignOut(id);
  stand("signed-out");
}

type Outcome = { is: "taken"; answer: Item["answer"] } | { is: "refused"; refusal: Refusal } | { is: "later" } | { is: "signed-out" };

async function refused(response: Response): Promise<Refusal> {
  let detail = "";
  let fields: Refusal["fields"] = [];
  try {
    const problem = (await response.json()) as { detail?: string; title?: string; errors?: Refusal["fields"] };
    detail = problem.detail ?? problem.title ?? "";
    fields = (problem.errors ?? []).map(({ field, message }) => ({ field, message }));
  } catch {
    // The status says enough.
  }
  return { status: response.status, detail, fields };
}

async function request(item: Item, csrf: string): Promise<Response | undefined | "gone"> {
  if (item.kind !== "photograph") {
    const timed = item.kind === "inspection" ? { ...(item.body as object), sent_at: new Date().toISOString() } : item.body;
    return ask(item.url ?? "", { method: "POST", headers: { "content-type": "application/json", accept: "application/json", csrf }, body: JSON.stringify(timed) });
  }
  const photo = await store.photo(item.key);
  if (!photo) return "gone";
  const form = new FormData();
  form.set("key", item.key);
  form.set("sha256", photo.sha256);
  form.set("photographs", photo.blob, "photograph.jpg");
  return ask(item.url ?? "", { method: "POST", headers: { accept: "application/json", csrf }, body: form }, PICTURE_MS);
}

async function send(item: Item, csrf: string): Promise<Outcome> {
  const response = await request(item, csrf);
  if (response === "gone") return { is: "refused", refusal: { status: 0, detail: "picture", fields: [] } };
  if (!response) return { is: "later" };
  if (response.ok) {
    try {
      return { is: "taken", answer: (await response.json()) as Item["answer"] };
    } catch {
      // The line broke off within the answer: asked again, the service says the same.
      return { is: "later" };
    }
  }
  if (response.status === 401) return { is: "signed-out" };
  if (response.status >= 500 || response.status === 429 || response.status === 408) return { is: "later" };
  const refusal = await refused(response);
  // Another session's secret: asked anew, not refused.
  if (response.status === 403 && /too old/.test(refusal.detail)) return { is: "later" };
  return { is: "refused", refusal };
}

/** True when it may be sent: a picture waits for its inspection. */
function isReady(item: Item, all: Map<string, Item>): boolean {
  if (item.state !== "waiting" && item.state !== "sending") return false;
  if (item.kind !== "photograph") return true;
  const of = all.get(item.of ?? "");
  if (of?.state !== "sent" || !of.answer?.id) return false;
  item.url = `/api/v1/inspections/${of.answer.id}/photographs`;
  return true;
}

async function pass(): Promise<void> {
  if ((await refresh()) !== "ok") return;
  const mine = session.today;
  if (!mine) return;
  const tried = new Set<string>();
  for (;;) {
    const all = new Map((await store.items(mine.account.id)).map((item) => [item.key, item]));
    const next = [...all.values()].find((item) => !tried.has(item.key) && isReady(item, all));
    if (!next) return;
    tried.add(next.key);
    const item: Item = { ...next, state: "sending", tries: next.tries + 1, changedAt: Date.now() };
    await store.keep(item);
    tell();
    const outcome = await send(item, mine.csrf);
    item.changedAt = Date.now();
    if (outcome.is === "taken") {
      await store.settle({ ...item, state: "sent", answer: outcome.answer, refusal: undefined });
    } else if (outcome.is === "refused") {
      await store.keep({ ...item, state: "refused", refusal: outcome.refusal });
    } else {
      await store.keep({ ...item, state: "waiting" });
    }
    tell();
    if (outcome.is === "signed-out") return stand("signed-out");
    if (outcome.is === "later") return stand(navigator.onLine ? "ok" : "offline");
  }
}

let running: Promise<void> | undefined;

/** One sender at a time, also of several windows. */
export function sendAll(): Promise<void> {
  running ??= (navigator.locks ? navigator.locks.request("sentinela-campo-send", pass) : pass()).finally(() => {
    running = undefined;
    tell();
  }) as Promise<void>;
  return running;
}

const AGAIN_MS = 20_000;
const KEPT_MS = 14 * 24 * 3600 * 1000;

/** What was sent two weeks ago is history that the service has. */
async function tidy(): Promise<void> {
  const id = await store.account();
  if (!id) return;
  const old = (await store.items(id)).filter((item) => item.state === "sent" && item.changedAt < Date.now() - KEPT_MS);
  if (old.length) await store.drop(old.map((item) => item.key));
}

/** Sends now, whenever the network comes back, and again and again while something waits. */
export function start(): void {
  window.addEventListener("online", () => void sendAll());
  window.addEventListener("offline", () => stand("offline"));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void sendAll();
  });
  window.setInterval(() => {
    if (navigator.onLine) void sendAll();
  }, AGAIN_MS);
  void tidy();
  void sendAll();
}
