// Lists a cell's questions from window.cell: filtered, fifty at a time, so that a hundred thousand rows stay quick.
const PAGE = 50;
const { rows, duration, evidence } = window.cell;
const by = (id) => document.getElementById(id);
let matching = rows;
let first = 0;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function outcome(row) {
  if (row.parsed === null) return "unparsable";
  return row.score === 1 ? "right" : row.score === 0 ? "wrong" : `score ${row.score}`;
}

function differs(row) {
  return row.theirs !== null && row.theirs !== row.score;
}

function strip(row) {
  const told = evidence[row.question_id] || [];
  const times = row.shown.map(([time]) => time);
  const length = duration[row.video_id] || Math.max(1, ...times, ...told.map(([, end]) => end)) * 1.02;
  const x = (time) => (10 + (980 * time) / length).toFixed(1);
  const parts = told.map(([start, end]) => {
    const width = Math.max(4, (980 * (end - start)) / length).toFixed(1);
    return `<rect class="evidence" x="${x(start)}" y="0" width="${width}" height="26"/>`;
  });
  parts.push('<line class="axis" x1="10" x2="990" y1="13" y2="13"/>');
  for (const [time, kind] of row.shown) {
    const reach = kind === "P" ? [8, 18] : [2, 24];
    parts.push(`<line class="${kind === "P" ? "p" : "i"}" x1="${x(time)}" x2="${x(time)}" y1="${reach[0]}" y2="${reach[1]}" vector-effect="non-scaling-stroke"/>`);
  }
  const holder = document.createElement("div");
  holder.innerHTML = `<svg class="strip" viewBox="0 0 1000 26" preserveAspectRatio="none" role="img" aria-label="${row.shown.length} frames shown">${parts.join("")}</svg>`;
  return holder.firstChild;
}

function item(row) {
  const line = element("li");
  const head = element("div", "q");
  head.append(element("p", "", row.question));
  line.append(head);
  const state = outcome(row);
  const looks = { right: "reproduced", wrong: "contradicted", unparsable: "inconclusive" }[state] || "not-run";
  const verdict = element("span", `verdict ${looks}`, state);
  const said = element("div", "row");
  said.append(verdict, ` · right answer: ${row.answer} · parsed: ${row.parsed === null ? "nothing" : row.parsed} · raw: “${row.raw}”`);
  if (differs(row)) said.append(` · lmms-eval: ${row.theirs}`);
  line.append(said);
  if (row.shown.length) line.append(strip(row));
  const kinds = ["I", "P"].map((kind) => [kind, row.shown.filter((shown) => shown[1] === kind).map(([time]) => time.toFixed(2))]);
  const listed = kinds.filter(([, times]) => times.length).map(([kind, times]) => `${kind} at ${times.slice(0, 40).join(", ")}${times.length > 40 ? ", …" : ""} s`);
  const facts = [row.question_id, row.video_id, row.type, row.part, row.label, `${row.visual_tokens} visual tokens`, ...listed];
  if (row.seed !== undefined) facts.push(`seed ${row.seed}`);
  if (row.options.length) facts.push(`options: ${row.options.join(", ")}`);
  if (row.queries && row.queries.length) facts.push(`queries: ${row.queries.join("; ")}`);
  line.append(element("div", "row", facts.filter(Boolean).join(" · ")));
  return line;
}

function show() {
  by("asked").replaceChildren(...matching.slice(first, first + PAGE).map(item));
  const last = Math.min(first + PAGE, matching.length);
  by("place").textContent = matching.length ? `${first + 1}–${last} of ${matching.length}` : "";
  by("before").disabled = first === 0;
  by("after").disabled = last >= matching.length;
}

function filter() {
  const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [type, wanted] = [by("type").value, by("outcome").value];
  const chosen = ["part", "label"].filter((id) => by(id) && by(id).value);
  matching = rows.filter((row) => {
    if (type && row.type !== type) return false;
    if (wanted && (wanted === "differs" ? !differs(row) : outcome(row) !== wanted)) return false;
    if (chosen.some((id) => row[id] !== by(id).value)) return false;
    if (!words.length) return true;
    const text = `${row.question} ${row.answer} ${row.parsed} ${row.question_id} ${row.video_id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  by("count").textContent = `${matching.length} of ${rows.length} questions, ${matching.filter((row) => row.score === 1).length} right`;
  first = 0;
  show();
}

const controls = ["search", "type", "outcome", "part", "label"].filter(by);
for (const id of controls) by(id).addEventListener("input", filter);
by("before").addEventListener("click", () => { first -= PAGE; show(); });
by("after").addEventListener("click", () => { first += PAGE; show(); window.scrollTo(0, 0); });
const asked = new URLSearchParams(location.hash.slice(1));
for (const id of controls) if (asked.has(id)) by(id).value = asked.get(id);
filter();
