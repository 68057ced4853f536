// The form of an inspection. Every change is on the device before the next one; a draft that was closed opens as it was left.

import { told as toldRefusal } from "./faults";
import { suggest, told } from "./grade";
import { Pad } from "./pad";
import { sendAll } from "./queue";
import { facing, locate, located, shrink, sum, watch } from "./senses";
import * as store from "./store";
import type { Announced, Draft, Form, Item, Occurrence, Photo } from "./types";
import { button, byId, el, isPt, t, when } from "./words";

const MOST_PHOTOGRAPHS = 24;

const form = byId<HTMLFormElement>("inspection");
const checklist = JSON.parse(byId("checklist").dataset.form ?? "null") as Form | null;
const numbers = ["units", "residents", "displaced", "homeless", "dead", "injured", "ill", "missing", "other_affected"];

let current: Item | undefined;
let draft: Draft = empty();
let pad: Pad | undefined;
/** The draft as it was opened, and whether nobody had written into it before. */
let opened = "";
let isFresh = false;
/** Pictures that are being made small. */
let adding: Promise<unknown> = Promise.resolve();
/** How long a photograph waits for the place where it was taken. */
const FIX_MS = 4000;

function empty(): Draft {
  return {
    fields: {}, answers: {}, place: null, photographs: [], signature: "", forbids: false, observedAt: new Date().toISOString(),
    occurrence: null, incident: null, supersedes: null,
  };
}

const fields = (): (HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement)[] =>
  [...form.querySelectorAll<HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement>("[data-field]")];

function value(name: string): string {
  return (draft.fields[name] ?? "").trim();
}

/** What somebody has written. Where the telephone is, it says by itself. */
function written(): string {
  const { fields, answers, photographs, signature, forbids } = draft;
  return JSON.stringify([fields, answers, photographs, signature, forbids]);
}

const isUntouched = (): boolean => isFresh && (opened === "" || written() === opened);

/** Writes the draft to the device. */
let writing: Promise<unknown> = Promise.resolve();
function save(): Promise<unknown> {
  if (!current) return writing;
  const item: Item = { ...current, state: "draft", draft: structuredClone(draft), label: label(), changedAt: Date.now(), untouched: isUntouched() };
  current = item;
  writing = writing.then(() => store.keep(item)).then(
    () => {
      // Loaded again, the page finds it.
      if (current?.key === item.key) history.replaceState(null, "", `#rascunho/${item.key}`);
      say(t("saved"));
    },
    () => say(t("not-saved")),
  );
  return writing;
}

function say(text: string): void {
  byId("form-said").textContent = text;
}

function label(): string {
  const place = [value("street"), value("house_number")].filter(Boolean).join(", ");
  return place || t("no-address");
}

/** From the page into the draft, once the page shows it. */
function take(): void {
  if (opened === "") return;
  for (const field of fields()) draft.fields[field.dataset.field ?? ""] = field.value;
}

/** From the draft onto the page. */
function show(): void {
  for (const field of fields()) {
    const name = field.dataset.field ?? "";
    field.value = draft.fields[name] ?? (field instanceof HTMLSelectElement ? (field.options[0]?.value ?? "") : (field.dataset.usual ?? ""));
    draft.fields[name] = field.value;
  }
  for (const one of form.querySelectorAll<HTMLInputElement>("input[data-question]")) one.checked = draft.answers[one.name] === one.value;
  byId<HTMLInputElement>("forbids").checked = draft.forbids;
  const corrects = byId("correction");
  corrects.hidden = draft.supersedes === null;
  need("correction_reason", draft.supersedes !== null);
  if (pad) pad.text = draft.signature;
  const hint = byId("street-hint");
  hint.hidden = !draft.hint;
  hint.textContent = draft.hint ? t("street-hint", draft.hint) : "";
  showTerm();
  showPlace();
  showGrade();
  void showPhotographs();
}

function need(name: string, is: boolean): void {
  const field = form.querySelector<HTMLInputElement>(`[data-field=${name}]`);
  if (field) field.required = is;
}

/** The part of the interdiction, and what must be filled. */
function showTerm(): void {
  const loss = form.querySelector<HTMLInputElement>("[data-field=loss]");
  loss?.setCustomValidity(Number.isNaN(centavos(value("loss"))) ? t("loss-wrong") : "");
  byId("term").hidden = !draft.forbids;
  need("reason", draft.forbids);
  need("signer_name", draft.forbids);
  const partial = draft.forbids && value("scope") === "partial";
  byId("part-field").hidden = !partial;
  need("part", partial);
  need("witness", draft.forbids && draft.signature === "");
}

