// JupyterLab takes letters and arrows for commands while a dropdown has the focus: R makes the form's cell a raw one.
// Inside a form a key without Ctrl, Alt or Meta belongs to the form. JupyterLab listens on the document, above the body.
function initialize() {
  if (document.body.dataset.dpsKeys) return;
  document.body.dataset.dpsKeys = "own";
  document.body.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.altKey || event.metaKey;
    if (!isCommand && event.target.closest(".dps-form")) event.stopPropagation();
  });
  // On the way down, for a text field keeps to itself what comes up.
  document.body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.shiftKey || !event.isTrusted) return;
    const form = event.target.closest(".dps-form") ?? (event.target === document.body ? busyForm() : null);
    const cell = form?.closest(".jp-Cell");
    if (cell) runOn(event, cell);
  }, true);
}

// A form that works at something: its button, which had the focus, can't have it now.
function busyForm() {
  return document.querySelector(".jp-Cell.jp-mod-active .dps-form:has(button.mod-primary:disabled)");
}

// Shift+Enter goes on in the notebook. Left alone it would press the form's button again, or run the form's own cell, and
// what was typed would be gone. So it is for the cell below, as after any other cell.
function runOn(event, cell) {
  event.preventDefault();
  event.stopPropagation();
  event.target.blur(); // what was typed last is sent to the kernel
  cell.focus();
  press({ key: "ArrowDown", keyCode: 40 });
  press({ key: "Enter", keyCode: 13, shiftKey: true });
}

// JupyterLab waits for a key to be let go.
function press(key) {
  const options = { ...key, code: key.key, bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
  document.activeElement.dispatchEvent(new KeyboardEvent("keyup", options));
}

// When the work is done the button gets the focus back, unless the person has gone on.
function render({ model, el }) {
  model.on("msg:custom", () => {
    const hasFocus = document.activeElement && document.activeElement !== document.body;
    if (!hasFocus) el.closest(".dps-form")?.querySelector("button.mod-primary")?.focus();
  });
}

export default { initialize, render };
