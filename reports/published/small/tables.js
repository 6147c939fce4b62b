// A search above every tall table: rows that hold all its words stay.
for (const window of document.querySelectorAll(".scroll.tall")) {
  const rows = [...window.querySelectorAll("tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const search = Object.assign(document.createElement("input"), { type: "search", placeholder: `Search ${rows.length} rows` });
  search.setAttribute("aria-label", `Search ${window.getAttribute("aria-label")}`);
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row, place) => { row.hidden = !words.every((word) => texts[place].includes(word)); });
  });
  const tools = document.createElement("div");
  tools.className = "tools";
  tools.append(search);
  window.before(tools);
}
