// A click on a heading sorts its table; a second one turns the order round.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.addEventListener("click", () => {
    const down = heading.dataset.order ? heading.dataset.order === "up" : heading.classList.contains("number");
    headings.forEach((other) => delete other.dataset.order);
    heading.dataset.order = down ? "down" : "up";
    const value = (row) => {
      const cell = row.cells[column], number = parseFloat(cell.dataset.value ?? cell.textContent);
      return heading.classList.contains("number") ? number : cell.textContent.trim();
    };
    const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1);
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => order(value(a), value(b))));
  }));
}
