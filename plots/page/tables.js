// Tables sort by the button in a column's head; cells that say nothing come last, either way.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    if (head.title) button.title = head.title;
    head.replaceChildren(button);
    button.addEventListener("click", () => sort(table, heads, column));
  });
  if (heads[0].classList.contains("number")) heads[0].setAttribute("aria-sort", "ascending");  // ranks
}

function sort(table, heads, column) {
  const head = heads[column];
  const before = head.getAttribute("aria-sort");
  const first = head.classList.contains("number") && column ? "descending" : "ascending";
  const direction = { ascending: "descending", descending: "ascending" }[before] ?? first;
  heads.forEach((each) => each.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", direction);
  const isNumber = head.classList.contains("number");
  const value = (row) => row.cells[column].dataset.value;
  const compare = isNumber ? (a, b) => a - b : (a, b) => a.localeCompare(b);
  const rows = [...table.tBodies[0].rows];
  const known = rows.filter((row) => value(row) !== undefined);
  known.sort((a, b) => compare(value(a), value(b)));
  if (direction === "descending") known.reverse();
  table.tBodies[0].append(...known, ...rows.filter((row) => value(row) === undefined));
}
