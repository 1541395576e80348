// The address of a view: that of the page, with what its defaults leave out.

export function addressOf(href, params) {
  const url = new URL(href);
  url.hash = "";
  for (const [name, value] of Object.entries(params)) {
    if (name === "model") url.searchParams.delete("run"); // the page reads `model` first and calls it `run`
    url.searchParams.set(name, value);
  }
  return url.href;
}
