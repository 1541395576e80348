// Popovers lie outside of the app's element, which alone has the theme's `color-scheme`; colors of style.css need it there.

// `signal` ends it.
export function spreadColorScheme(signal) {
  const app = document.querySelector("[data-testid=stApp]");
  if (!app) return;
  const spread = () => (document.body.style.colorScheme = getComputedStyle(app).colorScheme);
  const observer = new MutationObserver(spread);
  observer.observe(app, { attributes: true, attributeFilter: ["class"] });
  signal.addEventListener("abort", () => observer.disconnect());
  spread();
}
