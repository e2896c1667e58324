// Light or dark: the system's choice until somebody makes one here; the browser keeps it.

import { language } from "./words.js";

const NEXT = { auto: "light", light: "dark", dark: "auto" };
const texts = {
  ja: { auto: "◐ 自動", light: "○ 明", dark: "● 暗", label: "画面の明るさ" },
  en: { auto: "◐ Auto", light: "○ Light", dark: "● Dark", label: "light or dark" },
};
const kept = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
let theme = NEXT[kept()] ? kept() : "auto";

const apply = () => { document.documentElement.dataset.theme = theme; };
apply();

export function switchTheme() {
  theme = NEXT[theme];
  try { localStorage.setItem("theme", theme); } catch { /* private windows keep nothing */ }
  apply();
}

export const themeText = () => texts[language()][theme];
export const themeLabel = () => `${texts[language()].label}: ${texts[language()][theme]}`;
