// From states to what a person has to know: who is in trouble, why, and what to do. No document in here.

import { words } from "./words.js";

// A stick that has been gone this long was put away, not cut off.
const PUT_AWAY_S = 12 * 3600;
const weight = { late: 1, stale: 2, locked: 3, quarantined: 4, lost: 5 };

export const isHeld = (stick) => stick.state === "quarantined" || stick.state === "locked";

export const isTrouble = (stick, now) => stick.state in weight && now - stick.since < PUT_AWAY_S;

export function whatIsWrong(stick) {
  const causes = words().causes;
  if (stick.cause === "resumed" && !isHeld(stick)) return causes.resumed;
  return causes[stick.state]?.[stick.cause] ?? "";
}

export const isAtBank = (stick) => stick.session || stick.banks.length > 0;

export function whatToDo(stick) {
  const todos = words().todos;
  if (stick.state === "late") return todos.late;
  const key = `${stick.state}_${stick.cause}`;
  return (isAtBank(stick) && todos[`${key}_bank`]) || todos[key] || todos[stick.state] || todos.none;
}

export const worst = (sticks) => sticks.reduce((state, s) => (weight[s.state] > (weight[state] ?? 0) ? s.state : state), "late");
