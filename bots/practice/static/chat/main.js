// The chat page of the practice Discord: this module starts the others.

import { $, complain } from "./dom.js";
import "./places.js";
import "./talk.js";
import { state, store, stored } from "./state.js";
import { connect, hear } from "./socket.js";

const THEME = "practice-theme";

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
}

$("theme").addEventListener("click", () => {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
  store(THEME, dark ? "light" : "dark");
});
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  (state.place ? $("composer") : $("search")).focus();
});

// What was asked with a number of its own is told where it was asked.
hear("error", (said) => { if (!said.ref) complain(said.text); });

setTheme(stored(THEME, null));
connect();
