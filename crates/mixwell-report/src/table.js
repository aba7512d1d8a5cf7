// Tables sort by a click on a heading; without this script they stand as they are. Numbers that are none come last.
for (const table of document.querySelectorAll("table.sorts")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
    button.addEventListener("click", () => {
      // Names begin with the first, numbers with the largest; another click turns the order round.
      const before = head.getAttribute("aria-sort") ?? (column === 0 ? "descending" : "ascending");
      const sign = before === "descending" ? 1 : -1;
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        const [u, v] = [Number(x), Number(y)];
        if (column === 0) return sign * x.localeCompare(y, "en", { numeric: true });
        if (Number.isNaN(u) || Number.isNaN(v)) return Number.isNaN(u) - Number.isNaN(v);
        return sign * (u - v);
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}
// What is folded away is printed.
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
