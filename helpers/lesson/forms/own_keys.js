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
    const form = event.target.closest(".dps-form");
    const cell = form?.closest(".jp-Cell");
    if (cell) runOn(event, cell);
  }, true);
}

// Shift+Enter goes on in the notebook. Left alone it would run the form's own cell, and the text in its fields would be gone.
// So it runs the cell below, as after any other cell.
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

export default { initialize };
