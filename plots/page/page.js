// One scenario is looked at, with the agents that are switched on, in every figure.
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const page = read("page-data");
const choice = document.getElementById("scenario-choice");
const switches = document.getElementById("switches");
const boxes = [...switches.querySelectorAll("input")];
const told = document.getElementById("told");
const drawn = new Map();      // name of a figure to its view
let scenario = null;
let isTouched = false;        // whether the agents shown are the reader's choice
let turn = 0;

document.documentElement.classList.add("has-script");

function shown() {
  return boxes.filter((box) => box.checked && !box.disabled).map((box) => Number(box.value));
}

function show(agents) {
  for (const box of boxes) box.checked = agents.includes(Number(box.value));
}

function number(value) {
  if (value === null || value === undefined) return "–";
  const digits = value ? Math.min(Math.max(3 - Math.floor(Math.log10(Math.abs(value))), 0), 6) : 0;
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString("en-US", format).replace("-", "−");
}

function interval(low, high) {
  return low === null || high === null ? "none: one seed" : `${number(low)} to ${number(high)}`;
}

function look(agent) {
  const { name, shape, dashes } = page.agents[agent];
  return { agent, name, shape, dashes, color: `var(--agent-${agent})` };
}

// Rows of a figure of curves; an axis by tens has no place for what is not positive.
function rowsOf(lines, byTens) {
  return lines.flatMap((line) => line.x.map((x, i) => ({
    ...look(line.agent), x, mean: line.mean[i],
    low: line.low[i] ?? line.mean[i], high: line.high[i] ?? line.mean[i],
    told: {
      agent: page.agents[line.agent].name, interactions: x.toLocaleString("en-US"),
      mean: number(line.mean[i]), interval: interval(line.low[i], line.high[i]),
    },
  }))).filter((row) => !byTens || (row.x > 0 && row.mean > 0))
    .map((row) => (byTens && row.low <= 0 ? { ...row, low: row.mean / 10 } : row));
}

// What is under the pointer; cells of a nearest-point search hold the mark that holds the row.
function tell(handler, event, item) {
  const row = item?.datum?.datum ?? item?.datum;
  told.hidden = !row?.told || !item.tooltip;
  if (told.hidden) return;
  told.replaceChildren();
  for (const [name, text] of Object.entries(row.told)) {
    told.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: text }),
    );
  }
  const { offsetWidth: width, offsetHeight: height } = told;
  const right = event.clientX + 14 + width < innerWidth;
  told.style.left = `${Math.max(right ? event.clientX + 14 : event.clientX - 14 - width, 4)}px`;
  told.style.top = `${Math.max(event.clientY - height - 10, 4)}px`;
}

async function draw(figure) {
  const name = figure.dataset.figure;
  const place = figure.querySelector(".drawing");
  const note = figure.querySelector(".note");
  const byTens = name === "regret" && scenario.is_regret_by_tens;
  const rows = rowsOf(scenario[name], byTens);
  drawn.get(name)?.finalize();
  drawn.delete(name);
  place.replaceChildren();
  figure.rows = rows;
  note.hidden = rows.length > 0;
  note.textContent = page.absent[name];
  if (!rows.length) return;
  const spec = structuredClone(page.figures[byTens ? `${name}_by_tens` : name]);
  spec.datasets = { rows };
  spec.params.find((each) => each.name === "shown").value = shown();
  const options = { renderer: "svg", actions: false, tooltip: tell };
  const mine = turn;
  const result = await vegaEmbed(place, spec, options);
  if (mine === turn) drawn.set(name, result.view);
  else result.finalize();
}

function redraw() {
  turn += 1;
  document.querySelectorAll("figure[data-figure]").forEach(draw);
  refreshNumbers();
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
  redraw();
}

function apply() {
  const agents = shown();
  for (const view of drawn.values()) view.signal("shown", agents).runAsync();
  refreshNumbers();
}

// The numbers behind a figure, for who cannot hover; written when they are opened.
function refreshNumbers() {
  for (const figure of document.querySelectorAll("figure[data-figure]")) {
    if (figure.querySelector("details").open) writeNumbers(figure);
  }
}

function writeNumbers(figure) {
  const agents = new Set(shown());
  const table = document.createElement("table");
  const add = (cells, tag) => {
    const row = table.insertRow();
    for (const text of cells) row.append(Object.assign(document.createElement(tag), { textContent: text }));
  };
  const rows = (figure.rows ?? []).filter((row) => agents.has(row.agent));
  if (rows.length) add(Object.keys(rows[0].told), "th");
  for (const row of rows) add(Object.values(row.told), "td");
  figure.querySelector(".numbers").replaceChildren(table);
}

switches.addEventListener("change", () => { isTouched = true; apply(); });
switches.addEventListener("click", (event) => {
  const kind = event.target.dataset.switch;
  if (!kind) return;
  isTouched = kind !== "best";
  show({ best: scenario.best, all: scenario.agents, none: [] }[kind]);
  apply();
});
for (const figure of document.querySelectorAll("figure[data-figure]")) {
  figure.querySelector("details").addEventListener("toggle", () => writeNumbers(figure));
}
choice.addEventListener("change", () => choose(Number(choice.value)));
choose(Number(choice.value));
