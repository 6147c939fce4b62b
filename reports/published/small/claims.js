// Filters the ledger's rows by words, verdict and paper.
const tools = document.getElementById("filters");
const [search, verdict, paper, shown] = tools.children;
function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const section of document.querySelectorAll("section[data-status]")) {
    const wanted = !verdict.value || section.dataset.status === verdict.value;
    let inside = 0;
    for (const row of section.querySelectorAll("tbody tr")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !(wanted && (!paper.value || row.dataset.paper === paper.value) && words.every((word) => text.includes(word)));
      inside += row.hidden ? 0 : 1;
    }
    section.hidden = inside === 0 && (words.length > 0 || verdict.value !== "" || paper.value !== "");
    count += inside;
  }
  shown.textContent = `${count} shown`;
}
for (const control of [search, verdict, paper]) control.addEventListener("input", filter);
filter();
