// What somebody has to see to: one card for each cause, the worst first; and one alarm with all that was done about it.

import { icon, make } from "./dom.js";
import { isAtBank, whatIsWrong, whatToDo } from "./trouble.js";
import { age, language, moment, words } from "./words.js";
import { runbook } from "./runbook.js";
import { alarmWords, subjectOf } from "./alarm_words.js";

const WEIGHT = { critical: 0, warning: 1, info: 2 };
export const TONE = { critical: "lost", warning: "stale", info: "late" };
const SHAPE = { critical: "lost", warning: "stale", info: "late" };

// These stay until a person has closed them, whatever became of their cause (vpn/gateway/alarms.c).
const PERSON = ["exercise", "duress", "copied", "attack", "let_out", "killed"];
const isOver = (alarm) => alarm.ended > 0 && !PERSON.includes(alarm.kind);

export const mayHandle = (me) => ["operator", "supervisor"].includes(me.role);

// Worst first; what nobody has taken before what somebody has; what had a bank open; then the oldest.
export const sorted = (alarms) => [...alarms].sort((a, b) =>
  isOver(a) - isOver(b) || isShelved(a) - isShelved(b) || WEIGHT[a.severity] - WEIGHT[b.severity] || (a.acknowledged > 0) - (b.acknowledged > 0) ||
  (b.at_bank > 0) - (a.at_bank > 0) || a.opened - b.opened);

export const isShelved = (alarm) => alarm.shelved > 0 && !isOver(alarm);
export const isNew = (alarm) => !alarm.acknowledged && !isOver(alarm) && !isShelved(alarm);

const fleetStick = (alarm, model) => (alarm.sticks.length === 1 ? model.fleet.sticks.find((s) => s.id === alarm.sticks[0].id) : null);

// Of one stick in a state of its own the stick says best what is wrong; else the kind does.
function what(alarm, model) {
  const t = alarmWords();
  const stick = fleetStick(alarm, model);
  return (alarm.kind in t.own ? null : stick && !alarm.ended && whatIsWrong(stick)) || t.what[alarm.kind] || alarm.kind;
}

function todo(alarm, model) {
  const t = alarmWords();
  const [scope] = subjectOf(alarm);
  const stick = fleetStick(alarm, model);
  if (alarm.ended) return isOver(alarm) ? t.todo_ended : t.todo_person;
  if (isExercise(alarm)) return t.own.exercise;
  if (scope !== "stick") return t.todo_many[alarm.kind]?.[scope] ?? t.todo_many.other[scope];
  return t.own[alarm.kind] ?? (stick ? whatToDo(stick) : words().todos.none);
}

const isExercise = (alarm) => alarm.kind === "exercise";

export function title(alarm) {
  if (isExercise(alarm)) return `【${alarmWords().exercise}】`;
  const [scope, value] = subjectOf(alarm);
  const [stick] = alarm.sticks;
  const t = alarmWords();
  return scope === "stick" ? stick?.name || value : t.subject[scope](value, alarm.count || alarm.most);
}

function standing(alarm, now) {
  const t = alarmWords();
  if (alarm.closed) return t.is_closed(alarm.owner);
  if (isOver(alarm)) return t.is_ended;
  if (isShelved(alarm)) return t.is_shelved(alarm.owner, moment(alarm.shelved, now));
  if (alarm.acknowledged) return t.is_taken(alarm.owner);
  return alarm.escalated ? t.is_escalated : alarm.owner ? t.is_given(alarm.owner) : t.is_new;
}

