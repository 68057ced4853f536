// Lets the app open without a network: keeps its shell, which names nobody, once for each version. Everything else goes to the service, and
// nothing of it is kept here.

interface Campo {
  version: string;
  shell: string[];
}
interface Lifetime extends Event {
  waitUntil(done: Promise<unknown>): void;
}
interface Fetching extends Lifetime {
  request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Scope {
  CAMPO: Campo;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  addEventListener(name: "install" | "activate", act: (event: Lifetime) => void): void;
  addEventListener(name: "fetch", act: (event: Fetching) => void): void;
  addEventListener(name: "message", act: (event: MessageEvent & Lifetime) => void): void;
}

const scope = self as unknown as Scope;
const PAGE = "/campo";
const PREFIX = "campo-";
const { version, shell } = scope.CAMPO;
const NAME = PREFIX + version;

/** Kept only when it is the thing itself: no sign-in, no error. */
async function fetched(path: string): Promise<Response> {
  const response = await fetch(path, { cache: "reload", credentials: "same-origin" });
  if (!response.ok || response.redirected) throw new Error(`${path}: ${response.status}`);
  return response;
}

async function install(): Promise<void> {
  const cache = await caches.open(NAME);
  await Promise.all([PAGE, ...shell].map(async (path) => cache.put(path, await fetched(path))));
  await scope.skipWaiting();
}

async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await scope.clients.claim();
}

async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(NAME);
  return (await cache.match(path)) ?? fetch(request);
}

/** The page anew, in the language that is read now. Answers which that is. */
async function refresh(): Promise<string> {
  const response = await fetched(PAGE);
  const lang = /<html lang="([^"]+)"/.exec(await response.clone().text())?.[1] ?? "";
  await (await caches.open(NAME)).put(PAGE, response);
  return lang;
}

scope.addEventListener("install", (event) => event.waitUntil(install()));
scope.addEventListener("activate", (event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  const isPage = event.request.mode === "navigate" && url.pathname === PAGE && url.search === "";
  if (isPage || (url.search === "" && shell.includes(url.pathname))) event.respondWith(answer(event.request, url.pathname));
});
scope.addEventListener("message", (event) => {
  const port = event.ports[0];
  if (event.data !== "refresh" || !port) return;
  event.waitUntil(refresh().then((lang) => port.postMessage(lang), () => port.postMessage("")));
});
