// One scenario is looked at, with the agents that are switched on, in every figure.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const page = read("page-data");
const rowsOf = window.pageRows(page);
const choice = document.getElementById("scenario-choice");
const switches = document.getElementById("switches");
const boxes = [...switches.querySelectorAll("input")];
const figures = [...document.querySelectorAll("figure[data-figure]")];
const told = document.getElementById("told");
const across = document.getElementById("measure-x");
const upright = document.getElementById("measure-y");
const metric = document.getElementById("metric-choice");
const along = document.getElementById("metric-along");
const showSession = window.pageSession(page, rowsOf.number);
const AXIS = 70;              // pixels beside a plot, about
const drawn = new Map();      // name of a figure to its view
let scenario = null;
let isTouched = false;        // whether the agents shown are the reader's choice

document.documentElement.classList.add("has-script");

function shown() {
  return boxes.filter((box) => box.checked && !box.disabled).map((box) => Number(box.value));
}

function show(agents) {
  for (const box of boxes) box.checked = agents.includes(Number(box.value));
}

// What a figure shows of the scenario: the kind of drawing, its rows, and names for its axes.
function content(name, place) {
  if (name === "pairs") {
    return { kind: name, rows: rowsOf.pairs(scenario.pairs, scenario.agents), names: {} };
  }
  if (name === "measures") {
    const [x, y] = [across, upright].map((select) => scenario.measures[select.value]);
    const names = { "@x": `${x.title} (${x.meaning})`, "@y": y.title };
    const room = page.figures.measures.height;
    const rows = rowsOf.measures(x, y, shown(), place.clientWidth - AXIS, room);
    return { kind: name, rows, names };
  }
  if (name === "metric") {
    const measure = scenario.measures.find((each) => each.title === metric.value);
    const what = along.value === "session" ? "slate of the episode" : "interactions";
    const x = what === "interactions" ? "interactions learned from" : what;
    const rows = rowsOf.lines(measure?.[along.value] ?? [], false, what);
    return { kind: name, rows, names: { "@x": x, "@y": metric.value } };
  }
  const byTens = name === "regret" && scenario.is_regret_by_tens;
  return {
    kind: byTens ? "regret_by_tens" : name, rows: rowsOf.lines(scenario[name], byTens), names: {},
  };
}

function matrixHeight() {
  const inPairs = new Set(scenario.pairs.flatMap(([first, second]) => [first, second]));
  const n = Math.max(shown().filter((agent) => inPairs.has(agent)).length, 1);
  return n * (n > 20 ? 17 : 24);
}

async function draw(figure) {
  const name = figure.dataset.figure;
  const place = figure.querySelector(".drawing");
  const note = figure.querySelector(".note");
  const { kind, rows, names } = content(name, place);
  drawn.get(name)?.finalize();
  drawn.delete(name);
  figure.rows = rows;
  note.hidden = rows.length > 0;
  note.textContent = page.absent[name];
  if (!rows.length) return place.replaceChildren();
  const named = (key, value) => (typeof value === "string" && value in names ? names[value] : value);
  const spec = JSON.parse(JSON.stringify(page.figures[kind]), named);
  spec.datasets = { rows };
  spec.params.find((each) => each.name === "shown").value = shown();
  if (kind === "pairs") spec.height = matrixHeight();
  const mine = {};
  figure.latest = mine;
  const result = await vegaEmbed(place, spec, { renderer: "svg", actions: false, tooltip: tell });
  if (figure.latest === mine) drawn.set(name, result.view);
  else result.finalize();
}

// What is under the pointer; cells of a nearest-point search hold the mark that holds the row.
function tell(handler, event, item) {
  const row = item?.datum?.datum ?? item?.datum;
  told.hidden = !row?.told || !item.tooltip;
  if (told.hidden) return;
  told.replaceChildren();
  for (const [name, text] of Object.entries(row.told)) told.append(element("dt", name), element("dd", text));
  const { offsetWidth: width, offsetHeight: height } = told;
  const right = event.clientX + 14 + width < innerWidth;
  told.style.left = `${Math.max(right ? event.clientX + 14 : event.clientX - 14 - width, 4)}px`;
  told.style.top = `${Math.max(event.clientY - height - 10, 4)}px`;
}

