// Elements without markup in strings: nothing a stick or an operator wrote is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

// Shapes differ, so that a state is told without its colour.
const shapes = {
  up: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20m-5 10 3.6 3.6L17.5 8.6",
  late: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20m0 5v5.5l3.5 2.2",
  stale: "M12 2.5 22.5 21h-21zm0 6.5v5.5m0 3v.4",
  lost: "M8 2h8l6 6v8l-6 6H8l-6-6V8zm1 7 6 6m0-6-6 6",
  offline: "M12 2.5v9M6.5 6a8.5 8.5 0 1 0 11 0",
  never: "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18M8 12h8",
  quarantined: "M12 2 4 5v6c0 5.5 3.4 9.2 8 11 4.6-1.8 8-5.5 8-11V5zm-3.5 7.5 7 7m0-7-7 7",
  locked: "M6 11V8a6 6 0 0 1 12 0v3M4.5 11h15v10h-15zm7.5 4v2.5",
  revoked: "M12 2a10 10 0 1 1 0 20 10 10 0 0 1 0-20M5 5l14 14",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  for (const [key, value] of Object.entries({ d: shapes[name], fill: "none", stroke: "currentColor", "stroke-width": "2.2", "stroke-linecap": "round", "stroke-linejoin": "round" }))
    path.setAttribute(key, value);
  svg.append(path);
  return svg;
}

// make("div.card.wide", {id: "x", onclick: f}, child, "text", null, [more])
export function make(what, ...rest) {
  const [tag, ...classes] = what.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const part of rest.flat(2)) {
    if (part === null || part === undefined || part === false) continue;
    if (typeof part === "object" && !(part instanceof Node)) {
      for (const [key, value] of Object.entries(part)) {
        if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
      }
    } else {
      element.append(part);
    }
  }
  return element;
}

export const tones = { up: "up", late: "late", stale: "stale", lost: "lost", offline: "none", never: "none", quarantined: "stale", locked: "stale", revoked: "none" };
