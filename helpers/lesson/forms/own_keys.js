// While a dropdown has the focus, JupyterLab treats letters and arrows as commands: R turns the form's cell into a raw cell.
// So inside a form, a key without Ctrl, Alt or Meta goes to the form only. JupyterLab listens on the document, above the body.
function initialize() {
  if (document.body.dataset.dpsKeys) return;
  document.body.dataset.dpsKeys = "own";
  document.body.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.altKey || event.metaKey;
    if (!isCommand && event.target.closest(".dps-form")) event.stopPropagation();
  });
  // In the capture phase, because a text field stops the events that bubble up.
  document.body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.shiftKey || !event.isTrusted) return;
    const form = event.target.closest(".dps-form");
    const cell = form?.closest(".jp-Cell");
    if (cell) runOn(event, cell);
  }, true);
}

// Shift+Enter runs the cell below the form. Without this, it would run the form's own cell, and the text in the fields would be lost.
function runOn(event, cell) {
  event.preventDefault();
  event.stopPropagation();
  event.target.blur(); // send the text that was typed last to the kernel
  cell.focus();
  press({ key: "ArrowDown", keyCode: 40 });
  press({ key: "Enter", keyCode: 13, shiftKey: true });
}

// JupyterLab acts when the key is released.
function press(key) {
  const options = { ...key, code: key.key, bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", options));
  document.activeElement.dispatchEvent(new KeyboardEvent("keyup", options));
}

export default { initialize };