function showPlace(): void {
  const shown = byId("place-said");
  const { place } = draft;
  shown.textContent = place ? `${place.lat.toFixed(5)}, ${place.lon.toFixed(5)} (±${place.accuracy_m ?? "?"} m)` : t("no-place");
  byId("place-clear").hidden = !place;
}

function showGrade(): void {
  const shown = byId("suggested");
  const found = checklist && suggest(checklist, draft.answers);
  if (!checklist || !found) {
    shown.textContent = "";
    return;
  }
  const because = found.because.map((pair) => told(checklist, pair, isPt)).join("; ");
  shown.textContent = t("suggested", found.risk) + (because ? ` ${because}.` : "");
}

function question(code: string): HTMLElement {
  const one = checklist?.question.find((found) => found.code === code);
  const set = el("fieldset", "choices");
  if (!one) return set;
  set.append(el("legend", "", isPt ? one.pt : one.en));
  for (const option of one.options) {
    const choice = el("label", "choice");
    const input = el("input");
    input.type = "radio";
    input.name = one.code;
    input.value = option.code;
    input.dataset.question = "";
    // What was touched by mistake is taken back by a second touch.
    input.addEventListener("click", () => {
      if (draft.answers[one.code] === option.code) {
        delete draft.answers[one.code];
        input.checked = false;
      } else {
        draft.answers[one.code] = option.code;
      }
      showGrade();
      void save();
    });
    choice.append(input, el("span", "", isPt ? option.pt : option.en));
    set.append(choice);
  }
  return set;
}

function layOut(): void {
  const place = byId("questions");
  if (!checklist) {
    place.append(el("p", "", t("no-checklist")));
    return;
  }
  for (const group of checklist.group) {
    place.append(el("h3", "", isPt ? group.pt : group.en));
    for (const one of checklist.question.filter((found) => found.group === group.code)) place.append(question(one.code));
  }
}

const WINDS = [0, 45, 90, 135, 180, 225, 270, 315];

async function showPhotographs(): Promise<void> {
  const list = byId<HTMLUListElement>("photographs");
  const rows = await Promise.all(draft.photographs.map((one, at) => photograph(one, at)));
  for (const old of list.querySelectorAll("img")) URL.revokeObjectURL(old.src);
  list.replaceChildren(...rows);
}

async function photograph(one: Announced, at: number): Promise<HTMLLIElement> {
  const row = el("li", "shot");
  const kept = await store.photo(one.key);
  const picture = el("img");
  picture.alt = one.caption || t("photograph", at + 1);
  if (kept) picture.src = URL.createObjectURL(kept.blob);
  const caption = el("label", "", t("caption"));
  const words = el("input");
  words.maxLength = 300;
  words.value = one.caption;
  words.addEventListener("change", () => {
    one.caption = words.value;
    void save();
  });
  caption.append(words);
  const direction = el("label", "", t("direction"));
  const winds = el("select");
  const names = t("winds").split(" ");
  winds.append(new Option(t("direction-unknown"), ""));
  WINDS.forEach((degrees, wind) => winds.append(new Option(`${names[wind]} (${degrees}°)`, String(degrees))));
  if (one.bearing_deg !== null && !WINDS.includes(one.bearing_deg)) winds.append(new Option(t("direction-measured", one.bearing_deg), String(one.bearing_deg)));
  winds.value = one.bearing_deg === null ? "" : String(one.bearing_deg);
  winds.addEventListener("change", () => {
    one.bearing_deg = winds.value === "" ? null : Number(winds.value);
    void save();
  });
  direction.append(winds);
  const where = one.place ? `${one.place.lat.toFixed(5)}, ${one.place.lon.toFixed(5)}` : t("no-place");
  const remove = button(t("photograph-remove"), () => {
    draft.photographs = draft.photographs.filter(({ key }) => key !== one.key);
    void save().then(() => store.drop([one.key])).then(showPhotographs);
  });
  row.append(picture, caption, direction, el("p", "s", `${when(one.taken_at)} · ${where}`), remove);
  return row;
}

/** What the camera has just taken. */
interface Shot {
  at: Date;
  bearing: number | null;
}

