// One person's session under each agent that is switched on, one slate at a time.
window.pageSession = (page, number) => {
  const part = document.getElementById("session");
  const columns = document.getElementById("session-columns");
  const slider = document.getElementById("session-step");
  const output = document.getElementById("session-output");
  const about = document.getElementById("session-about");
  let visits = null;
  let agents = [];

  function element(tag, text, kind) {
    const made = Object.assign(document.createElement(tag), { textContent: text ?? "" });
    if (kind) made.className = kind;
    return made;
  }

  function swatch(agent) {
    return document.querySelector(`#switches input[value="${agent}"] + svg`).cloneNode(true);
  }

  function slate(visit, step) {
    const list = element("ol");
    step.slate.forEach((place, index) => {
      const item = element("li", place === null ? "nothing" : visit.items[place].title);
      if (step.clicked.includes(index)) {
        item.className = "clicked";
        item.append(element("strong", " ✓ clicked"));
      }
      const chance = step.chance?.[index];
      if (chance !== undefined && chance !== null) {
        item.append(element("span", ` ${Math.round(100 * chance)}\u00a0%`, "true"));
      }
      list.append(item);
    });
    return list;
  }

  const plain = (value) => (Number.isInteger(value) ? value.toLocaleString("en-US") : number(value));

  // What changes in the person; sets of flags, as large numbers, say nothing to a reader.
  function state(visit, index) {
    const list = element("dl", "", "true");
    for (const [name, values] of Object.entries(visit.true_state ?? {})) {
      const [before, after] = [values[index], values[index + 1]];
      if (before === after || Math.max(Math.abs(before), Math.abs(after)) > 1e9) continue;
      const change = `${plain(before)} → ${plain(after)}`;
      list.append(element("dt", name.replaceAll("_", " ")), element("dd", change));
    }
    return list;
  }

  function column(agent, index) {
    const visit = visits.of[agent];
    const made = element("article");
    const head = element("h4", ` ${page.agents[agent].name}`);
    head.prepend(swatch(agent));
    made.append(head);
    if (!visit) {
      made.append(element("p", "No session is kept.", "note"));
      return made;
    }
    const step = visit.steps[index];
    const rewards = visit.steps.slice(0, index + 1).map((each) => each.reward ?? 0);
    const sum = Number(rewards.reduce((all, each) => all + each, 0).toPrecision(12));
    if (!step) {
      const end = visit.is_over ? "The session ended" : "What is kept ends";
      made.append(element("p", `${end} after slate ${visit.steps.length}.`, "note"));
      made.append(element("p", `Reward in all: ${plain(sum)}`));
      return made;
    }
    made.append(element("p", step.person, "true"), slate(visit, step));
    made.append(element("p", step.outcome, "outcome"));
    made.append(element("p", `Reward ${plain(step.reward)}, so far ${plain(sum)}`));
    made.append(state(visit, index));
    if (visit.is_over && index === visit.steps.length - 1) {
      made.append(element("p", "The session ends here.", "note"));
    }
    return made;
  }

  function draw() {
    const index = Number(slider.value) - 1;
    output.textContent = `slate ${slider.value} of ${slider.max}`;
    slider.setAttribute("aria-valuetext", output.textContent);
    columns.replaceChildren(...agents.map((agent) => column(agent, index)));
  }

  function move(by) {
    slider.value = Number(slider.value) + by;
    draw();
  }

  slider.addEventListener("input", draw);
  document.getElementById("session-before").addEventListener("click", () => move(-1));
  document.getElementById("session-after").addEventListener("click", () => move(1));
  part.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target === slider || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    move(by);
  });

  // Shows the sessions of a scenario under these agents; the slate looked at stays where it can.
  return (found, shown) => {
    const isOther = found !== visits;
    [visits, agents] = [found, shown];
    document.getElementById("session-player").hidden = !visits;
    if (!visits) {
      about.textContent = "No sessions are kept in the folder. A benchmark keeps one person's "
        + "session under each agent with its first seed.";
      return;
    }
    about.textContent = `${visits.arrival}. The same person, the same candidates and `
      + `the same chance under every agent (seed ${visits.seed}).`;
    if (visits.n_left_out) about.textContent += ` ${visits.n_left_out} of another seed are left out.`;
    slider.max = Math.max(...Object.values(visits.of).map((visit) => visit.steps.length));
    if (isOther) slider.value = 1;
    draw();
  };
};