function card(alarm, model, act) {
  const w = words();
  const t = alarmWords();
  const [scope, value] = subjectOf(alarm);
  const banks = [...new Set(alarm.sticks.flatMap((s) => s.banks))].join(", ");
  const open = () => act.open("alarm", String(alarm.id));
  const take = () => act.call("alarms/acknowledge", { id: String(alarm.id) });
  return make(`article.alarm.tone-${isOver(alarm) ? "none" : TONE[alarm.severity]}${alarm.acknowledged ? ".taken" : ""}${isShelved(alarm) ? ".shelved" : ""}${isExercise(alarm) ? ".exercise" : ""}`,
    { id: `alarm-${alarm.id}`, tabindex: "0", "aria-label": `${t.severity[alarm.severity]} ${title(alarm)}`, onclick: (e) => { if (!e.target.closest("button")) open(); } },
    make("header", icon(isOver(alarm) ? "up" : SHAPE[alarm.severity]),
      make("div", make("h3", title(alarm)), make("span.sub", make("em.severity", t.severity[alarm.severity]), scope === "stick" ? ` ${value}　${alarm.sticks[0]?.region ?? ""}` : isExercise(alarm) ? "" : ` ${t.sticks(alarm.count || alarm.most)}`)),
      make("div.age", make("b", age(model.now - alarm.opened)), make("small", w.since_at(moment(alarm.opened, model.now))))),
    make("dl", make("dt", w.what), make("dd", what(alarm, model)),
      alarm.at_bank || alarm.sticks.some(isAtBank) ? [make("dt", w.at_bank), make("dd", w.was_at_bank(banks))] : null,
      make("dt", t.standing), make(`dd${isNew(alarm) ? ".unowned" : ""}`, standing(alarm, model.now))),
    make("p.todo", make("b", w.todo), todo(alarm, model)),
    make("p.buttons", isNew(alarm) && mayHandle(model.me) ? make("button.go", { type: "button", id: `take-${alarm.id}`, onclick: take }, t.take) : null,
      make("button.plain", { type: "button", id: `open-${alarm.id}`, onclick: open }, t.open)));
}

export function alarmList(model, act) {
  const w = words();
  const t = alarmWords();
  const old = model.shown === "closed";
  const shelf = model.alarms.filter(isShelved);
  const list = old ? model.closed : model.shown === "shelf" ? shelf : sorted(model.alarms.filter((a) => !isShelved(a)));
  const tab = (which, text) => make("button.plain", { type: "button", id: `shown-${which}`, "aria-pressed": String(model.shown === which), onclick: () => act.shown(which) }, text);
  return make("section.attention", { "aria-label": w.attention },
    make("h2.section-title", w.attention, make("small", old ? "" : w.attention_more), make("span.push"), model.me.role === "supervisor" && model.me.second_factor ? make("button.plain", { type: "button", id: "exercise-new", onclick: () => act.open("exercise") }, t.exercise_new) : null, tab("open", t.open_ones(model.alarms.length - shelf.length)), tab("shelf", t.shelf_ones(shelf.length)), tab("closed", t.closed_ones)),
    list.length ? make("div.alarms", list.map((a) => card(a, model, act))) : make("p.empty.card", old ? t.none_closed : model.shown === "shelf" ? t.none_shelf : t.none));
}

// --- one alarm ---

const textOf = (id) => document.getElementById(id)?.value.trim() ?? "";

function forms(alarm, model, act) {
  const t = alarmWords();
  const id = String(alarm.id);
  // What was written stays until it has arrived.
  const send = (name, fields) => async () => {
    const done = await act.call(`alarms/${name}`, { id, ...fields() });
    const field = document.getElementById("alarm-text");
    if (done && field) field.value = "";
    if (done && ["close", "shelve"].includes(name)) act.close();
  };
  const text = () => ({ text: textOf("alarm-text") });
  const names = [...new Set([model.me.name, ...model.accounts.filter((a) => ["operator", "supervisor"].includes(a.role) && !a.disabled).map((a) => a.name)])];
  return make("form.handle", { onsubmit: (e) => e.preventDefault() },
    make("label", t.text, make("textarea", { id: "alarm-text", rows: "2", maxlength: "160", placeholder: t.text_hint })),
    model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
    make("p.buttons",
      alarm.acknowledged ? null : make("button.go", { type: "button", id: "alarm-take", onclick: send("acknowledge", text) }, t.take),
      make("button.plain", { type: "button", id: "alarm-comment", onclick: send("comment", text) }, t.comment),
      make("button.plain", { type: "button", id: "alarm-close", onclick: send("close", text) }, t.close),
      PERSON.includes(alarm.kind) ? null : isShelved(alarm)
        ? make("button.plain", { type: "button", id: "alarm-unshelve", onclick: send("unshelve", text) }, t.unshelve)
        : [make("label.inline", t.shelf_minutes, make("input", { id: "alarm-minutes", type: "number", min: "1", max: "720", value: "60" })), make("button.plain", { type: "button", id: "alarm-shelve", onclick: send("shelve", () => ({ ...text(), minutes: textOf("alarm-minutes") })) }, t.shelve)],
      make("span.push"),
      make("label.inline", t.give_to, make("input", { id: "alarm-owner", list: "owners", size: "12", maxlength: "32" }), make("datalist", { id: "owners" }, names.map((n) => make("option", { value: n })))),
      make("button.plain", { type: "button", id: "alarm-give", onclick: send("assign", () => ({ owner: textOf("alarm-owner") })) }, t.give)));
}

