const PATIENCE = 20000; // ms after which a question to the server counts as lost

// Fetch with an end: given up after a while, or when the element goes.
async function patiently(place, gone) {
  const request = new AbortController();
  const stop = () => request.abort();
  const timer = setTimeout(stop, PATIENCE);
  gone.addEventListener("abort", stop, { once: true });
  try {
    const reply = await fetch(place, { signal: request.signal, cache: "no-store" });
    return { status: reply.status, ok: reply.ok, text: await reply.text() };
  } finally {
    clearTimeout(timer);
    gone.removeEventListener("abort", stop);
  }
}
