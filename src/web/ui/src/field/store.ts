// The device's own memory: drafts, what waits to be sent, pictures, and the last list of work. Everything names the account that it belongs
// to, and is read by that account alone.

import type { Item, Photo, Today } from "./types";

const NAME = "sentinela-campo";
const STORES = ["items", "photos", "meta"] as const;
type Store = (typeof STORES)[number];

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((done, fail) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("items", { keyPath: "key" }).createIndex("account", "account");
      request.result.createObjectStore("photos", { keyPath: "key" }).createIndex("account", "account");
      request.result.createObjectStore("meta", { keyPath: "name" });
    };
    request.onsuccess = () => {
      const db = request.result;
      // Some telephones drop what is open while the app is behind another one; it is opened again by whoever needs it next.
      const forget = (): void => void (opened = undefined);
      db.onclose = forget;
      db.onversionchange = () => {
        db.close();
        forget();
      };
      done(db);
    };
    request.onerror = () => {
      opened = undefined;
      fail(request.error);
    };
  });
  return opened;
}

/** One transaction over some stores; resolves once it is on the device, and not before. */
async function within<T>(stores: Store[], mode: IDBTransactionMode, act: (of: (store: Store) => IDBObjectStore) => IDBRequest<T> | undefined): Promise<T> {
  let tx: IDBTransaction;
  try {
    tx = (await open()).transaction(stores, mode, { durability: "strict" });
  } catch (error) {
    // What was dropped without a word is found out only here.
    if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
    opened = undefined;
    tx = (await open()).transaction(stores, mode, { durability: "strict" });
  }
  return new Promise((done, fail) => {
    const request = act((store) => tx.objectStore(store));
    tx.oncomplete = () => done(request?.result as T);
    tx.onerror = () => fail(tx.error);
    tx.onabort = () => fail(tx.error);
  });
}

export function keep(item: Item): Promise<unknown> {
  return within(["items"], "readwrite", (of) => of("items").put(item));
}

/** Several at once, or none. */
export function keepAll(items: Item[], photos: Photo[] = []): Promise<unknown> {
  return within(["items", "photos"], "readwrite", (of) => {
    for (const photo of photos) of("photos").put(photo);
    for (const item of items) of("items").put(item);
    return undefined;
  });
}

export function find(key: string): Promise<Item | undefined> {
  return within<Item | undefined>(["items"], "readonly", (of) => of("items").get(key));
}

/** Of one account, in the order in which they were made. */
export async function items(account: string): Promise<Item[]> {
  const all = await within<Item[]>(["items"], "readonly", (of) => of("items").index("account").getAll(account));
  return all.sort((a, b) => a.madeAt - b.madeAt || a.key.localeCompare(b.key));
}

export function keepPhoto(photo: Photo): Promise<unknown> {
  return within(["photos"], "readwrite", (of) => of("photos").put(photo));
}

export function photo(key: string): Promise<Photo | undefined> {
  return within<Photo | undefined>(["photos"], "readonly", (of) => of("photos").get(key));
}

/** What of something sent stays here: that it was sent, and of an act what it was, but neither names nor signature nor words. */
function bare({ draft: _, body, ...rest }: Item): Item {
  const { act, id } = (body ?? {}) as { act?: string; id?: string };
  return act === undefined ? rest : { ...rest, body: { act, id } };
}

/** What was sent needs its picture no longer, and no names; all changes together. */
export function settle(item: Item): Promise<unknown> {
  return within(["items", "photos"], "readwrite", (of) => {
    if (item.kind === "photograph") of("photos").delete(item.key);
    return of("items").put(bare(item));
  });
}

/** Of every account: drops what was sent before `time`, but an inspection whose pictures still wait, and strips what was sent since. */
export async function tidy(time: number): Promise<void> {
  const all = await within<Item[]>(["items"], "readonly", (of) => of("items").getAll());
  const awaited = new Set(all.filter((item) => item.kind === "photograph" && item.state !== "sent").map((item) => item.of));
  const sent = all.filter((item) => item.state === "sent");
  const [kept, old] = [sent.filter((item) => item.changedAt >= time || awaited.has(item.key)), sent.filter((item) => item.changedAt < time && !awaited.has(item.key))];
  await drop(old.map((item) => item.key));
  const named = kept.filter((item) => item.draft !== undefined || Object.keys(item.body ?? {}).some((field) => field !== "act" && field !== "id"));
  if (named.length) await keepAll(named.map(bare));
}

export function drop(keys: string[]): Promise<unknown> {
  return within(["items", "photos"], "readwrite", (of) => {
    for (const key of keys) {
      of("items").delete(key);
      of("photos").delete(key);
    }
    return undefined;
  });
}

async function meta<T>(name: string): Promise<T | undefined> {
  const found = await within<{ name: string; value: T } | undefined>(["meta"], "readonly", (of) => of("meta").get(name));
  return found?.value;
}

function setMeta(name: string, value: unknown): Promise<unknown> {
  return within(["meta"], "readwrite", (of) => (value === undefined ? of("meta").delete(name) : of("meta").put({ name, value })) as IDBRequest<unknown>);
}

/** Whose telephone this is now; nobody's after they signed out. */
export const account = (): Promise<string | undefined> => meta("account");
export const setAccount = (id: string | undefined): Promise<unknown> => setMeta("account", id);

/** A sign-out that the service has not heard of yet. */
export const owedSignOut = (): Promise<string | undefined> => meta("sign-out");
export const oweSignOut = (account: string | undefined): Promise<unknown> => setMeta("sign-out", account);

export const today = (id: string): Promise<Today | undefined> => meta(`today:${id}`);
/** Without the session's secret. */
export const setToday = (id: string, value: Today | undefined): Promise<unknown> => setMeta(`today:${id}`, value && { ...value, csrf: "" });
