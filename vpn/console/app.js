// The page's one loop: ask the gateway when it says that something changed, and now and then; keep what it said, draw it.

import { alarmDialog, exerciseDialog } from "./alarms.js";
import { accountDialog, secretDialog } from "./accounts.js";
import * as api from "./api.js";
import { drawDesk, stickDialog } from "./desk.js";
import { drainDialog } from "./drain.js";
import { showGate } from "./gate.js";
import { KEYS, keysDialog } from "./keys.js";
import { requestDialog } from "./requests.js";
import { allowSound, sound, switchSound } from "./sound.js";
import { hush, listen, stream } from "./stream.js";
import { switchTheme } from "./theme.js";
import { language, switchLanguage, words } from "./words.js";
import { refused } from "./refused.js";

const ASK_EVERY_MS = 2000;
const ASK_ANYWAY_MS = 6000; // while the stream tells what is new
const SLOW_MS = 5000; // what nobody waits for is asked for less often

const app = document.getElementById("app");
const empty = { fleet: null, events: [], alarms: [], closed: [], requests: [], handovers: [], accounts: [], detail: null, opened: "", page: "desk", shown: "open", reached: true, wrong: "", secret: null };
const model = { ...empty, me: { name: "", role: "", second_factor: false }, filter: "", search: "", by: "region", group: null, now: 0, skew: 0 };
let timer = 0;
let askedAt = 0;
let slowAt = 0;
let news = false; // since it was asked last, of the one and of the other
let slowNews = false;

const dialogs = { stick: stickDialog, drain: drainDialog, alarm: alarmDialog, exercise: exerciseDialog, account: accountDialog, request: requestDialog, secret: secretDialog, keys: keysDialog };

const act = {
  turn() { switchLanguage(); draw(); },
  theme() { switchTheme(); draw(); },
  sound() { switchSound(); draw(); },
  async allowSound() { await allowSound(); draw(); },
  // by: what the overview sorts the fleet by; group: {by, value}, the one part of it that the list shows, or null
  by(by) { model.by = by; draw(); },
  group(group) { model.group = group; draw(); },
  async leave() { await api.logOut(); gate(""); },
  filter(state) { model.filter = model.filter === state ? "" : state; draw(); },
  search(text) { model.search = text; draw(); },
  page(name) { Object.assign(model, { page: name, wrong: "" }); draw(); refresh(); },
  shown(which) { model.shown = which; draw(); },
  // kind: one of the dialogs, in the place of the one that is open; id: what it is about
  open(kind, id = "") { model.opened = `${kind}:${id}`; model.detail = null; model.wrong = ""; draw(); refresh(); },
  stick(id) { act.open("stick", id); },
  close() { document.querySelector("dialog")?.close(); },
  closed() { Object.assign(model, { opened: "", detail: null, wrong: "", secret: null }); document.querySelector("dialog")?.remove(); },
  // Do something and say what came of it: true if it was done.
  async call(what, fields) {
    const answer = await api.call(what, fields);
    if (answer.status === 401) return gate("ended");
    model.wrong = answer.status === 200 ? "" : answer.status === 429 ? words().wait(answer.wait) : refused(answer);
    const done = answer.status === 200 ? answer.body : null;
    await refresh();
    return done;
  },
  secret(given) { model.secret = given; act.open("secret"); },
};

const part = (opened) => [opened.slice(0, opened.indexOf(":")), opened.slice(opened.indexOf(":") + 1)];

// What the operator was doing survives a new drawing: focus, caret, what is being typed, scroll, the open dialog.
function keepPlace(drawing) {
  const focused = document.activeElement?.id;
  const caret = typeof document.activeElement?.selectionStart === "number" ? document.activeElement.selectionStart : null;
  const typed = [...document.querySelectorAll("dialog :is(input, textarea, select), main form :is(input, textarea, select)")].filter((e) => e.id).map((e) => [e.id, e.value]);
  const scrolled = [...document.querySelectorAll(".events, .scroll, dialog")].map((e) => [e.scrollTop, e.scrollLeft]);
  drawing();
  for (const [id, value] of typed) {
    const field = document.getElementById(id);
    if (field && field.value !== value) field.value = value;
  }
  [...document.querySelectorAll(".events, .scroll, dialog")].forEach((e, i) => { if (scrolled[i]) [e.scrollTop, e.scrollLeft] = scrolled[i]; });
  const again = focused && document.getElementById(focused);
  if (again && again !== document.activeElement) again.focus({ preventScroll: true });
  if (again && caret !== null) again.setSelectionRange?.(caret, caret);
}

