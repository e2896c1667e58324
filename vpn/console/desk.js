// The desk: what the fleet looks like now. Draws a model; asks nobody.

import { accountsPage, roleName } from "./accounts.js";
import { alarmList, isNew, mayHandle } from "./alarms.js";
import { refusals, stopped } from "./counts.js";
import { differences, differenceToDo, disagreement } from "./differences.js";
import { icon, make, tones } from "./dom.js";
import { drainButton, drainNotice } from "./drain.js";
import { historyOf } from "./history.js";
import { chosenGroup, isInGroup, networkOf, overview } from "./overview.js";
import { shiftPage, shiftPageName, shiftTrouble } from "./shift.js";
import { requestsPage, waiting } from "./requests.js";
import { soundLabel, soundText, soundTrouble } from "./sound.js";
import { themeLabel, themeText } from "./theme.js";
import { isAtBank, isHeld, isTrouble, whatToDo, worst } from "./trouble.js";
import { age, bytes, clock, language, moment, words } from "./words.js";

const ORDER = ["up", "late", "stale", "lost", "quarantined", "locked", "offline", "never", "revoked"];
const SORT = { lost: 0, quarantined: 1, locked: 2, stale: 3, late: 4, up: 5, offline: 6, never: 7, revoked: 8 };
const ROWS_MAX = 500; // more than anybody reads: the search finds the others
const EXPIRING_S = 30 * 86400;

const pill = (state) => make(`span.pill.tone-${tones[state]}`, icon(state), words().states[state]);
const bankNames = (stick) => stick.banks.join(", ");

function tabs(model, act) {
  const w = words();
  const fresh = model.alarms.filter(isNew).length;
  const tab = (page, text, count) => make("button.tab", { type: "button", id: `page-${page}`, "aria-current": model.page === page ? "page" : null, onclick: () => act.page(page) }, text, count ? make("span.badge", String(count)) : null);
  return make("nav", { "aria-label": w.pages }, tab("desk", w.watch_page, fresh), tab("requests", w.requests_page, waiting(model)), tab("accounts", w.accounts_page, 0), tab("shift", shiftPageName(), shiftTrouble(model) ? 1 : 0));
}

function bar(model, act) {
  const w = words();
  const old = Math.max(0, Math.round(model.now - Math.max(model.fleet.now, model.told)));
  const live = !model.reached ? make("span.live.off", w.unreachable) : model.streamLost ? make("span.live.off", w.stream_lost(moment(model.streamLost, model.now))) : make("span.live", w.live(old));
  return make("div.bar", { role: "banner" },
    make("span.brand", make("img", { src: "icon.svg", alt: "" }), make("span", "関所 Sekisho ", make("small", `${model.fleet.gateway} · ${model.fleet.tenant}`))),
    tabs(model, act), make("span.push"), live, make("span.mono", clock(model.now)),
    make("button.plain", { type: "button", id: "sound", "aria-label": soundLabel(), "aria-pressed": String(soundTrouble(model) === null), onclick: act.sound }, soundText()),
    make("button.plain", { type: "button", id: "theme", "aria-label": themeLabel(), onclick: act.theme }, themeText()),
    make("button.plain", { type: "button", id: "turn", onclick: act.turn, lang: language() === "ja" ? "en" : "ja" }, w.language),
    make("button.plain", { type: "button", id: "keys", "aria-label": w.keys, title: w.keys, onclick: () => act.open("keys") }, "?"),
    make("span.sub", model.me.name, make("br"), make("small", roleName(model.me.role))), make("button.plain", { type: "button", id: "leave", onclick: act.leave }, w.log_out));
}

function headline(model) {
  const w = words();
  const { sticks } = model.fleet;
  const troubled = sticks.filter((s) => isTrouble(s, model.now));
  const bad = troubled.filter((s) => s.state !== "late");
  const brokenOff = bad.filter((s) => !isHeld(s));
  const atBank = brokenOff.filter(isAtBank).length;
  let [state, title, more] = ["up", w.calm, w.calm_more(sticks.filter((s) => s.state === "up").length, sticks.length)];
  if (!model.reached) [state, title, more] = ["lost", w.dead(moment(model.fleet.now, model.now)), w.dead_todo];
  else if (disagreement(model)) [state, title, more] = disagreement(model);
  else if (bad.length) [state, title, more] = [worst(bad), w.trouble(bad.length), brokenOff.length ? w.trouble_more(atBank) : w.quarantine_more];
  else if (troubled.length) [state, title, more] = ["late", w.watch(troubled.length), w.watch_more];
  else if (!sticks.length) [state, title, more] = ["never", w.no_sticks, w.no_sticks_more];
  const fresh = model.alarms.filter(isNew).length;
  document.title = fresh && model.reached ? `(${fresh}) ${title} - ${w.title}` : `${title} - ${w.title}`;
  return make(`section.headline.tone-${tones[state]}`, { role: "status", "aria-live": "polite" }, icon(state), make("div", make("h1", title), make("p", more)));
}

