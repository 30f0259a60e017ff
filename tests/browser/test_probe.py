from tests.browser.lab import *
from tests.browser.prepared import ready_for
def test_probe(lab, page):
    ready_for("02_upload_ca", lab.workspace)
    nb = NotebookPage.open(page, lab, "02_upload_ca")
    nb.run(0, 2)
    f = nb.form()
    f.type("Name at DPS", "my-ca")
    f.choose("CA to register", "root")
    f.press("Upload the CA's public part")
    f.expect_outcome("my-ca")
    nb.run_on(3)
    print(nb.output(3).inner_text())
    nb.save()
    print(nb.complaints, len(nb.told), len(nb.file.read_bytes()))
    nb.show_whole(); nb.turn("dark")
    page.screenshot(path="/tmp/shots/probe.png")
