// What somebody has before them, and what waits on the device: the first page of the app.

import { told } from "./faults";
import { correct } from "./form";
import * as positions from "./positions";
import * as queue from "./queue";
import { lately, locate } from "./senses";
import * as store from "./store";
import type { Building, Deployment, Item, Occurrence, Point, Today } from "./types";
import { button, byId, el, t, when } from "./words";

const HOUR_MS = 3600 * 1000;

/** Words that could not be kept: they stand there again when somebody tries again. */
let unsaved = "";

/** Asks for words, or for nothing but a yes; undefined when they turned away. */
function ask(title: string, least: number): Promise<string | undefined> {
  const dialog = byId<HTMLDialogElement>("say");
  const words = byId<HTMLTextAreaElement>("say-words");
  byId("say-title").textContent = title;
  words.value = unsaved;
  words.required = least > 0;
  words.minLength = least;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes" ? words.value.trim() : undefined), { once: true });
  });
}

async function enqueue(kind: "act" | "release", url: string, label: string, body: Record<string, unknown>): Promise<void> {
  const account = await store.account();
  if (!account) return;
  const now = Date.now();
  const key = crypto.randomUUID();
  try {
    await store.keep({ key, account, kind, state: "waiting", madeAt: now, changedAt: now, label, body: { key, ...body }, url, tries: 0 });
  } catch {
    unsaved = String(body["text"] || body["reason"] || "");
    byId("queue-said").textContent = t("act-not-kept");
    byId("queue-said").scrollIntoView();
    return;
  }
  unsaved = "";
  await show();
  void queue.sendAll();
}

const act = (word: string, id: string, label: string, text = ""): Promise<void> =>
  enqueue("act", "/api/v1/field/acts", `${t(`act-${word}`)}: ${label}`, { act: word, id, text, at: new Date().toISOString() });

async function actWithWords(word: string, id: string, label: string, least: number): Promise<void> {
  const text = await ask(`${t(`act-${word}`)}: ${label}`, least);
  if (text !== undefined) await act(word, id, label, text);
}

/** Whether the list that is shown does not know of it yet: it waits, or it was sent since. */
const isAhead = (item: Item, heard: number): boolean => item.state === "waiting" || item.state === "sending" || (item.state === "sent" && item.changedAt >= heard);

/** What was done to one thing and the list does not know yet, in its order: it is not asked for twice. */
function ahead(items: Item[], id: string, heard = 0): string[] {
  const mine = items.filter((item) => (item.kind === "act" || item.kind === "release") && isAhead(item, heard) && ((item.body as { id?: string } | undefined)?.id === id || item.url?.includes(id)));
  return mine.map((item) => (item.body as { act?: string } | undefined)?.act ?? item.kind);
}

const named = (word: string): string => (word === "release" ? t("release") : t(`act-${word}`));

function card(title: string, lines: string[], buttons: HTMLElement[], told: string[] = []): HTMLLIElement {
  const row = el("li", "card work-card");
  row.append(el("h3", "", title), ...lines.filter(Boolean).map((line) => el("p", "s", line)));
  if (told.length) row.append(el("p", "tag wait", `${[...new Set(told)].map(named).join(", ")}: ${t("queued")}`));
  if (buttons.length) {
    const bar = el("div", "row");
    bar.append(...buttons);
    row.append(bar);
  }
  return row;
}

/** A list with its heading; nothing at all when there is nothing, unless `none` says so. */
function fill(id: string, rows: HTMLLIElement[], none = ""): void {
  const place = byId(id);
  const list = place.querySelector("ul");
  place.hidden = rows.length === 0 && !none;
  list?.replaceChildren(...(rows.length ? rows : [el("li", "muted", none)]));
}

const address = (one: Building): string => [[one.street, one.house_number].filter(Boolean).join(", "), one.neighbourhood].filter(Boolean).join(" – ");

function occurrence(one: Occurrence, items: Item[], heard: number): HTMLLIElement {
  const label = one.number;
  const told = ahead(items, one.id, heard);
  // What was done here comes before what the list says of it.
  const state = told.includes("resolve") ? "resolved" : told.includes("arrive") ? "on_scene" : one.state;
  const buttons = [
    button(t("inspect"), () => (location.hash = `#vistoria/nova/${one.id}`), "btn primary"),
    button(t("act-note"), () => void actWithWords("note", one.id, label, 1)),
  ];
  if (state === "dispatched") buttons.push(button(t("act-arrive"), () => void act("arrive", one.id, label)));
  if (state === "on_scene") buttons.push(button(t("act-resolve"), () => void actWithWords("resolve", one.id, label, 3)));
  return card(`P${one.priority} · ${one.number}`, [[one.place, one.neighbourhood].filter(Boolean).join(" – "), one.words.slice(0, 200)], buttons, told);
}

