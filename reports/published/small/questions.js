// Lists a benchmark's questions under one system, twenty at a time. Data come from scripts beside the page, loaded when needed:
// index (types, systems), of-<system> (outcomes), and pieces of text, videos and answers. A page from disk may load nothing else.
const PAGE = 20;
const OUTCOMES = { right: 1, wrong: 2, unparsable: 4, differs: 8, partly: 16 };
const folder = document.currentScript.dataset.folder;
const by = (id) => document.getElementById(id);
const arrived = new Map();
const asked = new Map();
let index, own, matching, first = 0, turn = 0;

window.given = (name, content) => arrived.set(name, content);

function load(name) {
  if (!asked.has(name)) {
    asked.set(name, new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${folder}/${name}.js`;
      script.onload = () => { resolve(arrived.get(name)); arrived.delete(name); script.remove(); };
      script.onerror = () => reject(new Error(`${script.src} is missing: render the report again`));
      document.head.append(script);
    }));
  }
  return asked.get(name);
}

// Row `number` of a kind that is cut into pieces.
async function row(kind, number) {
  const starts = index.starts[kind];
  let piece = starts.findIndex((start) => start > number) - 1;
  if (piece < 0) piece = starts.length - 1;
  return (await load(`${kind}-${piece}`))[number - starts[piece]];
}

function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

const seconds = (time) => Number(time.toFixed(2));

function strip([times, kinds], evidence, duration) {
  const length = duration || Math.max(1, ...times, ...evidence.map(([, end]) => end)) * 1.02;
  const x = (time) => (10 + (980 * time) / length).toFixed(1);
  const parts = evidence.map(([start, end]) => `<rect class="evidence" x="${x(start)}" y="0" width="${Math.max(4, (980 * (end - start)) / length).toFixed(1)}" height="26"/>`);
  parts.push('<line class="axis" x1="10" x2="990" y1="13" y2="13"/>');
  times.forEach((time, place) => {
    const delta = kinds[place] === "P";
    parts.push(`<line class="${delta ? "p" : "i"}" x1="${x(time)}" x2="${x(time)}" y1="${delta ? 8 : 2}" y2="${delta ? 18 : 24}" vector-effect="non-scaling-stroke"/>`);
  });
  const holder = document.createElement("div");
  holder.innerHTML = `<svg class="strip" viewBox="0 0 1000 26" preserveAspectRatio="none" role="img" aria-label="${times.length} frames shown">${parts.join("")}</svg>`;
  return holder.firstChild;
}

// The frames shown, cut out of the video's sheet; a moment that the sheet lacks is named only.
function frames([times, kinds], sheet) {
  if (typeof sheet === "string") return element("p", "row", sheet ? `Frames not drawn: ${sheet}.` : "");
  const [file, drawn, width, height, across] = sheet;
  const scale = 64 / height;
  const line = element("div", "frames");
  times.forEach((time, place) => {
    const delta = kinds[place] === "P";
    const at = drawn.indexOf(time);
    const picture = element("span", "picture-of");
    if (at >= 0) {
      Object.assign(picture.style, {
        width: `${width * scale}px`, height: `${height * scale}px`, backgroundImage: `url("${file}")`,
        backgroundSize: `${width * scale * Math.min(across, drawn.length)}px auto`,
        backgroundPosition: `${-width * scale * (at % across)}px ${-height * scale * Math.floor(at / across)}px`,
      });
    }
    const shown = element("figure", delta ? "delta" : "key", picture, element("figcaption", "", `${delta ? "Δ " : ""}${seconds(time)} s`));
    shown.setAttribute("role", "img");
    shown.setAttribute("aria-label", `${delta ? "P-frame" : "frame"} at ${seconds(time)} seconds`);
    line.append(shown);
  });
  return line;
}

function state(parsed, score) {
  if (parsed === null) return ["inconclusive", "unparsable"];
  return score === 1 ? ["reproduced", "right"] : score === 0 ? ["contradicted", "wrong"] : ["not-run", `score ${score}`];
}

function said(entry, several) {
  const [seed, , tokens, raw, parsed, score, theirs] = entry;
  const [look, word] = state(parsed, score);
  const how = parsed === null ? `“${raw}” commits to no option` : parsed === 1 ? `said “${raw}”, read as it stands` : `said “${raw}”, read as ${parsed}`;
  const told = [how, `${tokens} visual tokens`];
  if (theirs !== undefined && theirs !== null) told.push(`lmms-eval scores it ${theirs}`);
  return element("div", "row said", element("span", `verdict ${look}`, word), ` · ${several ? `seed ${seed}: ` : ""}${told.join(" · ")}`);
}

function everyone([ways, , answers], evidence, duration) {
  const holder = element("details", "everyone");
  const entries = Object.entries(answers);
  const right = entries.filter(([, told]) => told.every((entry) => entry[5] === 1)).length;
  holder.append(element("summary", "", `Every system: ${right} of ${entries.length} right${entries.some(([, told]) => told.length > 1) ? " in every seed" : ""}`));
  holder.addEventListener("toggle", () => {
    if (holder.children.length > 1) return;
    const body = element("tbody", "");
    for (const [number, told] of entries) {
      const system = index.systems[number];
      const name = element("th", "words", element("a", "", system.model), element("span", "note", system.sampling));
      name.firstChild.href = `#cell=${system.name}`;
      const answered = element("td", "words");
      for (const entry of told) {
        const [look, word] = state(entry[4], entry[5]);
        answered.append(element("div", "", element("span", `verdict ${look}`, word), ` ${entry[4] === 1 ? entry[3] : entry[4] === null ? `“${entry[3]}”` : `${entry[4]} (“${entry[3]}”)`}`));
      }
      const looked = element("td", "seen", `${told[0][2]} tokens`);
      if (ways[told[0][1]][0].length) looked.append(strip(ways[told[0][1]], evidence, duration));
      body.append(element("tr", "", name, answered, looked));
    }
    holder.append(element("div", "scroll", element("table", "", body)));
  });
  return holder;
}

