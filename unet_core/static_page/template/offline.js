// The service worker, which keeps the files of this page, so that it works without network after the first visit.

// `say(text)`: where that stands; `offer(apply)`: a newer version of the page is there, `apply()` loads it.
export async function keepOffline(say, offer) {
  if (!navigator.serviceWorker) {
    say("Not available offline: the browser keeps pages only over https.");
    return;
  }
  try {
    const registration = await navigator.serviceWorker.register(new URL("sw.js", import.meta.url));
    const check = (worker) => {
      if (worker?.state === "installed" && navigator.serviceWorker.controller) offer(() => update(worker));
      else if (worker?.state === "redundant") say("Not available offline: the browser could not keep the files.");
    };
    check(registration.waiting);
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing;
      worker?.addEventListener("statechange", () => check(worker));
    });
    registration.installing?.addEventListener("statechange", ({ target }) => check(target));
    await navigator.serviceWorker.ready;
    say("Works offline: all files are kept in this browser.");
  } catch {
    say("Not available offline: this browser keeps no pages here.");
  }
}

function update(worker) {
  navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
  worker.postMessage("update");
}
