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
  function lines(curves, byTens) {
    return curves.flatMap((line) => line.x.map((x, i) => ({
      ...look(line.agent), x, mean: line.mean[i],
      low: line.low[i] ?? line.mean[i], high: line.high[i] ?? line.mean[i],
      told: {
        agent: page.agents[line.agent].name, interactions: x.toLocaleString("en-US"),
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

  // A name is written where no other is in the way; the marker tells the agent everywhere.
  function labelled(rows) {
    const span = (key) => {
      const values = rows.map((row) => row[key]);
      return Math.max(...values) - Math.min(...values) || 1;
    };
    const [wide, high] = [span("x"), span("mean")];
    const placed = [];
    for (const row of rows) {
      const [x, y] = [row.x / wide, row.mean / high];
      const isFree = placed.every(([a, b]) => Math.abs(x - a) > 0.24 || Math.abs(y - b) > 0.06);
      if (isFree) placed.push([x, y]);
      row.label = isFree ? row.name : "";
    }
    return rows;
  }

  function measures(across, upright) {
    return labelled(Object.entries(upright.points).filter(([agent]) => agent in across.points)
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
      }));
  }

  return { number, lines, pairs, measures };
};
