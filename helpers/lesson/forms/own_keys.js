// JupyterLab takes letters and arrows for commands while a dropdown has the focus: R makes the form's cell a raw one.
// Inside a form a key without Ctrl, Alt or Meta belongs to the form. JupyterLab listens on the document, above the body.
function initialize() {
  if (document.body.dataset.dpsKeys) return;
  document.body.dataset.dpsKeys = "own";
  document.body.addEventListener("keydown", (event) => {
    const form = event.target.closest(".dps-form");
    if (!form) return;
    if (event.key === "Enter" && event.shiftKey) runOn(event, form.closest(".jp-Cell"));
    else if (!event.ctrlKey && !event.altKey && !event.metaKey) event.stopPropagation();
  });
}

// Shift+Enter goes on in the notebook. Left alone it would press the form's button again, or run the form's own cell, and
// what was typed would be gone. So it is for the cell below, as after any other cell.
function runOn(event, cell) {
  event.preventDefault();
  event.stopPropagation();
  event.target.blur(); // what was typed last is sent to the kernel
  cell?.focus();
  press({ key: "ArrowDown", keyCode: 40 });
  press({ key: "Enter", keyCode: 13, shiftKey: true });
}

function press(key) {
  document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { ...key, code: key.key, bubbles: true, cancelable: true }),
  );
}

export default { initialize, render() {} };