/** The steps of a deployment, in their order. */
const STEPS = ["accept", "en_route", "on_site", "release"];
/** How long a step waits for the position it is told with. */
const FIX_MS = 4000;
/** Steps that are told with a place: where somebody says yes or no is their own business. */
const WITH_PLACE = ["en_route", "on_site", "release"];

async function step(one: Deployment, word: string, label: string, offset: number): Promise<void> {
  const reason = word === "decline" ? await ask(label, 1) : "";
  if (reason === undefined) return;
  const late = new Promise<Point | null>((done) => window.setTimeout(() => done(null), FIX_MS));
  const at = new Date(Date.now() + offset).toISOString();
  const place = WITH_PLACE.includes(word) ? (lately() ?? (await Promise.race([locate(), late]))) : null;
  await enqueue("act", `/api/v1/deployments/${one.id}/steps`, label, { act: word, at, reason, position: place && { ...place, at: null } });
}

/** Steps of a deployment that this device told beyond what the service has shown, in their order. */
function waitingSteps(one: Deployment, items: Item[], heard: number): string[] {
  const waiting = items.filter((item) => item.kind === "act" && isAhead(item, heard) && item.url?.includes(one.id));
  return waiting.map((item) => (item.body as { act: string }).act);
}

/** What may be told next: after what the service knows, and after the steps that wait here, so that nobody needs a network between two of them. */
function deployment(one: Deployment, items: Item[], offset: number, heard: number): HTMLLIElement {
  const told = waitingSteps(one, items, heard);
  const last = told.at(-1);
  const next = last === undefined ? one.acts.filter((word) => word !== "cancel") : STEPS.slice(STEPS.indexOf(last) + 1);
  const acts = last === "decline" ? [] : next;
  const named = (word: string): string => `${t(`step-${word}`)}: ${one.name}`;
  const buttons = acts.map((word) => button(t(`step-${word}`), () => void step(one, word, named(word), offset), word === acts[0] ? "btn primary" : "btn"));
  const lines = [one.drill ? t("drill") : "", one.task, [one.number, one.occurrence_number, one.incident_number].filter(Boolean).join(" · "), ...told.map((word) => `${t(`step-${word}`)}: ${t("queued")}`)];
  return card(one.name, lines, buttons);
}

/** Everything that somebody has to do. */
function work(today: Today | undefined, items: Item[]): void {
  const heard = today?.heard ?? 0;
  const task = (one: Today["tasks"][number]): HTMLLIElement => {
    const done = button(t("act-task_done"), () => void act("task_done", one.id, one.title), "btn primary");
    const take = button(t("act-task_take"), () => void act("task_take", one.id, one.title));
    const lines = [`${t("due", when(one.due_at))} · ${one.incident_number}${one.drill ? ` · ${t("drill")}` : ""}`, one.checklist.join("; ")];
    const told = ahead(items, one.id, heard);
    const open = one.mine || told.includes("task_take") ? [done] : [take, done];
    return card(one.title, lines, told.includes("task_done") ? [] : open, told);
  };
  fill("tasks", (today?.tasks ?? []).map(task), t("no-tasks"));
  fill("deployments", (today?.deployments ?? []).map((one) => deployment(one, items, today?.offset ?? 0, heard)));
  const under = (today?.deployments ?? []).filter((one) => positions.isUnderWay(one.state, waitingSteps(one, items, heard)));
  void positions.follow(under.map(({ id: one }) => one), today?.offset ?? 0);
  fill("occurrences", (today?.occurrences ?? []).map((one) => occurrence(one, items, heard)), t("no-occurrences"));
  fill("repeats", (today?.repeats ?? []).map((one) => card(address(one), [`${one.number} · ${t("repeat-by", one.inspect_again_by.split("-").reverse().join("/"))}`], [button(t("inspect"), () => (location.hash = "#vistoria/nova"), "btn primary")])));
  const release = async (one: Today["interdictions"][number]): Promise<void> => {
    const label = `${t("release")}: ${address(one)}`;
    const reason = await ask(label, 3);
    if (reason !== undefined) await enqueue("release", `/api/v1/interdictions/${one.id}/release`, label, { reason, inspection: null, at: new Date().toISOString() });
  };
  const forbidden = (one: Today["interdictions"][number]): HTMLLIElement => {
    const told = ahead(items, one.id, heard);
    const open = told.length ? [] : [button(t("release"), () => void release(one))];
    return card(address(one), [`${one.number} · ${t(`scope-${one.scope}`)} · ${when(one.at)}`], open, told);
  };
  const standing = today?.interdictions ?? [];
  fill("interdictions", standing.map(forbidden));
  const more = byId("interdictions-more");
  more.hidden = (today?.interdictions_total ?? 0) <= standing.length;
  more.textContent = t("interdictions-more", `${standing.length}/${today?.interdictions_total ?? 0}`);
}