/** What the camera takes is of here and now; what the gallery has is of whenever and wherever it was taken. */
async function add(item: Item, of: Draft, files: File[], shot: Shot | undefined): Promise<void> {
  say(t("photograph-keeping"));
  const place = shot ? await located(FIX_MS) : null;
  for (const file of files) {
    if (of.photographs.length >= MOST_PHOTOGRAPHS) return say(t("photographs-full", MOST_PHOTOGRAPHS));
    const blob = await shrink(file);
    const photo: Photo = { key: crypto.randomUUID(), account: item.account, blob, sha256: await sum(blob) };
    try {
      await store.keepPhoto(photo);
    } catch {
      return say(t("not-saved"));
    }
    // It was erased meanwhile, and this with it.
    if (current?.key !== item.key) return void (await store.drop([photo.key]));
    const taken = shot?.at ?? new Date(file.lastModified);
    of.photographs.push({ key: photo.key, caption: "", taken_at: taken.toISOString(), place, bearing_deg: shot?.bearing ?? null });
    await save();
  }
  await showPhotographs();
}

/** Until every picture that was chosen lies in its draft, also those that are chosen meanwhile. */
async function added(): Promise<void> {
  for (let seen: Promise<unknown> | undefined; seen !== adding; ) {
    seen = adding;
    await seen;
  }
}

/** Reais as people write them, "1.500,00", in centavos; null when nothing was written, NaN when it is no amount. */
export function centavos(text: string): number | null {
  const plain = text.replace(/[R$\s]/g, "");
  if (plain === "") return null;
  const isPtStyle = /^\d{1,3}(\.\d{3})*(,\d{1,2})?$|^\d+(,\d{1,2})?$/.test(plain);
  const number = isPtStyle ? Number(plain.replaceAll(".", "").replace(",", ".")) : Number(plain);
  return Number.isFinite(number) && number >= 0 ? Math.round(number * 100) : NaN;
}

/** What is sent. */
function body(key: string): Record<string, unknown> {
  const number = (name: string): number | null => (value(name) === "" ? null : Number(value(name)));
  const people = Object.fromEntries(numbers.filter((name) => name !== "units").map((name) => [name, number(name)]));
  const term = {
    key: draft.fields["term_key"], scope: value("scope"), part: value("scope") === "partial" ? value("part") : "", reason: value("reason"),
    apparent_damage: value("apparent_damage"), deadline: value("deadline") || null, appeal: value("appeal"), registry: value("registry"),
    signer_name: value("signer_name"), signer_role: value("signer_role"), signature: draft.signature, witness: draft.signature ? "" : value("witness"),
  };
  return {
    key, supersedes: draft.supersedes, correction_reason: draft.supersedes ? value("correction_reason") : "", occurrence: draft.occurrence,
    incident: draft.occurrence ? draft.incident : value("incident") || null, observed_at: draft.observedAt, registry: value("registry"), place: draft.place, street: value("street"),
    house_number: value("house_number"), complement: value("complement"), neighbourhood: value("neighbourhood"), building: value("building"),
    ownership: value("ownership"), units: number("units") ?? 1, damage: value("damage"), estimated_loss_centavos: centavos(value("loss")), people,
    risk: value("risk") || null, form: checklist?.version ?? "", answers: draft.answers, opinion: value("opinion"),
    recommendation: value("recommendation"), inspect_again_by: value("inspect_again_by") || null, photographs: draft.photographs,
    interdiction: draft.forbids ? term : null,
  };
}

/** Puts it into the queue, whole: the inspection and each of its pictures, in one step of the device. */
async function finish(): Promise<void> {
  take();
  showTerm();
  const finished = current;
  if (!finished || !form.reportValidity()) return;
  // A picture that is being made small belongs to it.
  await added();
  if (current?.key !== finished.key) return;
  draft.fields["term_key"] ??= crypto.randomUUID();
  await save();
  const now = Date.now();
  const { key, account, madeAt } = current;
  const inspection: Item = { ...current, state: "waiting", untouched: false, body: body(key), url: "/api/v1/inspections", draft: structuredClone(draft), refusal: undefined, changedAt: now };
  const pictures = draft.photographs.map((one, at): Item => ({
    key: one.key, account, kind: "photograph", state: "waiting", madeAt: madeAt + at + 1, changedAt: now, label: one.caption || t("photograph", at + 1), of: key, tries: 0,
  }));
  try {
    await store.keepAll([inspection, ...pictures]);
  } catch {
    return say(t("not-saved"));
  }
  current = undefined;
  // In the place of the form: going back leads out of it, and not into what waits.
  location.replace("#hoje");
  void sendAll();
}

