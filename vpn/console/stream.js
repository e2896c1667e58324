// The gateway says when something changed; where it cannot be heard, since when, the page says and asks by itself.

const QUIET_MS = 12000; // it speaks every five seconds
const AGAIN_MS = 5000;

let source = null;
let watch = 0;
let heardAt = 0;
let told = null;

// lost: unix seconds since when nothing was heard, 0 while it is there; now: the gateway's own clock, when it was heard last
export const stream = { lost: 0, now: 0 };

function lose() {
  stream.lost ||= (heardAt || Date.now()) / 1000;
}

function hear(event) {
  heardAt = Date.now();
  stream.lost = 0;
  stream.now = JSON.parse(event.data).now;
  if (event.type === "changed") told();
}

function open() {
  source?.close();
  source = new EventSource("api/stream"); // it comes back by itself, with Last-Event-ID
  for (const kind of ["changed", "alive"]) source.addEventListener(kind, hear);
  source.addEventListener("error", () => { lose(); told(); });
}

// changed() is called when there is something new to ask for, and when the stream is lost.
export function listen(changed) {
  hush();
  told = changed;
  heardAt = Date.now();
  open();
  watch = setInterval(() => {
    if (Date.now() - heardAt > QUIET_MS) lose();
    if (stream.lost && source.readyState === EventSource.CLOSED) open();
  }, AGAIN_MS);
}

export function hush() {
  clearInterval(watch);
  source?.close();
  source = null;
  Object.assign(stream, { lost: 0, now: 0 });
}
