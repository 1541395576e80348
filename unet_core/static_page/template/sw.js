// Keeps the files of one version of this page. Python fills in VERSION and FILES when the page is made.

const VERSION = "{version}";
const FILES = {files}; // address below this folder: its SHA-256, as browsers check it
const PREFIX = `unet-page ${self.registration.scope} `; // other pages of this server have their own
const CACHE = PREFIX + VERSION;

self.addEventListener("install", (event) => event.waitUntil(keepAll()));

self.addEventListener("activate", (event) => event.waitUntil(dropOthers()));

self.addEventListener("message", ({ data }) => {
  if (data === "update") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(request));
});

async function keepAll() {
  const cache = await caches.open(CACHE);
  // "no-cache" asks the server whether a file is still the same; the digest refuses what is of another version.
  await Promise.all(Object.entries(FILES).map(async ([address, integrity]) => {
    const url = new URL(address, self.registration.scope);
    const response = await fetch(url, { cache: "no-cache", integrity });
    if (!response.ok) throw new Error(`${address}: ${response.status}`);
    await cache.put(url, response);
  }));
}

async function dropOthers() {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

async function answer(request) {
  const cache = await caches.open(CACHE);
  // The page itself is kept under the folder's address: some servers lead from index.html to it.
  const { scope } = self.registration;
  const isPage = request.mode === "navigate" && [scope, `${scope}index.html`].includes(request.url.split(/[?#]/)[0]);
  const kept = await cache.match(isPage ? scope : request, { ignoreSearch: true, ignoreVary: true });
  return kept ?? fetch(request);
}
