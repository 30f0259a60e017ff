"""As many notebooks with nothing in them, by papermill with its defaults: `python -m tests.bench.empty_notebooks NUMBER`."""

import sys
import tempfile
from pathlib import Path

import nbformat
import papermill

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(sys.argv[1])):
            notebook = Path(folder) / f"{number}.ipynb"
            nbformat.write(nbformat.v4.new_notebook(), notebook)
            papermill.execute_notebook(notebook, notebook, kernel_name="python3", progress_bar=False)
