// Addresses of the town's register while somebody types one: a list under the field, for the keyboard as for the finger (the combobox
// of the ARIA practices). Without this file, or without an answer, the field takes any words, and the service looks them up when they
// are sent.

type Place = { label: string; accuracy_m: number };

const WAIT_MS = 250;
const LEAST = 3;

let lists = 0;

export function startSuggest(): void {
  for (const field of document.querySelectorAll<HTMLInputElement>("input[data-suggest]")) attach(field);
}

function attach(field: HTMLInputElement): void {
  const id = `suggest-${++lists}`;
  const list = document.createElement("ul");
  list.id = id;
  list.className = "suggest";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", field.labels?.[0]?.textContent?.trim() ?? "");
  list.hidden = true;
  const voice = document.createElement("span");
  voice.className = "quiet";
  voice.setAttribute("role", "status");
  // Outside of the label, whose words would otherwise hold the list.
  (field.closest("label") ?? field).after(list, voice);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-expanded", "false"], ["aria-controls", id]]) {
    field.setAttribute(name ?? "", value ?? "");
  }
  field.autocomplete = "off";

  let timer: number | undefined;
  let asking: AbortController | undefined;
  let at = -1;

  const options = (): HTMLElement[] => [...list.querySelectorAll<HTMLElement>("[role=option]")];
  const close = (): void => {
    window.clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    at = -1;
    // What was said of a list that is gone is not read again.
    voice.textContent = "";
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const mark = (next: number): void => {
    const all = options();
    if (all.length === 0) return;
    at = (next + all.length) % all.length;
    all.forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    all[at]?.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", all[at]?.id ?? "");
  };
  const choose = (option: HTMLElement | undefined): void => {
    if (option) field.value = option.dataset.label ?? field.value;
    close();
  };
  const show = (places: Place[]): void => {
    at = -1;
    list.replaceChildren(...places.map((place, n) => line(place, `${id}-${n}`)));
    list.hidden = places.length === 0;
    field.setAttribute("aria-expanded", String(places.length > 0));
    field.removeAttribute("aria-activedescendant");
    const words = places.length === 0 ? field.dataset.suggestNone : field.dataset.suggestSome;
    voice.textContent = words?.replace("{n}", String(places.length)) ?? "";
  };
  const ask = async (): Promise<void> => {
    const typed = field.value.trim();
    if (typed.length < LEAST || typed.length > 200) return close();
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    try {
      const answer = await fetch(`${field.dataset.suggest}?q=${encodeURIComponent(typed)}`, { signal: mine.signal });
      // An older answer, or one that comes after the field was left, is nobody's.
      if (answer.ok && asking === mine && document.activeElement === field) show((await answer.json()) as Place[]);
    } catch {
      // Typing goes on without suggestions.
    }
  };

  field.addEventListener("input", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void ask(), WAIT_MS);
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown") mark(at + 1);
    else if (event.key === "ArrowUp") mark(at < 0 ? -1 : at - 1);
    else if (event.key === "Enter" && at >= 0) choose(options()[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  field.addEventListener("blur", close);
  // A press would take the field its focus, and the list would be gone before the click; a finger may still scroll.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target instanceof Element ? event.target.closest<HTMLElement>("[role=option]") : null;
    if (option) choose(option);
  });
}

function line(place: Place, id: string): HTMLElement {
  const item = document.createElement("li");
  item.id = id;
  item.setAttribute("role", "option");
  item.setAttribute("aria-selected", "false");
  item.dataset.label = place.label;
  item.textContent = place.label;
  const near = document.createElement("span");
  near.className = "xs dim";
  near.textContent = ` ± ${place.accuracy_m} m`;
  item.append(near);
  return item;
}