/** The open incidents to choose from; where there is one alone, and it is real, a new inspection is of it. An occurrence knows its own. */
async function layIncidents(account: string): Promise<void> {
  const select = form.querySelector<HTMLSelectElement>("[data-field=incident]");
  const running = (await store.today(account))?.incidents ?? [];
  const [alone] = running.length === 1 && !running[0]?.drill ? running : [];
  const chosen = draft.fields["incident"] ?? draft.incident ?? alone?.id ?? "";
  draft.fields["incident"] = chosen;
  byId("incident-field").hidden = draft.occurrence !== null;
  for (const old of [...(select?.options ?? [])].slice(1)) old.remove();
  for (const one of running) select?.add(new Option(`${one.number} ${one.title}${one.drill ? ` · ${t("drill")}` : ""}`, one.id));
  // It was closed meanwhile; what was seen was seen.
  if (chosen && !running.some((one) => one.id === chosen)) select?.add(new Option(chosen, chosen));
}

/** Out of sight until it is filled from its draft: a word that is written before that would be lost. */
export function veil(): void {
  form.hidden = true;
}

async function begin(item: Item): Promise<void> {
  veil();
  current = item;
  draft = structuredClone(item.draft ?? empty());
  [isFresh, opened] = [item.untouched === true, ""];
  try {
    await layIncidents(item.account);
  } finally {
    show();
    form.hidden = false;
  }
  opened = written();
  say(checklist ? "" : t("no-checklist"));
  const refused = byId("form-refused");
  refused.hidden = !item.refusal;
  refused.replaceChildren();
  if (item.refusal) {
    refused.append(el("p", "", t("refused")), ...toldRefusal(item.refusal).map((line) => el("p", "s", line)));
  }
  form.scrollIntoView();
  void watch();
  if (!draft.place && item.tries === 0) {
    const place = await locate();
    if (place && current?.key === item.key && !draft.place) {
      draft.place = place;
      showPlace();
      await save();
    }
  }
}

function made(account: string, of: Draft): Item {
  const now = Date.now();
  return { key: crypto.randomUUID(), account, kind: "inspection", state: "draft", madeAt: now, changedAt: now, label: t("no-address"), draft: of, tries: 0, untouched: true };
}

/** A new one, of an occurrence if there is one. */
export async function open(account: string, of?: Occurrence): Promise<void> {
  const fresh = empty();
  if (of) {
    fresh.occurrence = of.id;
    // Whoever reported it wrote where it is in their own words; the public notice is made of the street.
    fresh.hint = of.place;
    fresh.fields = { neighbourhood: of.neighbourhood };
    if (of.lat !== null && of.lon !== null) fresh.place = { lat: of.lat, lon: of.lon, accuracy_m: null };
  }
  await begin(made(account, fresh));
}

/** One that lies here and was not taken yet. Its pictures leave the queue with it. */
export async function resume(item: Item): Promise<void> {
  const pictures = (await store.items(item.account)).filter((one) => one.of === item.key && one.state !== "sent");
  await store.keepAll([{ ...item, state: "draft" }, ...pictures.map((one): Item => ({ ...one, state: "draft" }))]);
  await begin({ ...item, state: "draft" });
}

