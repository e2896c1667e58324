// What the page asks the gateway. Every call gives {status, body, wait} and never throws; status 0: it was not reached.

const TIMEOUT_MS = 8000;

async function ask(path, options = {}) {
  try {
    const answer = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS), cache: "no-store" });
    const body = await answer.json().catch(() => null);
    return { status: answer.status, body, wait: Number(answer.headers.get("Retry-After")) || 0 };
  } catch {
    return { status: 0, body: null, wait: 0 };
  }
}

const post = (path, value) => ask(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });

export const session = () => ask("api/session");
export const sticks = () => ask("api/sticks");
export const events = () => ask("api/events");
export const alarms = () => ask("api/alarms");
export const accounts = () => ask("api/accounts");
export const shifts = () => ask("api/shifts");
export const requests = () => ask("api/requests");
export const stick = (id) => ask(`api/stick?id=${encodeURIComponent(id)}`);
export const alarm = (id) => ask(`api/alarm?id=${encodeURIComponent(id)}`);
export const logIn = (name, password, code) => post("api/login", { name, password, code });
export const logOut = () => post("api/logout", {});
// Something somebody does: what is "alarms/close", "sticks/revoke" and so on (console-api.yaml).
export const call = (what, fields) => post(`api/${what}`, fields);