function tiles(model, act) {
  const w = words();
  return make("div.tiles", ORDER.map((state) => {
    const count = model.fleet.sticks.filter((s) => s.state === state).length;
    return make(`button.tile.tone-${tones[state]}${count ? "" : ".zero"}`, { type: "button", id: `tile-${state}`, "aria-pressed": String(model.filter === state), onclick: () => act.filter(state) },
      icon(state), make("b", String(count)), make("span", make("em", w.states[state]), ` ${w.state_more[state]}`));
  }));
}

const notice = (tone, shape, title, more, button = null) => make(`section.notice.tone-${tone}`, { role: "alert" }, icon(shape), make("div", make("b", title), more, button));

function notices(model, act) {
  const w = words();
  const { fleet } = model;
  const left = fleet.policy_expires ? fleet.policy_expires - model.now : 0;
  const list = [];
  const drained = drainNotice(model);
  if (drained) list.push(notice("late", "late", ...drained));
  const shift = shiftTrouble(model);
  if (shift) list.push(notice("late", "late", ...shift));
  const silent = soundTrouble(model);
  if (silent) list.push(notice("stale", "stale", silent[0], silent[1], make("p.buttons", make("button.go", { type: "button", id: "sound-allow", onclick: act.allowSound }, silent[2]))));
  if (!model.me.second_factor && model.me.role !== "auditor") list.push(notice("late", "late", w.no_second_factor, w.no_second_factor_more(model.me.name)));
  if (fleet.audit_error) list.push(notice("lost", "lost", w.audit_broken, w.audit_broken_more(fleet.audit_error)));
  if (fleet.document_error) list.push(notice("stale", "stale", w.policy_refused, w.policy_refused_more(fleet.document_error)));
  if (!fleet.policy_version) list.push(notice("lost", "lost", w.policy_none, w.policy_none_more));
  else if (left <= 0) list.push(notice("lost", "lost", w.policy_expired, w.policy_expiring_more));
  else if (left < EXPIRING_S) list.push(notice("late", "late", w.policy_expiring(Math.ceil(left / 86400)), w.policy_expiring_more));
  return list;
}

function matches(stick, model) {
  if (model.filter && stick.state !== model.filter) return false;
  if (!isInGroup(stick, model.group)) return false;
  const wanted = model.search.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return true;
  const w = words();
  const fields = [stick.id, stick.name, stick.region, stick.address, stick.endpoint, networkOf(stick.endpoint), stick.image_version, String(stick.policy_version || ""), stick.link ?? "",
    w.states[stick.state], w.transition_causes[stick.cause] ?? "", stick.copied ? w.event.stick_copied({ detail: "" }) : "", ...stick.banks].map((field) => field.toLowerCase());
  return wanted.every((word) => fields.some((field) => field.includes(word)));
}

function row(stick, model, act) {
  const w = words();
  const { now, fleet } = model;
  const old = stick.policy_version && stick.policy_version < fleet.policy_version;
  const oldImage = stick.image_version && fleet.image_floor && !(Number(stick.image_version) >= fleet.image_floor);
  const quiet = stick.last_beacon ? w.ago(age(now - stick.last_beacon)) : w.never_heard;
  const living = ["up", "late", "quarantined", "locked"].includes(stick.state);
  return make("tr", { tabindex: "0", id: `stick-${stick.id}`, onclick: () => act.stick(stick.id) },
    make("td", pill(stick.state)),
    make("td", make("span.who", stick.name || stick.id), make("small", stick.name ? stick.id : "")),
    make("td", stick.region),
    make("td", age(now - stick.since), make("br"), make("small", moment(stick.since, now))),
    make("td", quiet),
    make("td.number.wide", living && stick.rtt_ms !== null ? `${stick.rtt_ms} ms` : "-", make("br"), make("small", living && stick.rtt_ms !== null ? `${(stick.loss_permille / 10).toFixed(1)} %` : "")),
    make("td.wide", make("span.mono", stick.endpoint || "-")),
    make("td.number.wide", stick.image_version || "-", oldImage ? make("span.old", ` ${w.old_image}`) : null),
    make("td.number.wide", stick.policy_version ? String(stick.policy_version) : "-", old ? make("span.old", ` ${w.old_policy}`) : null),
    make("td.wide", bankNames(stick) || "-"));
}

function fleetTable(model, act) {
  const w = words();
  const found = model.fleet.sticks.filter((s) => matches(s, model)).sort((a, b) => SORT[a.state] - SORT[b.state] || b.since - a.since);
  const shown = found.slice(0, ROWS_MAX);
  const heads = [[w.state], [w.stick], [w.region], [w.since], [w.last_beacon], [w.rtt, ".number.wide"], [w.line, ".wide"], [w.image, ".number.wide"], [w.policy, ".number.wide"], [w.bank, ".wide"]];
  const search = make("input.search", { type: "search", id: "search", placeholder: w.search, "aria-label": w.search, value: model.search, oninput: (e) => act.search(e.target.value) });
  return make("section.card", make("header", make("h2", w.fleet), make("small", w.shown(found.length, model.fleet.sticks.length)), chosenGroup(model, act), drainButton(model, act), search),
    shown.length
      ? make("div.scroll", make("table", make("thead", make("tr", heads.map(([text, classes = ""]) => make(`th${classes}`, { scope: "col" }, text)))), make("tbody", shown.map((s) => row(s, model, act)))))
      : make("p.empty", w.nothing),
    found.length > shown.length ? make("p.empty", w.too_many(ROWS_MAX)) : null);
}