function element(tag, text) {
  return Object.assign(document.createElement(tag), { textContent: text });
}

// The numbers behind a figure, for who cannot hover; written when they are opened.
function writeNumbers(figure) {
  if (!figure.querySelector("details").open) return;
  const agents = new Set(shown());
  const rows = (figure.rows ?? []).filter((row) => agents.has(row.agent) && agents.has(row.other ?? row.agent));
  const table = document.createElement("table");
  const add = (cells, tag) => table.insertRow().append(...cells.map((text) => element(tag, text)));
  if (rows.length) add(Object.keys(rows[0].told), "th");
  for (const row of rows) add(Object.values(row.told), "td");
  figure.querySelector(".numbers").replaceChildren(table);
}

function redraw(some) {
  some.forEach(draw);
  some.forEach(writeNumbers);
}

function apply() {
  const agents = shown();
  draw(document.getElementById("figure-measures")); // names find their places anew
  drawn.get("pairs")?.height(matrixHeight());
  for (const view of drawn.values()) view.signal("shown", agents).runAsync();
  figures.forEach(writeNumbers);
  showSession(scenario.visits, inOrder());
}

function inOrder() {
  const agents = new Set(shown());
  return scenario.agents.filter((agent) => agents.has(agent));
}

// Both choices keep what they had, by its title, where the scenario has it.
function offerMeasures() {
  for (const [select, first] of [[across, 0], [upright, 1]]) {
    const before = select.selectedOptions[0]?.textContent;
    const titles = scenario.measures.map((each) => each.title);
    select.replaceChildren(...titles.map((title, index) => new Option(title, index)));
    const kept = titles.indexOf(before);
    const other = titles.findIndex((title) => !["return", "score"].includes(title));
    select.value = kept >= 0 ? kept : first ? Math.max(other, 0) : 0;
  }
}

function offerMetrics() {
  const before = metric.value;
  const titles = scenario.measures.filter((each) => each[along.value]).map((each) => each.title);
  metric.replaceChildren(...titles.map((title) => new Option(title)));
  if (titles.includes(before)) metric.value = before;
}

function choose(index) {
  scenario = read(`scenario-data-${index}`);
  for (const section of document.querySelectorAll("section.scenario")) {
    section.hidden = Number(section.dataset.scenario) !== index;
  }
  const here = new Set(scenario.agents);
  for (const box of boxes) {
    box.disabled = !here.has(Number(box.value));
    box.parentElement.hidden = box.disabled;
  }
  for (const set of switches.querySelectorAll("fieldset")) {
    set.hidden = ![...set.querySelectorAll("input")].some((box) => !box.disabled);
  }
  if (!isTouched) show(scenario.best);
  document.getElementById("figures").hidden = !scenario.agents.length;
  if (!scenario.agents.length) return;
  offerMeasures();
  offerMetrics();
  redraw(figures);
  showSession(scenario.visits, inOrder());
}

switches.addEventListener("change", () => { isTouched = true; apply(); });
switches.addEventListener("click", (event) => {
  const kind = event.target.dataset.switch;
  if (!kind) return;
  isTouched = kind !== "best";
  show({ best: scenario.best, all: scenario.agents, none: [] }[kind]);
  apply();
});
for (const figure of figures) {
  figure.querySelector("details").addEventListener("toggle", () => writeNumbers(figure));
}
for (const select of [across, upright]) {
  select.addEventListener("change", () => redraw([document.getElementById("figure-measures")]));
}
along.addEventListener("change", offerMetrics);
for (const select of [metric, along]) {
  select.addEventListener("change", () => redraw([document.getElementById("figure-metric")]));
}
// Paper folds nothing.
window.addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details.folded, details.failure")) folded.open = true;
});
choice.addEventListener("change", () => choose(Number(choice.value)));
choose(Number(choice.value));
