// One stick over time: its state as a line of steps (height tells it, colour only repeats it), and its tunnel's plots.

import { make, tones } from "./dom.js";
import { language, moment, words } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const LEVELS = ["up", "late", "stale", "lost", "quarantined", "locked", "offline", "never", "revoked"];
const SPAN_S = 24 * 3600;
const WIDTH = 640;
const STEP = 13;

const texts = {
  ja: { line: "状態の移り変わり（24 時間）", rtt: "往復の時間", loss: "損失", last: "この 20 分", none: "まだ記録がありません", now: "今", more: "この 1 本の記録", empty: "" },
  en: { line: "State over the last 24 hours", rtt: "Round trip", loss: "Loss", last: "the last 20 minutes", none: "nothing yet", now: "now", more: "What happened to this one" },
};

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// [from, to, state] of the span, oldest first.
function spans(stick, history, now) {
  const changes = history.filter((e) => e.kind === "transition").sort((a, b) => b.at - a.at);
  const list = [];
  let end = now;
  let state = stick.state;
  for (const change of changes) {
    if (change.from === change.to) continue;
    list.unshift([Math.max(change.at, now - SPAN_S), end, change.to]);
    end = change.at;
    state = change.from;
    if (change.at <= now - SPAN_S) return list;
  }
  list.unshift([now - SPAN_S, end, state]);
  return list;
}

function stateLine(stick, history, now) {
  const w = words();
  const list = spans(stick, history, now);
  const used = LEVELS.filter((l) => list.some(([, , state]) => state === l));
  const x = (at) => 70 + ((at - (now - SPAN_S)) / SPAN_S) * (WIDTH - 75);
  const y = (state) => 8 + used.indexOf(state) * (STEP + 6);
  const height = used.length * (STEP + 6) + 26;
  const svg = draw("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "line", role: "img", "aria-label": used.map((s) => w.states[s]).join(", ") });
  for (const state of used) svg.append(draw("text", { x: 62, y: y(state) + STEP - 2, "text-anchor": "end" }, w.states[state]));
  for (const [from, to, state] of list) {
    svg.append(draw("rect", { x: x(from), y: y(state), width: Math.max(1.5, x(to) - x(from)), height: STEP, rx: 2, class: `tone-${tones[state]}` },
      draw("title", {}, `${w.states[state]} ${moment(from, now)} - ${moment(to, now)}`)));
  }
  for (const hours of [24, 18, 12, 6, 0])
    svg.append(draw("text", { x: x(now - hours * 3600), y: height - 4, "text-anchor": hours === 24 ? "start" : hours ? "middle" : "end" }, hours ? `-${hours} h` : texts[language()].now));
  return svg;
}

function plot(samples, column, unit, scale, least) {
  const values = samples.map((s) => s[column] * scale);
  const top = Math.max(least, ...values);
  const first = samples[0][0];
  const span = Math.max(60, samples[samples.length - 1][0] - first);
  const points = samples.map((s, i) => `${(45 + ((s[0] - first) / span) * 250).toFixed(1)},${(58 - (values[i] / top) * 48).toFixed(1)}`);
  return draw("svg", { viewBox: "0 0 300 66", class: "plot", role: "img", "aria-label": `${values[values.length - 1].toFixed(unit === "%" ? 1 : 0)} ${unit}` },
    draw("text", { x: 40, y: 16, "text-anchor": "end" }, `${top.toFixed(0)} ${unit}`), draw("text", { x: 40, y: 62, "text-anchor": "end" }, "0"),
    draw("path", { d: "M45 10V58H297", class: "axis" }), draw("polyline", { points: points.join(" ") }),
    ...points.slice(-1).map((p) => draw("circle", { cx: p.split(",")[0], cy: p.split(",")[1], r: 2.5 })));
}

export function historyOf(stick, detail, now) {
  const t = texts[language()];
  if (!detail || detail.id !== stick.id) return make("section.over-time", make("p.sub", "…"));
  const samples = detail.samples ?? [];
  return make("section.over-time",
    make("h3", t.line), stateLine(stick, detail.history, now),
    samples.length > 1
      ? make("div.plots", make("figure", make("figcaption", `${t.rtt}（${t.last}）`), plot(samples, 1, "ms", 1, 10)), make("figure", make("figcaption", `${t.loss}（${t.last}）`), plot(samples, 2, "%", 0.1, 1)))
      : null);
}
