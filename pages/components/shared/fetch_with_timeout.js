import { visitorHeaders } from "./visitor.js";

const TIMEOUT = 20_000; // ms after which a request counts as lost

// Fetch text within a limited time. Aborted early by `signal`, when the element goes.
export async function fetchWithTimeout(url, signal) {
  const request = new AbortController();
  const stop = () => request.abort();
  const timer = setTimeout(stop, TIMEOUT);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const options = { signal: request.signal, headers: visitorHeaders(), cache: "no-store" };
    const response = await fetch(url, options);
    return { status: response.status, ok: response.ok, text: await response.text() };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

// The address of a route of a run, below the page's own folder: the app may be served from a base path.
export function runUrl(run, route, query = {}) {
  const url = new URL(`api/runs/${encodeURIComponent(run)}/${route}`, new URL(".", location.href));
  url.search = new URLSearchParams(query);
  return url;
}
