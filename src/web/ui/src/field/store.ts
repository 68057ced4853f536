// The device's own memory: drafts, what waits to be sent, pictures, and the last list of work. Everything names the account that it belongs
// to, and is read by that account alone.

import type { Item, Photo, Today } from "./types";

const NAME = "sentinela-campo";
const STORES = ["items", "photos", "meta"] as const;
type Store = (typeof STORES)[number];

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((done, fail) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("items", { keyPath: "key" }).createIndex("account", "account");
      request.result.createObjectStore("photos", { keyPath: "key" }).createIndex("account", "account");
      request.result.createObjectStore("meta", { keyPath: "name" });
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  return opened;
}

/** One transaction over some stores; resolves once it is on the device, and not before. */
async function within<T>(stores: Store[], mode: IDBTransactionMode, act: (of: (store: Store) => IDBObjectStore) => IDBRequest<T> | undefined): Promise<T> {
  const db = await open();
  return new Promise((done, fail) => {
    const tx = db.transaction(stores, mode, { durability: "strict" });
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

/** What was sent needs its picture no longer; both change together. */
export function settle(item: Item): Promise<unknown> {
  return within(["items", "photos"], "readwrite", (of) => {
    if (item.kind === "photograph") of("photos").delete(item.key);
    return of("items").put(item);
  });
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
