// The menu of pages in a narrow window lies over the page: it goes when a page was chosen, and with Escape.

const NARROW = 768; // px, below which Streamlit puts the menu there

// `signal` ends it.
export function closeMenuAfterChoice(signal) {
  const close = () => {
    const opened = document.querySelector("[data-testid=stSidebar][data-collapsed=false]");
    if (opened && innerWidth < NARROW) opened.querySelector("[data-testid=stSidebarCollapseButton] button")?.click();
  };
  document.addEventListener("click", (event) => {
    // After Streamlit's own listener, which opens the page.
    if (event.target.closest?.("[data-testid=stSidebarNavLink]")) setTimeout(close);
  }, { signal, capture: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) close();
  }, { signal });
}
