// The page's one loop: ask the gateway every two seconds, keep what it said, draw it.

import * as api from "./api.js";
import { drawDesk, stickDialog } from "./desk.js";
import { showGate } from "./gate.js";
import { language, switchLanguage } from "./words.js";

const ASK_EVERY_MS = 2000;
const EVENTS_EVERY = 3;

const app = document.getElementById("app");
const model = { fleet: null, events: [], operator: "", reached: true, filter: "", search: "", opened: "", now: 0, skew: 0 };
let timer = 0;
let asked = 0;

const act = {
  turn() { switchLanguage(); draw(); },
  async leave() { await api.logOut(); gate(""); },
  filter(state) { model.filter = model.filter === state ? "" : state; draw(); },
  search(text) { model.search = text; draw(); },
  open(id) { model.opened = id; draw(); },
  close() { document.querySelector("dialog")?.close(); },
  closed() { model.opened = ""; document.querySelector("dialog")?.remove(); },
};

// What the operator was doing survives a new drawing: cursor, scroll, open dialog.
function draw() {
  if (!model.fleet) return;
  model.now = Date.now() / 1000 + model.skew;
  document.documentElement.lang = language();
  const focused = document.activeElement?.id;
  const caret = focused === "search" ? document.activeElement.selectionStart : 0;
  const scrolled = [...document.querySelectorAll(".events, .scroll")].map((e) => [e.scrollTop, e.scrollLeft]);
  const dialogWas = document.querySelector("dialog");
  drawDesk(app, model, act);
  [...document.querySelectorAll(".events, .scroll")].forEach((e, i) => { if (scrolled[i]) [e.scrollTop, e.scrollLeft] = scrolled[i]; });
  if (focused === "search") {
    const search = document.getElementById("search");
    search.focus();
    search.setSelectionRange(caret, caret);
  }
  drawDialog(dialogWas);
}

function drawDialog(before) {
  const dialog = model.opened ? stickDialog(model, act) : null;
  if (!dialog) return before?.remove();
  if (before) {
    before.replaceChildren(...dialog.childNodes);
  } else {
    document.body.append(dialog);
    dialog.showModal();
  }
}

async function ask() {
  const answer = await api.sticks();
  if (answer.status === 401) return gate("ended");
  model.reached = answer.status === 200;
  if (model.reached) {
    model.fleet = answer.body;
    model.skew = answer.body.now - Date.now() / 1000;
    if (asked++ % EVENTS_EVERY === 0) {
      const events = await api.events();
      if (events.status === 200) model.events = events.body.events;
    }
  }
  draw();
  timer = setTimeout(ask, ASK_EVERY_MS);
}

// why: "ended", or "" where nobody was logged in.
function gate(why) {
  clearTimeout(timer);
  Object.assign(model, { fleet: null, events: [], opened: "", reached: true });
  document.querySelector("dialog")?.remove();
  document.documentElement.lang = language();
  showGate(app, enter, why);
}

async function enter() {
  const answer = await api.session();
  if (answer.status !== 200) return gate("");
  model.operator = answer.body.name;
  asked = 0;
  ask();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target instanceof HTMLInputElement || document.querySelector("dialog")) return;
  event.preventDefault();
  document.getElementById("search")?.focus();
});

enter();
