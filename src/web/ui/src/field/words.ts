// The texts that scripts put onto the page; they stand in the shell, in the language it was made in.

const place = document.getElementById("words");

/** The text `data-NAME` with `{n}` filled. */
export function t(name: string, n?: string | number): string {
  const text = place?.getAttribute(`data-${name}`) ?? name;
  return n === undefined ? text : text.replace("{n}", String(n));
}

export const isPt = document.documentElement.lang.startsWith("pt");

export function when(iso: string): string {
  const form = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  return form.format(new Date(iso));
}

/** An element with a class and text, never markup. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, name = "", text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text) made.textContent = text;
  return made;
}

export function button(text: string, act: () => void, name = "btn"): HTMLButtonElement {
  const made = el("button", name, text);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`#${id} is missing`);
  return found as T;
}