export function alarmDialog(model, act, id) {
  const w = words();
  const t = alarmWords();
  const alarm = [...model.alarms, ...model.closed].find((a) => String(a.id) === id);
  if (!alarm) return make("dialog", { "aria-label": t.gone, onclose: act.closed }, make("header", make("h2", t.gone), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, w.close)));
  const notes = model.detail?.notes ?? [];
  return make("dialog", { "aria-label": title(alarm), onclose: act.closed },
    make("header", make(`span.pill.tone-${isOver(alarm) ? "none" : TONE[alarm.severity]}`, icon(SHAPE[alarm.severity]), t.severity[alarm.severity]),
      make("h2", title(alarm), make("br"), make("small.sub", `${t.number(alarm.id)}　${what(alarm, model)}`)),
      make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, w.close)),
    make("dl.facts", [[w.since, `${moment(alarm.opened, model.now)}（${w.ago(age(model.now - alarm.opened))}）`], [t.standing, standing(alarm, model.now)], [t.now_many, t.sticks(alarm.count)], [t.most, t.sticks(alarm.most)], [w.at_bank, String(alarm.at_bank)]]
      .map(([name, value]) => make("div", make("dt", name), make("dd", value)))),
    make(`p.todo.tone-${TONE[alarm.severity]}`, make("b", `${w.todo}　`), todo(alarm, model)),
    alarm.closed ? null : runbook(alarm.kind, subjectOf(alarm)[0]),
    alarm.sticks.length ? make("ul.chips", alarm.sticks.map((s) => make("li", make("button", { type: "button", id: `chip-${s.id}`, onclick: () => act.stick(s.id) }, `${s.name || s.id}　${s.name ? s.id : ""}`)))) : null,
    !alarm.closed && mayHandle(model.me) ? forms(alarm, model, act) : null,
    make("ol.events", { tabindex: "0", "aria-label": t.done }, notes.map((n) => make("li", make("time", moment(n.at, model.now)), make("span.about", n.who || t.itself), make("span", t.note[n.what] ?? n.what, n.text ? make("q", n.text) : null)))));
}

// --- an exercise ---

export function exerciseDialog(model, act) {
  const t = alarmWords();
  const send = async (event) => {
    event.preventDefault();
    if (await act.call("alarms/exercise", { severity: textOf("exercise-severity"), text: textOf("exercise-text") })) act.close();
  };
  return make("dialog", { "aria-label": t.exercise_new, onclose: act.closed },
    make("header", make("h2", t.exercise_new, make("br"), make("small.sub", t.exercise_more)), make("button.plain", { type: "button", id: "dialog-close", onclick: act.close }, words().close)),
    make("form.fields", { onsubmit: send },
      make("label", t.exercise_severity, make("select", { id: "exercise-severity", autofocus: true }, ["warning", "critical", "info"].map((value) => make("option", { value }, t.severity[value])))),
      make("label", t.exercise_text, make("input", { id: "exercise-text", required: true, maxlength: "160" })),
      model.wrong ? make("p.wrong", { role: "alert" }, model.wrong) : null,
      make("p.buttons", make("button.go", { type: "submit", id: "exercise-go" }, t.exercise_new))));
}
