// What the page of a conversation does beyond its forms: Ctrl+Enter sends, and words are copied.
"use strict";

for (const hint of document.querySelectorAll("[data-needs-script]")) hint.hidden = false;

for (const form of document.querySelectorAll("form.thread-reply")) {
  const send = form.querySelector("[data-send]");
  const text = form.querySelector("textarea");
  if (!send || !text) continue;
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
    event.preventDefault();
    form.requestSubmit(send);
  });
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = document.getElementById(button.dataset.copy);
  if (!words || !navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(words.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(words);
      button.textContent = "Press Ctrl+C";
    }
  });
}
