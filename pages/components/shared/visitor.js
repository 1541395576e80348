// Who asks, where the browser keeps no cookie of a public server: its pages then say it in their data (see LOADER in
// pages/components/__init__.py), and every request repeats it.
export function visitorHeaders() {
  const visitor = globalThis.unetVisitor;
  return visitor ? { "X-Unet-Visitor": visitor } : {};
}
