// JupyterLab takes letters and arrows for commands while a dropdown has the focus: R makes the form's cell a raw one.
// Inside a form a key without Ctrl, Alt or Meta belongs to the form. JupyterLab listens on the document, above the body.
function initialize() {
  if (document.body.dataset.dpsKeys) return;
  document.body.dataset.dpsKeys = "own";
  document.body.addEventListener("keydown", (event) => {
    const isCommand = event.ctrlKey || event.altKey || event.metaKey;
    if (!isCommand && event.target.closest(".dps-form")) event.stopPropagation();
  });
}

export default { initialize, render() {} };
