// The bot's forms: a dialog of texts, checked here before they are sent.

import { announce, el } from "./dom.js";
import { openDialog } from "./dialogs.js";
import { blocks } from "./markdown.js";
import { state } from "./state.js";
import { ask } from "./socket.js";

const TYPES = { input: 4, text: 10, label: 18 };
const CHOICES = [3, 21, 22]; // a menu, round buttons, check boxes
const LONG = 2;

export function openForm(said) {
  const form = said.form || {};
  const rows = (form.components || []).flatMap(rowOf);
  const fields = rows.filter((each) => each.check);
  let isSent = false;
  openDialog({ label: form.title || "A form", className: "form", fill: (close) => {
    const problem = el("p", { className: "error", role: "alert", hidden: true });
    const submit = el("button", { type: "submit", className: "strong" }, "Submit");
    const node = el("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); send(); } },
      el("p", { className: "sub" }, `What you write here goes to ${state.bot.name} alone.`),
      ...rows.map((each) => each.node), problem,
      el("p", { className: "buttons" }, el("button", { type: "button", className: "quiet", onclick: () => close() }, "Cancel"), submit));
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
    });
    const send = () => {
      if (isSent) return;
      const wrong = fields.filter((each) => !each.check());
      if (wrong.length) { wrong[0].input.focus(); return; }
      isSent = true;
      problem.hidden = true;
      submit.textContent = "Sending…";
      submit.ariaDisabled = "true";
      const values = Object.fromEntries(fields.map((each) => [each.id, each.value()]));
      ask({ t: "submit", interaction: said.interaction, values }, (answer) => {
        isSent = false;
        submit.textContent = "Submit";
        submit.ariaDisabled = null;
        const failed = answer.t === "error" || answer.state === "failed";
        if (!failed) { close(true); return; }
        problem.textContent = answer.text || "Something went wrong. Try again.";
        problem.hidden = false;
      });
    };
    return [node];
  } });
  fields[0]?.input.focus();
  announce(`${form.title || "A form"}: ${fields.length === 1 ? "one field" : `${fields.length} fields`}`);
}

function rowOf(row) {
  if (row.type === TYPES.text) return [{ node: el("div", { className: "body" }, ...blocks(row.content || "")) }];
  if (row.type === TYPES.label) return [field(row.component || {}, row.label, row.description)];
  return (row.components || []).map((each) => field(each, each.label, ""));
}

let count = 0;

function field(data, label, description) {
  if (CHOICES.includes(data.type)) return choiceField(data, label, description);
  if (data.type !== TYPES.input) return { node: el("p", { className: "sub" }, `${label}: the practice page cannot show this field.`) };
  count += 1;
  const id = `field-${count}`;
  const isRequired = data.required !== false;
  const least = data.min_length ?? 0;
  const most = data.max_length ?? 4000;
  const isLong = data.style === LONG;
  const input = el(isLong ? "textarea" : "input", { id, value: data.value || "", placeholder: data.placeholder || "", autocomplete: "off",
    required: isRequired, "aria-describedby": `${id}-help ${id}-problem` });
  if (isLong) input.rows = 4; else input.type = "text";
  const left = el("span", { className: "left" });
  const problem = el("p", { className: "error", id: `${id}-problem` });
  const help = el("p", { className: "help", id: `${id}-help` }, description || "", left);
  const tellLeft = () => { left.textContent = data.max_length || input.value.length > 3500 ? `${input.value.length} of ${most}` : ""; };
  const check = () => {
    problem.textContent = fault(input.value, { isRequired, least, most });
    input.ariaInvalid = problem.textContent ? "true" : null;
    return !problem.textContent;
  };
  input.addEventListener("input", () => { tellLeft(); if (input.ariaInvalid) check(); });
  tellLeft();
  const node = el("div", { className: "field" }, el("label", { htmlFor: id }, label || "Text", mark(isRequired)), input, help, problem);
  return { id: data.custom_id, input, check, value: () => input.value, node };
}

const mark = (isRequired) => (isRequired ? el("span", { className: "must", ariaHidden: "true" }, " *") : el("span", { className: "maybe" }, " (optional)"));

function choiceField(data, label, description) {
  count += 1;
  const id = `field-${count}`;
  const least = data.required === false ? 0 : data.min_values ?? 1;
  const most = data.max_values ?? (data.type === CHOICES[2] ? data.options.length : 1);
  const boxes = (data.options || []).map((option) => el("input", { type: most > 1 || !least ? "checkbox" : "radio", name: id, value: option.value, checked: Boolean(option.default) }));
  const problem = el("p", { className: "error", id: `${id}-problem` });
  const value = () => boxes.filter((each) => each.checked).map((each) => each.value);
  const check = () => {
    const isFine = value().length >= least && value().length <= most;
    problem.textContent = isFine ? "" : least === most ? `Choose ${least}.` : `Choose ${least} to ${most}.`;
    return isFine;
  };
  const rows = boxes.map((box, index) => el("label", { className: "choice" }, box,
    el("span", {}, data.options[index].label, data.options[index].description ? el("small", {}, data.options[index].description) : null)));
  const node = el("fieldset", { className: "field", "aria-describedby": `${id}-problem` }, el("legend", {}, label || "Choose", mark(least > 0)),
    description ? el("p", { className: "help" }, description) : null, ...rows, problem);
  return { id: data.custom_id, input: boxes[0], check, value, node };
}

function fault(text, { isRequired, least, most }) {
  if (!text.trim()) return isRequired ? "This must not be empty." : "";
  if (text.length < least) return `At least ${least} characters, ${least - text.length} more.`;
  return text.length > most ? `At most ${most} characters: take ${text.length - most} away.` : "";
}