async function asCorrection(item: Item): Promise<void> {
  try {
    const response = await fetch(`/api/v1/inspections?all=true&key=${item.key}`, { headers: { accept: "application/json" }, cache: "no-store" });
    const [found] = response.ok ? ((await response.json()) as { id: string }[]) : [];
    if (!found) throw new Error("not found");
    await correct(item, found.id);
    location.hash = "#corrigindo";
  } catch {
    byId("queue-said").textContent = t("needs-network");
  }
}

function entry(item: Item, pictures: Item[]): HTMLLIElement {
  const row = el("li", "card queue-item");
  row.dataset.state = item.state;
  row.dataset.key = item.key;
  const number = item.answer?.number;
  const head = el("p", "row sp");
  head.append(el("b", "", number ? `${number} · ${item.label}` : item.label), el("span", `tag ${item.state === "sent" ? "good" : item.state === "refused" ? "bad" : "wait"}`, t(`state-${item.state}`)));
  row.append(head);
  if (pictures.length) row.append(el("p", "s", t("photographs-sent", `${pictures.filter(({ state }) => state === "sent").length}/${pictures.length}`)));
  if (item.state === "refused" && item.refusal) {
    row.append(el("p", "s", item.refusal.status === 409 && item.refusal.fields.length ? t("differs") : t("refused")));
    for (const line of told(item.refusal)) row.append(el("p", "s", line));
  }
  const bar = el("div", "row");
  const isForm = item.kind === "inspection";
  if (isForm && (item.state === "draft" || item.state === "waiting" || item.state === "refused")) bar.append(button(t("open"), () => (location.hash = `#abrir/${item.key}`)));
  if (isForm && item.state === "refused" && item.refusal?.status === 409 && item.refusal.fields.length) bar.append(button(t("as-correction"), () => void asCorrection(item), "btn primary"));
  if (item.state === "refused" && item.kind !== "inspection") bar.append(button(t("again"), () => void store.keep({ ...item, state: "waiting" }).then(show).then(() => queue.sendAll())));
  if (item.state === "refused" || (item.state === "draft" && isForm)) bar.append(button(t("drop"), () => void dropped(item, pictures)));
  if (bar.childElementCount) row.append(bar);
  return row;
}

async function dropped(item: Item, pictures: Item[]): Promise<void> {
  if (!window.confirm(t("drop-sure"))) return;
  const announced = item.draft?.photographs.map(({ key }) => key) ?? [];
  await store.drop([item.key, ...pictures.map(({ key }) => key), ...announced]);
  await show();
}

/** How many were made here and are not at the service. */
export const isOpen = (item: Item): boolean => item.state !== "sent";

function shownQueue(items: Item[]): void {
  const of = (key: string): Item[] => items.filter((item) => item.of === key && item.kind === "photograph");
  const heads = items.filter((item) => item.kind !== "photograph" || (item.state === "refused"));
  const recent = (item: Item): boolean => isOpen(item) || of(item.key).some(isOpen) || Date.now() - item.changedAt < 24 * HOUR_MS;
  const rows = heads.filter(recent).reverse().map((item) => entry(item, of(item.key)));
  fill("queue", rows, t("queue-empty"));
  const waiting = items.filter((item) => item.state === "waiting" || item.state === "sending").length;
  byId("bar-count").textContent = waiting ? ` (${waiting})` : "";
}

let drawn = "";

/** Draws everything anew from what lies on the device; nothing when nothing is new, so that nobody loses the button they were at. */
export async function show(): Promise<void> {
  const id = await store.account();
  const all = id ? await store.items(id) : [];
  const items = all.filter((item) => !positions.isPlaces(item));
  void positions.tidy(all);
  const today = id ? (queue.session.today ?? (await store.today(id))) : undefined;
  const recent = items.filter((item) => item.state === "sent" && item.changedAt >= (today?.heard ?? 0)).length;
  const now = JSON.stringify([id, items, today && { ...today, at: "", csrf: "", offset: 0, heard: 0 }, recent, queue.session.standing]);
  if (now === drawn) return;
  drawn = now;
  byId("who").textContent = today?.account.name ?? "";
  const net = byId("net");
  const { standing } = queue.session;
  net.dataset.standing = standing;
  net.textContent = t(`net-${standing}`);
  byId("sign-in").hidden = standing !== "signed-out";
  byId("sign-out").hidden = !id;
  byId("work").hidden = !id;
  byId("as-of").textContent = today ? t("as-of", when(today.at)) : "";
  shownQueue(items);
  work(today, items);
}
