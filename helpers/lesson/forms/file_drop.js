// A file goes to the kernel as a message and not as a widget's value: values are written into saved notebooks.
const MOST = 1 << 20; // bytes; far above any certificate or key

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
      said.textContent = `${file.name} was not taken: it is larger than any certificate or key.`;
    } else {
      model.send({ name: file.name }, undefined, [await file.arrayBuffer()]);
    }
  }
  input.addEventListener("change", async () => {
    await take(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });
  // Anywhere in the frame: beside the input the browser would open the file, a private key even, in a tab of its own.
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
