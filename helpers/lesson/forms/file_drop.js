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

  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    if (file.size > MOST) {
      said.textContent = `${file.name} was not taken: it is larger than any certificate or key.`;
    } else {
      model.send({ name: file.name }, undefined, [await file.arrayBuffer()]);
    }
    input.value = ""; // so that the same file can be chosen again
  });
  for (const name of ["dragenter", "dragover"]) el.addEventListener(name, () => el.classList.add("dps-over"));
  for (const name of ["dragleave", "drop"]) el.addEventListener(name, () => el.classList.remove("dps-over"));
  model.on("change:said", () => { said.textContent = model.get("said"); });
}

export default { render };
