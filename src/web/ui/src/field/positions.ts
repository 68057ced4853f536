// Where the telephone passes while its owner is en route or on site, told to whoever coordinates: every 100 m or 30 seconds, never before
// departure nor after release. Whoever holds it sees that it is told, and has a switch. It goes through the queue in batches, so that a
// valley without a network loses nothing.

import * as queue from "./queue";
import * as store from "./store";
import type { Item, Point } from "./types";
import { byId, el, t } from "./words";

const APART_MS = 30_000;
const APART_M = 100;
/** A guess by the network is no place to send anybody to. */
const FAR_M = 3000;
/** How long places are gathered before they are sent, with a network and without one. */
const GATHER_MS = 60_000;
const GATHER_ALONE_MS = 600_000;
/** The service takes no more in one message. */
const MOST = 400;
const SWITCH = "campo-positions";

interface Fix extends Point {
  at: string;
}

let under: string[] = [];
let offset = 0;
let watching: number | undefined;
let last: { place: Point; at: number } | undefined;
let gathered: Fix[] = [];
let since = 0;

/** Places go their own way: no list of the app shows them. */
export const isPlaces = (item: Item): boolean => item.kind === "act" && (item.url?.endsWith("/positions") ?? false);

/** Metres between two places, as near as telephones know them. */
export function apart(a: Point, b: Point): number {
  const rad = Math.PI / 180;
  const x = (b.lon - a.lon) * rad * Math.cos(((a.lat + b.lat) / 2) * rad);
  const y = (b.lat - a.lat) * rad;
  return Math.hypot(x, y) * 6_371_000;
}

/** Whether a place says more than the last one that was kept. */
export const isNews = (before: { place: Point; at: number } | undefined, place: Point, at: number): boolean =>
  !before || at - before.at >= APART_MS || apart(before.place, place) >= APART_M;

/** Whether somebody is under way: what the service knows, and after that the steps that wait here. */
export function isUnderWay(state: string, told: string[]): boolean {
  const now = told.at(-1) ?? state;
  return now === "en_route" || now === "on_site";
}

function isOn(): boolean {
  try {
    return localStorage.getItem(SWITCH) !== "no";
  } catch {
    return true;
  }
}

function setOn(on: boolean): void {
  try {
    localStorage.setItem(SWITCH, on ? "" : "no");
  } catch {
    // A browser that keeps nothing asks again.
  }
}

/** Lays what was gathered into the queue, once for each deployment. */
async function flush(): Promise<void> {
  const [positions, to] = [gathered, under];
  gathered = [];
  const account = await store.account();
  if (!account || !positions.length || !to.length) return;
  const now = Date.now();
  const batch = to.map((id): Item => ({ key: crypto.randomUUID(), account, kind: "act", state: "waiting", madeAt: now, changedAt: now, label: "", body: { positions }, url: `/api/v1/deployments/${id}/positions`, tries: 0 }));
  await store.keepAll(batch);
  void queue.sendAll();
}

function heard({ coords }: GeolocationPosition): void {
  say(t("positions-on"));
  if (coords.accuracy > FAR_M) return;
  const round = (value: number): number => Math.round(value * 1e6) / 1e6;
  const place = { lat: round(coords.latitude), lon: round(coords.longitude), accuracy_m: Math.round(coords.accuracy) };
  const now = Date.now();
  if (!isNews(last, place, now)) return;
  last = { place, at: now };
  if (!gathered.length) since = now;
  gathered.push({ ...place, at: new Date(now + offset).toISOString() });
  const patience = queue.session.standing === "ok" ? GATHER_MS : GATHER_ALONE_MS;
  if (now - since >= patience || gathered.length >= MOST) void flush();
}

function say(text: string): void {
  const said = document.getElementById("positions-said");
  if (said && said.textContent !== text) said.textContent = text;
}

/** The switch with what it does, above the list of deployments; made once. */
function choice(): HTMLElement {
  const found = document.getElementById("positions");
  if (found) return found;
  const place = el("div", "stack");
  place.id = "positions";
  const label = el("label", "choice");
  const box = el("input");
  box.type = "checkbox";
  box.checked = isOn();
  box.addEventListener("change", () => {
    setOn(box.checked);
    // What has not left yet stays here.
    if (!box.checked) gathered = [];
    watch();
  });
  label.append(box, el("span", "", t("positions")));
  const said = el("p", "s muted");
  said.id = "positions-said";
  said.setAttribute("role", "status");
  place.append(label, el("p", "s muted", t("positions-help")), said);
  byId("deployments").querySelector("ul")?.before(place);
  return place;
}

/** Begins and ends the watching as it is wanted. */
function watch(): void {
  const wanted = under.length > 0 && isOn() && "geolocation" in navigator;
  if (wanted === (watching !== undefined)) return;
  if (wanted) {
    watching = navigator.geolocation.watchPosition(heard, () => say(t("positions-off")), { enableHighAccuracy: true, maximumAge: 10_000, timeout: 60_000 });
    return;
  }
  if (watching !== undefined) navigator.geolocation.clearWatch(watching);
  watching = undefined;
  last = undefined;
  say("");
}

/** Follows these deployments from now on, and no others; `behind`: by how many milliseconds the device's clock is behind. */
export async function follow(ids: string[], behind: number): Promise<void> {
  // What was gathered belongs to those that were under way until now.
  if (ids.join() !== under.join() && gathered.length) await flush();
  [under, offset] = [ids, behind];
  if (ids.length) choice().hidden = false;
  else document.getElementById("positions")?.setAttribute("hidden", "");
  watch();
}

/** What has left, or what the service does not want, is of no more use here. */
export async function tidy(items: Item[]): Promise<void> {
  const over = items.filter((item) => isPlaces(item) && (item.state === "sent" || item.state === "refused"));
  if (over.length) await store.drop(over.map(({ key }) => key));
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") void flush();
});
