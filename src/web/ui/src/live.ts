// Keeps a page true: listens to the service's events and, when one of the kinds the page names in `data-listen` comes,
// fetches the page again and exchanges the parts marked `data-live`. The server renders; nothing is drawn twice.

export type ServiceEvent = { kind: string; id?: string; alert_id?: string };
type Listener = (event: ServiceEvent) => void;

const listeners = new Set<Listener>();
const MIN_GAP_MS = 700;
const AGE_REFRESH_MS = 30_000;

let lastAt = 0;
let waiting: number | undefined;
let running = false;

export function onEvent(listener: Listener): void {
  listeners.add(listener);
}

export function start(): void {
  if (document.body.dataset.self) history.replaceState(null, "", document.body.dataset.self);
  const kinds = (document.body.dataset.listen ?? "").split(" ").filter(Boolean);
  if (kinds.length === 0) return;
  let broken = false;
  const source = new EventSource("/api/v1/events");
  source.onopen = () => {
    mark(false);
    // Whatever happened while the line was down is in the page that comes now.
    if (broken) soon();
    broken = false;
  };
  source.onerror = () => {
    broken = true;
    mark(true);
  };
  source.onmessage = (message) => {
    const event = JSON.parse(message.data) as ServiceEvent;
    for (const listener of listeners) listener(event);
    if (event.kind === "reload" || kinds.includes(event.kind)) soon();
  };
  window.setInterval(() => {
    if (!document.hidden) soon();
  }, AGE_REFRESH_MS);
}

/** Says on the page that the line to the service is down. */
function mark(down: boolean): void {
  document.documentElement.toggleAttribute("data-offline", down);
}

/** Refreshes once, soon; calls in between are one call. */
export function soon(): void {
  if (waiting !== undefined) return;
  const wait = Math.max(0, lastAt + MIN_GAP_MS - performance.now());
  waiting = window.setTimeout(() => {
    waiting = undefined;
    void refresh();
  }, wait);
}

/** The page's own address; the answer to a refused form stands at the form's, which cannot be asked again. */
export function here(): string {
  return document.body.dataset.self ?? location.href;
}

async function refresh(): Promise<void> {
  if (running) return soon();
  running = true;
  lastAt = performance.now();
  try {
    const answer = await fetch(here(), { headers: { accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname === "/console/login") return location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    exchange(fresh);
  } catch {
    mark(true);
  } finally {
    running = false;
  }
}

function exchange(fresh: Document): void {
  const said: string[] = [];
  for (const old of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const next = old.id ? fresh.getElementById(old.id) : null;
    if (!next || old.outerHTML === next.outerHTML || isBeingEdited(old)) continue;
    const focused = focusPath(old);
    const scroll = old.scrollTop;
    const sentence = next.dataset.say;
    if (sentence && sentence !== old.dataset.say) said.push(sentence);
    const placed = document.importNode(next, true);
    old.replaceWith(placed);
    placed.scrollTop = scroll;
    if (focused) placed.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
  }
  const voice = document.getElementById("said");
  if (voice && said.length > 0) voice.textContent = said.join(". ");
  document.dispatchEvent(new CustomEvent("sentinela:refreshed", { detail: fresh }));
}

/** A part in which somebody writes is left alone. */
function isBeingEdited(part: HTMLElement): boolean {
  const active = document.activeElement;
  const writes = active instanceof HTMLTextAreaElement || active instanceof HTMLInputElement || active instanceof HTMLSelectElement;
  return part.querySelector("dialog[open]") !== null || (writes && part.contains(active));
}

/** How to find the focused element again in the new part. */
function focusPath(part: HTMLElement): string | undefined {
  const active = document.activeElement;
  if (!(active instanceof HTMLElement) || !part.contains(active)) return undefined;
  if (active.id) return `#${CSS.escape(active.id)}`;
  const href = active.getAttribute("href");
  if (href) return `[href="${CSS.escape(href)}"]`;
  const name = active.getAttribute("name");
  return name ? `[name="${CSS.escape(name)}"]` : undefined;
}
