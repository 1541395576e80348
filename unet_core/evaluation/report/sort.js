// Tables are sorted by a click on a heading: numbers by value, undefined ones last, a second click turns the order.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const cells = [...table.tHead.rows[0].cells];
  cells.forEach((cell, column) =>
    cell.querySelector("button")?.addEventListener("click", () => {
      const ascending = cell.getAttribute("aria-sort") !== "ascending";
      const keyed = [...body.rows].map((row) => {
        const text = row.cells[column].textContent;
        return { row, text, number: text === "\u2013" ? NaN : Number(text) };
      });
      const numeric = keyed.every(({ text, number }) => text === "\u2013" || !Number.isNaN(number));
      keyed.sort((a, b) => {
        if (!numeric) return (ascending ? 1 : -1) * a.text.localeCompare(b.text, "en", { numeric: true });
        const missing = Number.isNaN(a.number) - Number.isNaN(b.number);
        return missing || (ascending ? 1 : -1) * (a.number - b.number);
      });
      for (const other of cells) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      body.append(...keyed.map(({ row }) => row));
    }),
  );
}
