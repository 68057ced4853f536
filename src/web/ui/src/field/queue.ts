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

/** One more with each sign-out: what was under way before it writes nothing after it. */
let generation = 0;

/** Asks who is signed in and what is to be done, and keeps it. */
export async function refresh(): Promise<Standing> {
  const [mine, heard] = [generation, Date.now()];
  const response = await ask("/api/v1/field/today", { headers: { accept: "application/json" } });
  if (mine !== generation) return "signed-out";
  if (!response || response.status >= 500 || response.status === 429) {
    stand("offline");
    return "offline";
  }
  if (!response.ok) {
    // There is no session left that would have to end; the next one is somebody's own.
    if (response.status === 401) await store.oweSignOut(undefined);
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
  today.heard = heard;
  const owed = await store.owedSignOut();
  if (mine !== generation) return "signed-out";
  if (owed === today.account.id) {
    if (await signOutNow(today.csrf)) await store.oweSignOut(undefined);
    stand("signed-out");
    return "signed-out";
  }
  // Somebody else is in: the session that was to end has ended.
  if (owed) await store.oweSignOut(undefined);
  if (mine !== generation) return "signed-out";
  await store.setAccount(today.account.id);
  if (mine !== generation) return "signed-out";
  await store.setToday(today.account.id, today);
  if (mine !== generation) {
    await store.setToday(today.account.id, undefined);
    return "signed-out";
  }
  session.today = today;
  stand("ok");
  return "ok";
}

async function signOutNow(csrf: string): Promise<boolean> {
  const body = new URLSearchParams({ csrf });
  try {
    const response = await fetch("/console/logout", { method: "POST", body, credentials: "same-origin", redirect: "manual" });
    // It leads to the sign-in once it is done; any other answer has ended nothing.
    return response.type === "opaqueredirect" || response.ok || response.status === 401;
  } catch {
    return false;
  }
}

/** Ends the session here at once, and at the service now or as soon as it is reached. */
export async function signOut(): Promise<void> {
  generation += 1;
  const csrf = session.today?.csrf;
  const id = await store.account();
  session.today = undefined;
  if (id) await store.setToday(id, undefined);
  await store.setAccount(undefined);
  // Owed before it is tried: the page may be gone before the answer.
  await store.oweSignOut(id);
  if (csrf && (await signOutNow(csrf))) await store.oweSignOut(undefined);
  stand("signed-out");
}

/** `later`: this one did not go through, but others may; `not-now`: nothing does. */
type Outcome = { is: "taken"; answer: Item["answer"] } | { is: "refused"; refusal: Refusal } | { is: "later" } | { is: "not-now" } | { is: "signed-out" };

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
    // The steps of a deployment bear a time that is the service's already.
    const timed = item.url?.endsWith("/steps") ? item.body : { ...(item.body as object), sent_at: new Date().toISOString() };
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
  if (!response) return { is: "not-now" };
  if (response.ok) {
    try {
      return { is: "taken", answer: (await response.json()) as Item["answer"] };
    } catch {
      // The line broke off within the answer: asked again, the service says the same.
      return { is: "not-now" };
    }
  }
  if (response.status === 401) return { is: "signed-out" };
  if (response.status === 429) return { is: "not-now" };
  if (response.status >= 500 || response.status === 408) return { is: "later" };
  const refusal = await refused(response);
  // Another session's secret: asked anew, not refused.
  if (response.status === 403 && /too old/.test(refusal.detail)) return { is: "not-now" };
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

/** What an act is done to: what was done to one thing goes in the order in which it was done. */
export function subject(item: Item): string {
  return (item.body as { id?: string } | undefined)?.id ?? item.url ?? "";
}

/** What goes next: words before pictures, and of the pictures last those that did not go through. */
function following(all: Map<string, Item>, tried: Set<string>, held: Set<string>): Item | undefined {
  const may = [...all.values()].filter((item) => !tried.has(item.key) && isReady(item, all));
  const words = may.find((item) => item.kind !== "photograph" && !(item.kind === "act" && held.has(subject(item))));
  return words ?? may.filter((item) => item.kind === "photograph").sort((a, b) => a.tries - b.tries)[0];
}

/** Writes down what became of it. */
async function settle(item: Item, outcome: Outcome): Promise<void> {
  item.changedAt = Date.now();
  if (outcome.is === "taken") await store.settle({ ...item, state: "sent", answer: outcome.answer, refusal: undefined });
  else if (outcome.is === "refused") await store.keep({ ...item, state: "refused", refusal: outcome.refusal });
  else await store.keep({ ...item, state: "waiting" });
  tell();
}

async function pass(): Promise<void> {
  if ((await refresh()) !== "ok") return;
  const mine = session.today;
  if (!mine) return;
  const begun = generation;
  const [tried, held] = [new Set<string>(), new Set<string>()];
  let hasSent = false;
  for (;;) {
    const all = new Map((await store.items(mine.account.id)).map((item) => [item.key, item]));
    const next = following(all, tried, held);
    if (!next || begun !== generation) break;
    tried.add(next.key);
    const item: Item = { ...next, state: "sending", tries: next.tries + 1, changedAt: Date.now() };
    await store.keep(item);
    tell();
    const outcome = await send(item, mine.csrf);
    // Signed out meanwhile: what was erased stays so, and what was left is sent again and answered as before.
    if (begun !== generation) return;
    await settle(item, outcome);
    if (outcome.is === "signed-out") return stand("signed-out");
    if (outcome.is === "not-now") return stand(navigator.onLine ? "ok" : "offline");
    if (outcome.is === "taken") hasSent = true;
    else if (outcome.is === "later" && item.kind === "act") held.add(subject(item));
  }
  // What is to be done has changed with what was sent.
  if (hasSent && begun === generation) await refresh();
}

let running: Promise<void> | undefined;

/** One sender at a time, also of several windows. */
export function sendAll(): Promise<void> {
  const begin = (): Promise<void> => (navigator.locks ? (navigator.locks.request("sentinela-campo-send", pass) as Promise<void>) : pass());
  // Where the device keeps nothing now, nothing is lost: the next pass finds it as it was.
  running ??= begin().catch(() => undefined).finally(() => {
    running = undefined;
    tell();
  });
  return running;
}

const AGAIN_MS = 20_000;
const KEPT_MS = 14 * 24 * 3600 * 1000;

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
  // What was sent two weeks ago is history that the service has.
  void store.tidy(Date.now() - KEPT_MS).catch(() => undefined);
  void sendAll();
}
