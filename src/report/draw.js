/* Draws each canvas from the data in the page. Colours are the style sheet's, so that light, dark and print agree. */
(function () {
  "use strict";
  const data = JSON.parse(document.getElementById("charts").textContent);
  const drawn = [];
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const shapes = ["circle", "rect", "triangle", "rectRot", "crossRot", "star", "rectRounded", "cross"];

  /* Intervals: a thin line from end to end, up and across. */
  const intervals = {
    id: "intervals",
    afterDatasetsDraw(chart) {
      const { ctx, scales } = chart;
      const line = (x0, y0, x1, y1) => { ctx.beginPath(); ctx.moveTo(x0, y0); ctx.lineTo(x1, y1); ctx.stroke(); };
      ctx.save();
      ctx.lineWidth = 1.5;
      chart.data.datasets.forEach((set, i) => {
        if (!chart.isDatasetVisible(i)) return;
        ctx.strokeStyle = set.borderColor;
        for (const p of set.data) {
          const x = scales.x.getPixelForValue(p.x), y = scales.y.getPixelForValue(p.y);
          if (p.low !== null) line(x, scales.y.getPixelForValue(p.low), x, scales.y.getPixelForValue(p.high));
          if (p.left !== null) line(scales.x.getPixelForValue(p.left), y, scales.x.getPixelForValue(p.right), y);
        }
      });
      ctx.restore();
    },
  };

  function set(series, i, scatter) {
    const own = colour("--s" + (i % 8));
    const few = series.points.length <= 30;
    return {
      label: series.name + (series.reference ? " (for comparison)" : ""),
      data: series.points.map((p) => ({ x: p[0], y: p[1], low: p[2], high: p[3], left: p[4], right: p[5] })),
      showLine: !scatter,
      borderColor: own,
      backgroundColor: own,
      borderWidth: 2,
      borderDash: series.reference ? [7, 5] : i >= 8 ? [2, 3] : [],
      pointStyle: shapes[i % 8],
      pointRadius: few ? 3.5 : 0,
      pointHoverRadius: 6,
      pointHitRadius: 8,
      tension: 0,
    };
  }

  /* Ends of an axis: all points and their intervals, with a little room. */
  function ends(chart, at, low, high) {
    let from = Infinity, to = -Infinity;
    for (const s of chart.series)
      for (const p of s.points)
        for (const v of [p[at], p[low], p[high]])
          if (v !== null) { from = Math.min(from, v); to = Math.max(to, v); }
    const room = to > from ? (to - from) * 0.05 : Math.max(Math.abs(to) * 0.1, 0.1);
    return { suggestedMin: from >= 0 && from < room ? 0 : from - room, suggestedMax: to + room };
  }

  function axis(title, range, labels) {
    const scale = {
      type: "linear",
      title: { display: true, text: title, color: colour("--faint") },
      grid: { color: colour("--line") },
      ticks: { color: colour("--faint"), maxTicksLimit: 8 },
      ...range,
    };
    if (labels.length > 0) {
      scale.ticks.stepSize = 1;
      scale.ticks.maxTicksLimit = labels.length + 2;
      scale.ticks.callback = (value) => labels[value] ?? "";
    }
    return scale;
  }

  function draw(canvas) {
    const chart = data[Number(canvas.dataset.chart)];
    drawn.push(new Chart(canvas, {
      type: "scatter",
      data: { datasets: chart.series.map((s, i) => set(s, i, chart.scatter)) },
      plugins: [intervals],
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "nearest", intersect: false },
        scales: {
          x: axis(chart.x, ends(chart, 0, 4, 5), chart.labels),
          y: axis(chart.y, ends(chart, 1, 2, 3), []),
        },
        plugins: {
          legend: {
            position: "bottom",
            align: "start",
            labels: { color: colour("--ink"), usePointStyle: true, boxWidth: 7, boxHeight: 7, padding: 12 },
          },
        },
      },
    }));
  }

  function all() {
    while (drawn.length > 0) drawn.pop().destroy();
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    document.querySelectorAll("canvas[data-chart]").forEach(draw);
  }

  all();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  matchMedia("print").addEventListener("change", all);
})();