async function item(number) {
  const [text, answers] = await Promise.all([row("text", number), row("answers", number)]);
  const [id, place, video, question, options, answer, evidence] = text;
  const [duration, sheet] = await row("videos", place);
  const [ways, queries, told] = answers;
  const entries = told[by("cell").selectedIndex] || [];
  const line = element("li", "", element("div", "q", element("p", "", question)));
  const facts = [`right answer: ${answer}`, options.length ? `options: ${options.join(", ")}` : "", id, video, index.type.names[index.type.of[number]], index.part.names[index.part.of[number]]];
  if (own.labels && own.labels[number] >= 0) facts.push(index.labels[own.labels[number]]);
  line.append(element("div", "row", facts.filter(Boolean).join(" · ")));
  if (!entries.length) line.append(element("div", "row said", "not asked"));
  const seen = new Set();
  for (const entry of entries) {
    line.append(said(entry, entries.length > 1));
    const way = ways[entry[1]];
    if (seen.has(entry[1]) || !way[0].length) continue;
    seen.add(entry[1]);
    line.append(frames(way, sheet), strip(way, evidence, duration));
    if (entry[7] !== undefined) line.append(element("div", "row", `queries: ${queries[entry[7]]}`));
  }
  line.append(everyone(answers, evidence, duration));
  return line;
}

async function show() {
  const mine = ++turn;
  const items = await Promise.all(matching.slice(first, first + PAGE).map(item));
  if (mine !== turn) return;
  by("asked").replaceChildren(...items);
  const last = Math.min(first + PAGE, matching.length);
  by("place").textContent = matching.length ? `${first + 1}–${last} of ${matching.length}` : "";
  by("before").disabled = first === 0;
  by("after").disabled = last >= matching.length;
}

async function found(words) {
  const kept = new Set();
  for (const [piece, start] of index.starts.text.entries()) {
    (await load(`text-${piece}`)).forEach(([id, , video, question, , answer], offset) => {
      const text = `${question} ${answer} ${id} ${video}`.toLowerCase();
      if (words.every((word) => text.includes(word))) kept.add(start + offset);
    });
  }
  return kept;
}

const controls = ["cell", "search", "type", "outcome", "part", "label"];

async function filter() {
  const mine = ++turn;
  const loaded = await load(`of-${by("cell").value}`);
  const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = words.length ? await found(words) : null;
  if (mine !== turn) return;  // something else was chosen meanwhile
  own = loaded;
  by("label").hidden = !own.labels;
  const [type, part] = ["type", "part"].map((id) => index[id].names.indexOf(by(id).value));
  const [wanted, label] = [OUTCOMES[by("outcome").value], index.labels.indexOf(by("label").value)];
  matching = [];
  let right = 0;
  for (let number = 0; number < index.count; number += 1) {
    const bits = own.outcomes.charCodeAt(number) - 48;
    if (kept && !kept.has(number)) continue;
    if (by("type").value && index.type.of[number] !== type) continue;
    if (by("part").value && index.part.of[number] !== part) continue;
    if (wanted && !(bits & wanted)) continue;
    if (own.labels && by("label").value && own.labels[number] !== label) continue;
    matching.push(number);
    if (bits && !(bits & ~(OUTCOMES.right | OUTCOMES.differs))) right += 1;
  }
  const system = index.systems[by("cell").selectedIndex];
  const several = system.seeds > 1;
  by("count").textContent = `${matching.length} of ${index.count} questions, ${right} right${several ? " in every seed" : ""}`;
  by("lead").textContent = `${system.model}, shown ${system.shown}: ${system.accuracy} % ${system.interval} on ${system.asked}.`;
  const files = Object.entries(system.files).map(([seed, link]) => Object.assign(element("a", "", `seed ${seed}`), { href: link }));
  by("facts").replaceChildren(system.notes.length ? `${system.notes.join("; ")}. ` : "", ...(files.length ? ["Per-question files: ", ...files.flatMap((file) => [file, " "])] : []));
  first = 0;
  await show();
}

// What the address asks for; the address follows what is chosen, so that it can be kept.
function fromAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const id of controls) {
    if (wanted.has(id)) by(id).value = wanted.get(id);
    else if (id !== "cell") by(id).value = "";
  }
  if (by("cell").selectedIndex < 0) by("cell").selectedIndex = 0;
}

function toAddress() {
  const told = controls.filter((id) => by(id).value).map((id) => [id, by(id).value]);
  history.replaceState(null, "", `#${new URLSearchParams(told)}`);
}

function failed(error) {
  by("asked").replaceChildren(element("li", "", String(error.message || error)));
}

async function start() {
  index = await load("index");
  for (const id of ["type", "part"]) {
    const names = index[id].names.filter(Boolean);
    by(id).append(...names.map((name) => element("option", "", name)));
    by(id).hidden = names.length < 2;
  }
  by("label").append(...index.labels.map((name) => element("option", "", name)));
  fromAddress();
  await filter();
}

for (const id of controls) by(id).addEventListener("input", () => { toAddress(); filter().catch(failed); });
by("before").addEventListener("click", () => { first -= PAGE; show().catch(failed); });
by("after").addEventListener("click", () => { first += PAGE; show().then(() => by("tools").scrollIntoView(), failed); });
window.addEventListener("hashchange", () => { fromAddress(); filter().then(() => by("tools").scrollIntoView(), failed); });
start().catch(failed);