/** Whether what the service has forbids the building already. Fails without a network. */
async function isForbidden(id: string): Promise<boolean> {
  const response = await fetch(`/api/v1/inspections/${encodeURIComponent(id)}`, { headers: { accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  const { interdictions } = (await response.json()) as { interdictions: { state: string }[] };
  return interdictions.some(({ state }) => state === "active");
}

/** The one that lies here as a correction of what the service has: pictures and all under new keys, because it knows the old ones. */
export async function correct(item: Item, id: string): Promise<void> {
  const old = structuredClone(item.draft ?? empty());
  const fresh: Draft = { ...old, supersedes: id, photographs: [] };
  delete fresh.fields["term_key"];
  // One house, one term: what was signed stands, and is not signed for twice.
  const stands = fresh.forbids && (await isForbidden(id));
  if (stands) {
    [fresh.forbids, fresh.signature] = [false, ""];
    for (const name of ["signer_name", "witness", "reason", "part", "apparent_damage", "deadline"]) delete fresh.fields[name];
  }
  const next = made(item.account, fresh);
  const photos: Photo[] = [];
  for (const one of old.photographs) {
    const kept = await store.photo(one.key);
    if (!kept) continue;
    const key = crypto.randomUUID();
    photos.push({ ...kept, key });
    fresh.photographs.push({ ...one, key });
  }
  next.untouched = false;
  await store.keepAll([next], photos);
  await begin(next);
  if (stands) say(t("already-forbidden"));
}

/** A correction of an inspection that the service knows. */
export async function correctById(account: string, id: string): Promise<boolean> {
  let found: Record<string, unknown>;
  try {
    const response = await fetch(`/api/v1/inspections/${encodeURIComponent(id)}`, { headers: { accept: "application/json" }, cache: "no-store" });
    if (!response.ok) return false;
    found = (await response.json()) as Record<string, unknown>;
  } catch {
    return false;
  }
  const fresh = { ...empty(), supersedes: id, observedAt: String(found["observed_at"]) };
  const text = (name: string): string => (found[name] === null || found[name] === undefined ? "" : String(found[name]));
  for (const name of [...numbers, "street", "house_number", "complement", "neighbourhood", "building", "ownership", "damage", "risk", "opinion", "recommendation", "registry", "inspect_again_by"]) fresh.fields[name] = text(name);
  const loss = found["estimated_loss_centavos"];
  if (typeof loss === "number") fresh.fields["loss"] = (loss / 100).toFixed(2).replace(".", ",");
  fresh.answers = (found["answers"] ?? {}) as Record<string, string>;
  if (typeof found["lat"] === "number" && typeof found["lon"] === "number") fresh.place = { lat: found["lat"], lon: found["lon"], accuracy_m: typeof found["accuracy_m"] === "number" ? found["accuracy_m"] : null };
  fresh.occurrence = (found["occurrence_id"] as string | null) ?? null;
  fresh.incident = (found["incident_id"] as string | null) ?? null;
  await begin(made(account, fresh));
  return true;
}

export const isOpen = (): boolean => current !== undefined;

/** Leaves the form; the draft stays. One into which nobody ever wrote does not. False: it could not be kept, and stays open. */
export async function leave(): Promise<boolean> {
  const left = current;
  if (!left) return true;
  await added();
  await writing;
  if (current?.key !== left.key) return true;
  take();
  try {
    if (isUntouched()) await store.drop([left.key]);
    else await store.keep({ ...left, ...current, state: "draft", draft: structuredClone(draft), label: label(), changedAt: Date.now(), untouched: false });
  } catch {
    say(t("not-saved"));
    return false;
  }
  if (current?.key === left.key) current = undefined;
  return true;
}

/** The key of the draft that is open. */
export const openKey = (): string | undefined => current?.key;

export function start(): void {
  layOut();
  const canvas = form.querySelector("canvas");
  if (canvas) {
    pad = new Pad(canvas, () => {
      draft.signature = pad?.text ?? "";
      showTerm();
      void save();
    });
  }
  byId("sign-clear").addEventListener("click", () => pad?.clear());
  form.addEventListener("input", () => {
    take();
    showTerm();
  });
  form.addEventListener("change", (event) => {
    const target = event.target;
    if (target instanceof HTMLInputElement && target.id === "forbids") draft.forbids = target.checked;
    take();
    showTerm();
    void save();
  });
  for (const id of ["camera", "album"]) {
    const input = byId<HTMLInputElement>(id);
    input.addEventListener("change", () => {
      const [item, of, files] = [current, draft, [...(input.files ?? [])]];
      input.value = "";
      if (!item) return;
      const shot = id === "camera" ? { at: new Date(), bearing: facing() } : undefined;
      adding = adding.then(() => add(item, of, files, shot)).catch(() => say(t("not-saved")));
    });
  }
  byId("place-here").addEventListener("click", () => {
    const asked = current?.key;
    byId("place-said").textContent = t("locating");
    void locate().then((place) => {
      // Another building is before them by now.
      if (current?.key !== asked) return;
      isFresh = false;
      if (place) draft.place = place;
      showPlace();
      if (!place) byId("place-said").textContent = t("locating-failed");
      void save();
    });
  });
  byId("place-clear").addEventListener("click", () => {
    draft.place = null;
    showPlace();
    void save();
  });
  let finishing: Promise<void> | undefined;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    finishing ??= finish().finally(() => (finishing = undefined));
  });
  byId("form-drop").addEventListener("click", () => {
    const gone = current;
    if (!gone || !window.confirm(t("drop-sure"))) return;
    const keys = [gone.key, ...draft.photographs.map(({ key }) => key)];
    current = undefined;
    void writing.then(() => store.drop(keys)).then(() => location.replace("#hoje"));
  });
  window.addEventListener("pagehide", () => {
    if (current) {
      take();
      void save();
    }
  });
}
