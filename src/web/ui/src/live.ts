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
let [pressed, missed] = [false, false];

export function onEvent(listener: Listener): void {
  listeners.add(listener);
}

export function start(): void {
  if (document.body.dataset.self) history.replaceState(null, "", document.body.dataset.self);
  const kinds = (document.body.dataset.listen ?? "").split(" ").filter(Boolean);
  if (kinds.length === 0) return;
  document.addEventListener("pointerdown", () => (pressed = true));
  // After the click that follows the release.
  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => window.setTimeout(released));
  let source = listen(kinds);
  window.setInterval(() => {
    if (document.hidden) return;
    // A line that was refused, as when the session ended, does not come back by itself.
    if (source.readyState === EventSource.CLOSED) source = listen(kinds);
    soon();
  }, AGE_REFRESH_MS);
}

function listen(kinds: string[]): EventSource {
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
  return source;
}

function released(): void {
  if (missed) soon();
  [pressed, missed] = [false, false];
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
    if (answer.redirected && new URL(answer.url).pathname === "/console/login") return signedOut();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    // A click is its press and its release: what lies under the pointer stays until it is done.
    if (pressed) {
      missed = true;
      return;
    }
    signedIn(fresh);
    exchange(fresh);
  } catch {
    mark(true);
  } finally {
    running = false;
  }
}

/** The session ended. Where somebody wrote the page stays and says so; any other page goes to the sign-in by itself. */
function signedOut(): void {
  const banner = document.getElementById("signed-out");
  if (!banner || !isWritten()) return location.reload();
  banner.hidden = false;
}

/** After a sign-in elsewhere in this browser the forms of this page belong to the session before. */
function signedIn(fresh: Document): void {
  const banner = document.getElementById("signed-out");
  if (!banner || banner.hidden) return;
  banner.hidden = true;
  const csrf = fresh.querySelector<HTMLInputElement>("input[name=csrf]")?.value;
  if (csrf) for (const field of document.querySelectorAll<HTMLInputElement>("input[name=csrf]")) field.value = csrf;
}

/** Whether a page, or a part of it, holds anything of whoever reads it: a field that was written in or chosen, a question that waits, kept words. */
function isWritten(within: ParentNode = document): boolean {
  // A switch of the map is set anew after each exchange.
  const texts = [...within.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>("input:not([data-map-layer]), textarea")];
  const written = texts.some((field) => field.value !== field.defaultValue || ("checked" in field && field.checked !== field.defaultChecked));
  const chosen = [...within.querySelectorAll<HTMLOptionElement>("select[name] option")].some((option) => option.selected !== option.defaultSelected && hasDefault(option));
  return written || chosen || within.querySelector("dialog[open], [data-kept]") !== null;
}

/** A list without a default shows its first choice, which nobody chose. */
function hasDefault(option: HTMLOptionElement): boolean {
  const list = option.closest("select");
  const marked = [...(list?.options ?? [])].some((one) => one.defaultSelected);
  return marked || option.index > 0;
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
    unfold(old, placed);
    old.replaceWith(placed);
    placed.scrollTop = scroll;
    if (focused) placed.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
  }
  const voice = document.getElementById("said");
  if (voice && said.length > 0) voice.textContent = said.join(". ");
  document.dispatchEvent(new CustomEvent("sentinela:refreshed", { detail: fresh }));
}

/** What was unfolded stays so. */
function unfold(old: HTMLElement, placed: HTMLElement): void {
  const title = (part: HTMLDetailsElement): string => part.querySelector("summary")?.textContent ?? "";
  const open = new Set([...old.querySelectorAll<HTMLDetailsElement>("details[open]")].map(title));
  for (const part of placed.querySelectorAll<HTMLDetailsElement>("details")) part.open ||= open.has(title(part));
}

/** A part in which somebody writes, or wrote, is left alone. */
function isBeingEdited(part: HTMLElement): boolean {
  const active = document.activeElement;
  const writes = active instanceof HTMLTextAreaElement || active instanceof HTMLInputElement || active instanceof HTMLSelectElement;
  return isWritten(part) || (writes && part.contains(active));
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
