// Send a file to the kernel as a message, not as a widget's value: saved notebooks contain the values.
const MOST = 1 << 20; // bytes; far more than any certificate or key

function render({ model, el }) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  const said = document.createElement("span");
  el.classList.add("dps-drop");
  label.textContent = model.get("label");
  input.type = "file";
  input.accept = model.get("endings");
  said.setAttribute("role", "status");
  label.append(input);
  el.append(label, said);

  async function take(file) {
    if (!file) return;
    if (file.size > MOST) {
      said.textContent = `${file.name} was not accepted: it is larger than any certificate or key.`;
    } else {
      model.send({ name: file.name }, undefined, [await file.arrayBuffer()]);
    }
  }
  input.addEventListener("change", async () => {
    await take(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  // Accept a drop anywhere in the frame: outside the input, the browser would open the file, even a private key, in a new tab.
  el.addEventListener("drop", (event) => {
    event.preventDefault();
    el.classList.remove("dps-over");
    take(event.dataTransfer.files[0]);
  });
  el.addEventListener("dragover", (event) => {
    event.preventDefault();
    el.classList.add("dps-over");
  });
  el.addEventListener("dragleave", () => el.classList.remove("dps-over"));
  model.on("change:said", () => { said.textContent = model.get("said"); });
}

export default { render };