function eventLine(event, model) {
  const w = words();
  const what = event.kind === "transition"
    ? make("span.flow", pill(event.from), "→", pill(event.to), make("span.sub", w.transition_causes[event.detail] ?? event.detail))
    : make("span", w.event[event.kind]?.(event) ?? `${event.kind} ${event.who} ${event.detail}`);
  const stick = model.fleet.sticks.find((s) => s.id === event.stick);
  return make("li", make("time", moment(event.at, model.now)), make("span.about", stick?.name || event.stick), what);
}

function eventList(model) {
  const w = words();
  return make("section.card", make("header", make("h2", w.events), make("small", w.events_more)), make("ol.events", { tabindex: "0" }, model.events.slice(0, 100).map((e) => eventLine(e, model))));
}

const reasonOf = () => document.getElementById("stick-reason")?.value.trim() ?? "";

// What a person may do about one stick; each with a reason, because it goes into the audit log.
function stickActions(s, model, act) {
  const w = words();
  if (!mayHandle(model.me) || s.state === "revoked") return null;
  const button = (what, text, danger) => make(danger ? "button.plain.danger" : "button.plain", { type: "button", id: `stick-${what}`, disabled: !model.me.second_factor, onclick: () => act.call(`sticks/${what}`, { stick: s.id, reason: reasonOf() }) }, text);
  return make("form.handle", { onsubmit: (e) => e.preventDefault() },
    make("label", w.reason, make("input", { id: "stick-reason", maxlength: "160" })),
    model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
    model.me.second_factor ? null : make("p.sub", w.no_second_factor),
    make("p.buttons", s.state === "locked" ? button("unlock", w.unlock) : null, s.copied || s.duress ? button("release", w.release) : null, button("revoke", w.revoke, true)));
}

export function stickDialog(model, act, id) {
  const w = words();
  const s = model.fleet.sticks.find((one) => one.id === id);
  if (!s) return null;
  const at = (unix) => (unix ? `${moment(unix, model.now)}（${w.ago(age(model.now - unix))}）` : w.never_heard);
  const facts = [[w.region, s.region], [w.since, at(s.since)], [w.last_beacon, at(s.last_beacon)], [w.handshake, at(s.handshake)], [w.line, s.endpoint], [w.inner, s.address], [w.link, s.link],
    [w.rtt, s.rtt_ms === null ? "" : `${s.rtt_ms} ms / ${(s.loss_permille / 10).toFixed(1)} %`], [w.traffic, `${bytes(s.received_bytes)} / ${bytes(s.sent_bytes)}`], [w.image, s.image_version], [w.policy, String(s.policy_version || "")],
    [w.uptime, s.uptime_s ? age(s.uptime_s) : ""], [w.admitted, s.admitted ? w.yes : w.no], [w.pin_failures, s.pin ? String(s.pin_failures) : w.no_pin], [w.bank, bankNames(s)]];
  const own = model.detail?.id === s.id ? model.detail.history.map((e) => ({ ...e, stick: s.id })) : [];
  return make("dialog", { "aria-label": s.name || s.id, onclose: act.closed },
    make("header", pill(s.state), make("h2", s.name || s.id, make("br"), make("small.sub", s.id)), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, w.close)),
    make(`p.todo.tone-${s.differs ? "lost" : tones[s.state]}`, make("b", `${w.todo}　`), differenceToDo(s) ?? whatToDo(s)),
    make("dl.facts", facts.map(([name, value]) => make("div", make("dt", name), make("dd", value || "-")))),
    historyOf(s, model.detail, model.now),
    refusals(s),
    stopped(s),
    stickActions(s, model, act),
    own.length ? make("ol.events", { tabindex: "0", "aria-label": w.history }, own.map((e) => eventLine(e, model))) : null);
}

const pages = {
  desk: (model, act) => [headline(model), make(model.reached ? "div.rest" : "div.rest.past", differences(model, act), notices(model, act), alarmList(model, act), tiles(model, act), overview(model, act), fleetTable(model, act), eventList(model))],
  requests: (model, act) => [headline(model), make("div.rest", requestsPage(model, act))],
  accounts: (model, act) => [headline(model), make("div.rest", accountsPage(model, act))],
  shift: (model, act) => [headline(model), make("div.rest", shiftPage(model, act))],
};

export function drawDesk(app, model, act) {
  app.replaceChildren(bar(model, act), make("main", pages[model.page](model, act)));
}