function draw() {
  if (!model.fleet) return;
  Object.assign(model, { streamLost: stream.lost && stream.lost + model.skew, told: stream.now });
  model.now = Date.now() / 1000 + model.skew;
  document.documentElement.lang = language();
  const dialogWas = document.querySelector("dialog");
  keepPlace(() => {
    drawDesk(app, model, act);
    drawDialog(dialogWas);
  });
  sound(model);
}

function drawDialog(before) {
  const [kind, id] = part(model.opened);
  const dialog = model.opened ? dialogs[kind](model, act, id) : null;
  if (!dialog) return before?.remove();
  if (before) {
    before.setAttribute("aria-label", dialog.getAttribute("aria-label"));
    before.replaceChildren(...dialog.childNodes);
  } else {
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  }
}

const keep = (answer, take) => { if (answer.status === 200) take(answer.body); };
const may = (role, ...roles) => roles.includes(role);

async function askDetail() {
  const [kind, id] = part(model.opened);
  const asking = { stick: api.stick, alarm: api.alarm }[kind];
  if (asking) keep(await asking(id), (body) => { if (model.opened === `${kind}:${id}`) model.detail = body; });
}

async function askSlow() {
  keep(await api.events(), (body) => { model.events = body.events; });
  keep(await api.shifts(), (body) => { model.handovers = body.handovers; });
  keep(await api.requests(), (body) => { model.requests = body.requests; });
  if (may(model.me.role, "supervisor", "auditor")) keep(await api.accounts(), (body) => { model.accounts = body.accounts; });
}

async function askAll() {
  const answer = await api.sticks();
  if (answer.status === 401) return gate("ended");
  model.reached = answer.status === 200;
  if (!model.reached) return;
  model.fleet = answer.body;
  model.skew = answer.body.now - Date.now() / 1000;
  keep(await api.alarms(), (body) => { model.alarms = body.alarms; model.closed = body.closed; });
  if (Date.now() - slowAt >= SLOW_MS) {
    [slowAt, slowNews] = [Date.now(), false];
    await askSlow();
  }
  await askDetail();
}

async function refresh() {
  slowAt = 0;
  await askAll();
  draw();
}

// Never more often than every two seconds, however much changes; the ages on the page go on meanwhile.
async function turn() {
  if (!model.me.name) return; // logged out meanwhile
  const quiet = Date.now() - askedAt < ASK_ANYWAY_MS;
  const slow = slowNews && Date.now() - slowAt >= SLOW_MS;
  if (!quiet || news || slow || stream.lost) {
    news = false;
    askedAt = Date.now();
    await askAll();
    if (!model.me.name) return;
  }
  draw();
  timer = setTimeout(turn, ASK_EVERY_MS);
}

function ask() {
  clearTimeout(timer);
  askedAt = 0;
  turn();
}

// why: "ended", or "" where nobody was logged in.
function gate(why) {
  clearTimeout(timer);
  hush();
  Object.assign(model, empty, { me: { name: "", role: "", second_factor: false } });
  document.querySelector("dialog")?.remove();
  document.documentElement.lang = language();
  showGate(app, enter, why);
}

async function enter() {
  const answer = await api.session();
  if (answer.status !== 200) return gate("");
  model.me = answer.body;
  slowAt = 0;
  listen(() => { news = slowNews = true; });
  ask();
}

// One key, one thing; never while somebody types, and never with Ctrl or Alt.
document.addEventListener("keydown", (event) => {
  if (!model.fleet || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.matches("input, textarea, select") || document.querySelector("dialog")) return;
  const row = KEYS.find((one) => one.key === event.key);
  if (!row) return;
  event.preventDefault();
  row.run(model, act);
});

enter();
