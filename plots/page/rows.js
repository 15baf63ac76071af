// The rows of each figure, from the data of a scenario: how they look, and what is told of them.
window.pageRows = (page) => {
  const number = (value) => {
    if (value === null || value === undefined) return "–";
    const size = value ? Math.floor(Math.log10(Math.abs(value))) : 3;
    const digits = Math.min(Math.max(3 - size, 0), 6);
    const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    return value.toLocaleString("en-US", format).replace("-", "−");
  };
  const interval = (low, high) => (
    low === null || high === null ? "none" : `${number(low)} to ${number(high)}`
  );
  const look = (agent) => {
    const { name, shape, dashes } = page.agents[agent];
    return { agent, name, shape, dashes, color: `var(--agent-${agent})` };
  };

  // An axis by tens has no place for what is not positive.
  function lines(curves, byTens, what = "interactions") {
    return curves.flatMap((line) => line.x.map((x, i) => ({
      ...look(line.agent), x, mean: line.mean[i],
      low: line.low[i] ?? line.mean[i], high: line.high[i] ?? line.mean[i],
      told: {
        agent: page.agents[line.agent].name, [what]: x.toLocaleString("en-US"),
        mean: number(line.mean[i]), interval: interval(line.low[i], line.high[i]),
      },
    }))).filter((row) => !byTens || (row.x > 0 && row.mean > 0))
      .map((row) => (byTens && row.low <= 0 ? { ...row, low: row.mean / 10 } : row));
  }

  // Every pair is listed once; the matrix shows it both ways.
  function pairs(found, ranked) {
    const place = new Map(ranked.map((agent, index) => [agent, index]));
    const largest = Math.max(...found.map((pair) => Math.abs(pair[2])));
    const cell = (agent, other, mean, low, high, adjusted) => {
      const isShown = adjusted !== null && adjusted <= 0.05;
      const names = [page.agents[agent].name, page.agents[other].name];
      return {
        agent, other, name: names[0], other_name: names[1],
        place: place.get(agent), other_place: place.get(other),
        fill: !isShown ? "var(--open)" : mean > 0 ? "var(--better)" : "var(--worse)",
        strength: isShown ? 0.45 + 0.55 * Math.sqrt(Math.abs(mean) / largest) : 1,
        sign: !isShown ? "" : mean > 0 ? "+" : "−",
        told: {
          "return of": names[0], "less that of": names[1], difference: number(mean),
          interval: interval(low, high),
          "p, of all pairs that learn (Holm)": adjusted === null ? "–" : adjusted < 0.001 ? "< 0.001" : number(adjusted),
        },
      };
    };
    return found.flatMap(([first, second, mean, low, high, adjusted]) => [
      cell(first, second, mean, low, high, adjusted),
      cell(second, first, -mean, high === null ? null : -high, low === null ? null : -low, adjusted),
    ]);
  }

  // A name is written beside its marker, where neither a name nor a marker nor an edge is in the
  // way; where there is no such place, the marker tells the agent alone.
  function labelled(rows, width, height) {
    const scale = (low, value, high, length, isUpright) => {
      const least = Math.min(...rows.map((row) => row[low]));
      const span = Math.max(...rows.map((row) => row[high])) - least || 1;
      return (row) => {
        const share = (row[value] - least) / span;
        return 12 + (isUpright ? 1 - share : share) * (length - 24);
      };
    };
    const x = scale("x_low", "x", "x_high", width, false);
    const y = scale("low", "mean", "high", height, true);
    const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
    const taken = rows.map((row) => [x(row) - 6, y(row) - 6, x(row) + 6, y(row) + 6]);
    for (const row of rows) {
      const long = 6.6 * row.name.length;
      const [after, before, across] = [9, -9 - long, -long / 2];
      const around = [[after, -8], [after, 8], [before, -8], [before, 8], [across, -15], [across, 15]];
      const places = around.map(([right, down]) => {
        const [left, middle] = [x(row) + right, y(row) + down];
        return { dx: right, dy: down, box: [left, middle - 7, left + long, middle + 7] };
      });
      const free = places.find(({ box }) => !taken.some((other) => meets(box, other)) &&
        box[0] >= 0 && box[2] <= width && box[1] >= 0 && box[3] <= height);
      if (!free) continue;
      taken.push(free.box);
      Object.assign(row, { label: row.name, dx: free.dx, dy: free.dy });
    }
  }

  // Names are placed among the agents that are shown, in a plot of so many pixels.
  function measures(across, upright, agents, width, height) {
    const rows = Object.entries(upright.points).filter(([agent]) => agent in across.points)
      .map(([agent, [mean, low, high]]) => {
        const [x, xLow, xHigh] = across.points[agent];
        return {
          ...look(Number(agent)), x, x_low: xLow ?? x, x_high: xHigh ?? x,
          mean, low: low ?? mean, high: high ?? mean,
          told: {
            agent: page.agents[agent].name,
            [upright.title]: `${number(mean)} [${interval(low, high)}]`,
            [across.title]: `${number(x)} [${interval(xLow, xHigh)}]`,
          },
        };
      });
    for (const row of rows) Object.assign(row, { label: "", dx: 0, dy: 0 });
    labelled(rows.filter((row) => agents.includes(row.agent)), width, height);
    return rows;
  }

  return { number, lines, pairs, measures };
};
