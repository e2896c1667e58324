// From states to what a person has to know: who is in trouble, why, and what to do. No document in here.

import { words } from "./words.js";

// A stick that has been gone this long was put away, not cut off.
const PUT_AWAY_S = 12 * 3600;
const MANY = 3;
const weight = { late: 1, stale: 2, quarantined: 3, lost: 4 };

export const isTrouble = (stick, now) => stick.state in weight && now - stick.since < PUT_AWAY_S;

export function whatIsWrong(stick) {
  const causes = words().causes;
  if (stick.cause === "resumed" && stick.state !== "quarantined") return causes.resumed;
  return causes[stick.state]?.[stick.cause] ?? "";
}

export const isAtBank = (stick) => stick.session || stick.banks.length > 0;

export function whatToDo(stick) {
  const todos = words().todos;
  if (stick.state === "late") return todos.late;
  const key = `${stick.state}_${stick.cause}`;
  return (isAtBank(stick) && todos[`${key}_bank`]) || todos[key] || todos[stick.state] || todos.none;
}

// Alarms, the worst first. Three or more of one region that broke off are one alarm, not three.
export function alarms(sticks, now) {
  const troubled = sticks.filter((s) => isTrouble(s, now) && s.state !== "late");
  const regions = new Map();
  for (const stick of troubled) {
    if (stick.cause !== "unreachable" || !stick.region) continue;
    regions.set(stick.region, [...(regions.get(stick.region) ?? []), stick]);
  }
  const together = [...regions.entries()].filter(([, list]) => list.length >= MANY);
  const folded = new Set(together.flatMap(([, list]) => list));
  const all = [
    ...together.map(([region, list]) => ({ region, sticks: list, state: worst(list), since: Math.min(...list.map((s) => s.since)) })),
    ...troubled.filter((s) => !folded.has(s)).map((s) => ({ sticks: [s], state: s.state, since: s.since })),
  ];
  const atBank = (alarm) => alarm.sticks.some(isAtBank);
  return all.sort((a, b) => b.sticks.length - a.sticks.length || atBank(b) - atBank(a) || weight[b.state] - weight[a.state] || a.since - b.since);
}

export const worst = (sticks) => sticks.reduce((state, s) => (weight[s.state] > (weight[state] ?? 0) ? s.state : state), "late");
