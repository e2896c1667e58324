// The fleet at a glance: how it stands by region, by the network it comes from (the provider's), by bank and by version.

import { make, tones } from "./dom.js";
import { isTrouble } from "./trouble.js";
import { language, words } from "./words.js";

const ROWS_MAX = 12;
const SVG = "http://www.w3.org/2000/svg";
const BAR = ["up", "late", "stale", "lost", "quarantined", "locked", "offline", "never", "revoked"];

const texts = {
  ja: { title: "どこで起きているか", more: "悪いところが上です。押すと、その中のスティックだけを下に見せます", by: { region: "地域", network: "回線網", bank: "開いている銀行", image: "イメージ", policy: "ポリシー" },
    none: { region: "地域なし", network: "まだ接続なし", bank: "開いていない", image: "まだ報告なし", policy: "まだ報告なし" }, all: "本数", up: "正常", bad: "異常", share: "内訳", rest: (count) => `ほかに ${count} 組。探すと見つかります`, undo: "外す" },
  en: { title: "Where it is", more: "the worst first; press one to see its sticks alone below", by: { region: "Region", network: "Network", bank: "Open bank", image: "Image", policy: "Whitelist" },
    none: { region: "no region", network: "not connected yet", bank: "none open", image: "no report yet", policy: "no report yet" }, all: "Sticks", up: "Up", bad: "In trouble", share: "How they stand", rest: (count) => `and ${count} more: search for them`, undo: "undo" },
};

// The provider's network as the gateway folds alarms by (vpn/gateway/alarms.c): 16 bits of an IPv4 address, 32 of an IPv6 one.
export function networkOf(endpoint) {
  const v4 = /^(\d+)\.(\d+)\.\d+\.\d+:\d+$/.exec(endpoint);
  if (v4) return `${v4[1]}.${v4[2]}.0.0/16`;
  const v6 = /^\[([0-9a-f:]+)\]:\d+$/i.exec(endpoint);
  if (!v6) return "";
  const [head] = v6[1].split("::");
  const parts = [...head.split(":"), "0", "0"].slice(0, 2).map((part) => part.padStart(4, "0"));
  return `${parts.join(":")}::/32`;
}

const FIELDS = {
  region: (stick) => [stick.region],
  network: (stick) => [networkOf(stick.endpoint)],
  bank: (stick) => (stick.banks.length ? stick.banks : [""]),
  image: (stick) => [stick.image_version],
  policy: (stick) => [stick.policy_version ? String(stick.policy_version) : ""],
};

export const isInGroup = (stick, group) => !group || FIELDS[group.by](stick).includes(group.value);
export const groupText = (group) => `${texts[language()].by[group.by]}: ${group.value || texts[language()].none[group.by]}`;

// A button that takes the choice back, where there is one.
export const chosenGroup = (model, act) => (model.group ? make("button.chosen", { type: "button", id: "group-undo", onclick: () => act.group(null) }, groupText(model.group), ` × ${texts[language()].undo}`) : null);

function groups(model) {
  const found = new Map();
  for (const stick of model.fleet.sticks) {
    for (const value of FIELDS[model.by](stick)) {
      const group = found.get(value) ?? { value, all: 0, bad: 0, states: {} };
      group.all++;
      group.bad += isTrouble(stick, model.now) && stick.state !== "late";
      group.states[stick.state] = (group.states[stick.state] ?? 0) + 1;
      found.set(value, group);
    }
  }
  return [...found.values()].sort((a, b) => b.bad - a.bad || b.all - a.all || (a.value < b.value ? -1 : 1));
}

function share(group) {
  const w = words();
  const svg = document.createElementNS(SVG, "svg");
  const said = BAR.filter((state) => group.states[state]).map((state) => `${w.states[state]} ${group.states[state]}`).join(", ");
  for (const [name, value] of [["viewBox", "0 0 100 4"], ["preserveAspectRatio", "none"], ["role", "img"], ["aria-label", said]]) svg.setAttribute(name, value);
  let at = 0;
  for (const state of BAR) {
    const width = (100 * (group.states[state] ?? 0)) / group.all;
    if (!width) continue;
    const part = document.createElementNS(SVG, "rect");
    for (const [name, value] of [["x", at], ["width", width], ["height", 4], ["class", `tone-${tones[state]}`]]) part.setAttribute(name, value);
    svg.append(part);
    at += width;
  }
  return svg;
}

function row(group, model, act) {
  const t = texts[language()];
  const chosen = model.group?.by === model.by && model.group.value === group.value;
  const choose = () => act.group(chosen ? null : { by: model.by, value: group.value });
  return make("tr", { id: `group-${model.by}-${group.value}`, onclick: choose },
    make("td", make("button.chosen", { type: "button", "aria-pressed": String(chosen) }, group.value || t.none[model.by])),
    make("td.number", String(group.all)), make("td.number", String(group.states.up ?? 0)),
    make("td.number", group.bad ? make("span.bad", String(group.bad)) : "0"),
    make("td.share", share(group)));
}

export function overview(model, act) {
  const t = texts[language()];
  const all = groups(model);
  const tab = (by) => make("button.plain", { type: "button", id: `by-${by}`, "aria-pressed": String(model.by === by), onclick: () => act.by(by) }, t.by[by]);
  const heads = [[t.by[model.by]], [t.all, ".number"], [t.up, ".number"], [t.bad, ".number"], [t.share, ".share"]];
  return make("section.card.groups", { "aria-label": t.title },
    make("header.section-title", make("h2", t.title), make("small", t.more), make("span.push"), Object.keys(t.by).map(tab)),
    make("div.scroll", make("table", make("thead", make("tr", heads.map(([text, classes = ""]) => make(`th${classes}`, { scope: "col" }, text)))),
      make("tbody", all.slice(0, ROWS_MAX).map((g) => row(g, model, act))))),
    all.length > ROWS_MAX ? make("p.empty", t.rest(all.length - ROWS_MAX)) : null);
}
