// What nobody has taken is heard, and how bad it is: three high tones every ten seconds, two every minute, or one once.
// A browser plays nothing until somebody has touched the page: that is said where it cannot be overlooked.

import { isNew } from "./alarms.js";
import { language } from "./words.js";

const TUNES = { critical: { hz: [880, 660, 880], again_s: 10 }, warning: { hz: [660, 550], again_s: 60 }, info: { hz: [440], again_s: Infinity } };
const RANK = ["info", "warning", "critical"];
const TONE_S = 0.18;

const texts = {
  ja: { on: "音 入", off: "音 切", label: "アラームの音", blocked: "アラームの音が出ません", blocked_more: "ブラウザーが音を止めています。この画面のどこかを一度押すと鳴るようになります。", allow: "音を出す",
    off_title: "アラームの音を切ってあります", off_more: "まだだれも引き受けていないものがあります。画面から目を離すなら、音を入れてください。" },
  en: { on: "Sound on", off: "Sound off", label: "the alarms' sound", blocked: "Alarms cannot be heard", blocked_more: "The browser holds the sound back. Press anywhere on this page once, and it is heard.", allow: "Let it sound",
    off_title: "The alarms' sound is switched off", off_more: "There is something that nobody has taken. Switch it on before you look away." },
};

const kept = () => { try { return localStorage.getItem("sound"); } catch { return null; } };
let wanted = kept() !== "off";
let context = null;
let heard = new Set(); // numbers of alarms, with the severity that was heard
let playedAt = 0;

function audio() {
  context ??= new AudioContext();
  return context;
}

// Any press of the person is the leave that the browser waits for.
for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, () => { if (wanted) audio().resume().catch(() => {}); }, { capture: true });

function play({ hz }) {
  const from = audio().currentTime + 0.05;
  hz.forEach((frequency, i) => {
    const tone = context.createOscillator();
    const loud = context.createGain();
    tone.frequency.value = frequency;
    loud.gain.setValueAtTime(0, from + i * TONE_S * 1.4);
    loud.gain.linearRampToValueAtTime(0.25, from + i * TONE_S * 1.4 + 0.02);
    loud.gain.linearRampToValueAtTime(0, from + i * TONE_S * 1.4 + TONE_S);
    tone.connect(loud).connect(context.destination);
    tone.start(from + i * TONE_S * 1.4);
    tone.stop(from + (i + 1) * TONE_S * 1.4);
  });
}

export const isBlocked = () => wanted && audio().state !== "running";

// At each drawing: the worst that nobody has taken; anything new at once, the same again after its time.
export function sound(model) {
  const fresh = model.reached ? model.alarms.filter(isNew) : [];
  const keys = new Set(fresh.map((alarm) => `${alarm.id} ${alarm.severity}`));
  const worst = fresh.reduce((rank, alarm) => Math.max(rank, RANK.indexOf(alarm.severity)), -1);
  const isOneMore = [...keys].some((key) => !heard.has(key));
  if (!wanted || worst < 0 || isBlocked()) { // what could not be heard is still new when it can
    if (worst < 0) heard = keys;
    return;
  }
  if (!isOneMore && model.now - playedAt < TUNES[RANK[worst]].again_s) return;
  heard = keys;
  playedAt = model.now;
  play(TUNES[RANK[worst]]);
}

export function switchSound() {
  wanted = !wanted;
  try { localStorage.setItem("sound", wanted ? "on" : "off"); } catch { /* private windows keep nothing */ }
  if (wanted) audio().resume().catch(() => {});
}

export const soundText = () => texts[language()][wanted ? "on" : "off"];
export const soundLabel = () => texts[language()].label;

// What stands in the way of being heard: [title, more, what the button says], or null.
export function soundTrouble(model) {
  const t = texts[language()];
  if (isBlocked()) return [t.blocked, t.blocked_more, t.allow];
  if (!wanted && model.alarms.some(isNew)) return [t.off_title, t.off_more, t.allow];
  return null;
}

export async function allowSound() {
  if (!wanted) switchSound();
  await audio().resume().catch(() => {});
}
