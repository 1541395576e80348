// Values that outlive a reload, in the browser tab's session storage. A browser without it forgets them.

export function load(key, fallback) {
  try {
    const text = sessionStorage.getItem(key);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

export function save(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // storage is full or forbidden: then a reload forgets
  }
}
