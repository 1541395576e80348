// Looks into shadow roots too: there our components are. What lies in something that scrolls by itself (a table, a strip
// of thumbnails) can be scrolled into view and is not outside.
async () => {
  const faults = new Set();
  const controls = "button, a[href], input, select, textarea, summary, [role=radio], [role=tab], [role=slider], [role=combobox]";
  const parentOf = (node) => node.assignedSlot ?? node.parentElement ?? node.getRootNode().host ?? null;
  const describe = (node) => {
    const words = (node.getAttribute?.("aria-label") || node.textContent || node.getAttribute?.("class") || "").trim();
    return `${node.tagName.toLowerCase()} "${words.replace(/\s+/g, " ").slice(0, 60)}"`;
  };
  const isShown = (node) => node.checkVisibility({ visibilityProperty: true, opacityProperty: true, contentVisibilityAuto: true });
  // For screen readers alone: one pixel, or clipped to nothing.
  const isHidden = (node) => {
    for (let at = node; at; at = parentOf(at)) {
      const style = getComputedStyle(at), box = at.getBoundingClientRect();
      if (style.display !== "contents" && style.display !== "inline" && (box.width <= 1.5 || box.height <= 1.5)) {
        if (style.overflowX !== "visible" || style.position === "absolute") return true;
      }
      if (style.clipPath.startsWith("inset(50%") || style.clip === "rect(0px, 0px, 0px, 0px)") return true;
      if (at.getAttribute("aria-hidden") === "true" && at.closest("[data-testid=stDataFrame]")) return true;
    }
    return false;
  };
  const tells = (node, text) => {  // the whole text is at hand: as a title, a name, or in the tooltip of Streamlit's help
    for (let at = node, n = 0; at && n < 12; at = parentOf(at), n += 1) {
      const said = `${at.getAttribute("title") ?? ""} ${at.getAttribute("aria-label") ?? ""}`;
      if (said.includes(text)) return true;
      if (at.matches(".stTooltipHoverTarget, .stTooltipIcon, [data-testid=stTooltipHoverTarget]")) return true;
    }
    return false;
  };
  const scrolls = (node) => {
    const style = getComputedStyle(node);
    return /auto|scroll/.test(style.overflowX) && node.scrollWidth > node.clientWidth;
  };
  const inScroller = (node) => {
    for (let at = parentOf(node); at; at = parentOf(at)) if (at !== document.documentElement && at !== document.body && scrolls(at)) return true;
    return false;
  };
  const skip = "[data-testid=stSidebar][aria-expanded=false], [data-testid=stDataFrame], .js-plotly-plot, canvas, script, style, [data-testid=stStatusWidget]";
  const root = document.scrollingElement;
  const main = document.querySelector("[data-testid=stMain]");
  if (root.scrollWidth > root.clientWidth + 1) faults.add(`the document scrolls sideways: ${root.scrollWidth} of ${root.clientWidth} px`);
  if (main && main.scrollWidth > main.clientWidth + 1) faults.add(`the page scrolls sideways: ${main.scrollWidth} of ${main.clientWidth} px`);

  const texts = (node, found) => {
    for (const child of node.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) { if (child.data.trim()) found.push(child); }
      else if (child.nodeType === Node.ELEMENT_NODE && !child.matches(skip)) texts(child, found);
    }
    if (node.shadowRoot) texts(node.shadowRoot, found);
    return found;
  };
  for (const text of texts(document.body, [])) {
    const holder = text.parentElement ?? text.getRootNode().host;
    if (!holder || !isShown(holder) || isHidden(holder)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 1);
    if (!boxes.length) continue;
    const left = Math.min(...boxes.map((box) => box.left)), right = Math.max(...boxes.map((box) => box.right));
    let edge = [0, innerWidth], scrollable = false;
    for (let at = holder; at && !scrollable; at = parentOf(at)) {
      if (scrolls(at) && at !== main) scrollable = true;
      else if (getComputedStyle(at).overflowX !== "visible" && getComputedStyle(at).display !== "inline") {
        const box = at.getBoundingClientRect();
        edge = [Math.max(edge[0], box.left), Math.min(edge[1], box.right)];
      }
    }
    if (scrollable) continue;
    if ((left < edge[0] - 1.5 || right > edge[1] + 1.5) && !tells(holder, text.data.trim()))
      faults.add(`cut: ${describe(holder)} (${Math.round(left)} to ${Math.round(right)}, seen ${Math.round(edge[0])} to ${Math.round(edge[1])})`);
  }

  const all = (node, found) => {
    for (const child of node.querySelectorAll("*")) {
      if (child.matches(controls) && !child.closest(skip)) found.push(child);
      if (child.shadowRoot && !child.closest(skip)) all(child.shadowRoot, found);
    }
    return found;
  };
  const hit = (x, y) => {
    let at = document.elementFromPoint(x, y);
    while (at?.shadowRoot?.elementFromPoint(x, y) && at.shadowRoot.elementFromPoint(x, y) !== at) at = at.shadowRoot.elementFromPoint(x, y);
    return at;
  };
  const contains = (outer, inner) => {
    for (let at = inner; at; at = parentOf(at)) if (at === outer) return true;
    return false;
  };
  const places = [main, ...document.querySelectorAll("*")].filter((node) => node && node.scrollTop);
  const tops = places.map((node) => [node, node.scrollTop]);
  const dialog = [...document.querySelectorAll("[role=dialog]")].filter(isShown).at(-1);
  const names = [...document.querySelectorAll("dialog[open]")];
  for (const control of all(document, [])) {
    if (names.length || (dialog && !dialog.contains(control))) continue;
    if (!isShown(control) || isHidden(control)) continue;
    let box = control.getBoundingClientRect();
    const shape = control.matches("input[type=radio], input[type=checkbox]") ? control.closest("label") ?? control : control;
    if (box.width < 2 || box.height < 2) continue;
    const [first, last] = [shape.getBoundingClientRect().left, shape.getBoundingClientRect().right]; // before it is scrolled to
    shape.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
    box = shape.getBoundingClientRect();
    root.scrollLeft = 0;
    box = shape.getBoundingClientRect();
    const x = box.left + box.width / 2, y = box.top + box.height / 2;
    if ((first < -1.5 || last > innerWidth + 1.5) && !inScroller(shape))
      faults.add(`outside: ${describe(control)} (${Math.round(first)} to ${Math.round(last)} of ${innerWidth})`);
    const top = hit(x, y);
    const label = control.closest("label") ?? (control.id && control.getRootNode().querySelector(`label[for="${CSS.escape(control.id)}"]`));
    const belongs = !top || contains(shape, top) || contains(top, shape) || (label && contains(label, top)) || control.matches(":disabled");
    if (!belongs) faults.add(`covered: ${describe(control)} by ${describe(top)}`);
    const isOurs = control.getRootNode() !== document;
    if (isOurs && !control.closest("p") && (box.width < 23.5 || box.height < 23.5))
      faults.add(`small: ${describe(control)} (${Math.round(box.width)} x ${Math.round(box.height)} px)`);
  }
  for (const [node, top] of tops) node.scrollTop = top;
  if (main && !tops.length) main.scrollTop = 0;
  return [...faults];
}
