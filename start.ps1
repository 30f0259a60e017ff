# What the Makefile does on Linux and macOS, for Windows, which comes without make: set up the environment, then run.
#
#     powershell -ExecutionPolicy Bypass -File start.ps1 tutorial
#
# tutorial   executes every notebook against a local DPS, in a clean workspace of its own
# lab        opens JupyterLab where the walkthrough begins
# test       runs the whole test suite
# clean      removes the environments; workspaces stay
param(
    [ValidateSet('tutorial', 'lab', 'test', 'clean')] [string] $Door = 'tutorial',
    [string] $Python = 'python'
)
$ErrorActionPreference = 'Stop'
Set-Location $PSScriptRoot
$Run = '.venv\Scripts\python.exe'
$Versions = @(("$env:VERSIONS" -split ' ') -ne '') # which ones the project's own environments get: the Makefile says more

function Invoke-Program([string] $Program, [string[]] $Options) {
    & $Program $Options
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}

# As in make, something is ready if its stamp is newer than the files from which it was made.
function Test-Ready([string] $Stamp, [string[]] $Sources) {
    if (-not (Test-Path $Stamp)) { return $false }
    $Made = (Get-Item $Stamp).LastWriteTime
    foreach ($Source in $Sources) { if ((Get-Item $Source).LastWriteTime -gt $Made) { return $false } }
    return $true
}

function Set-Ready([string] $Stamp) { Set-Content -Path $Stamp -Value '' }

function New-Environment([string] $Folder) {
    if (Test-Path "$Folder\Scripts\python.exe") { return } # a Python that is running can't be replaced
    Invoke-Program $Python @('-c', 'import sys; sys.version_info >= (3, 11) or sys.exit(''Python 3.11 or newer is needed.'')')
    Write-Host "Creating the environment in $Folder, once."
    Invoke-Program $Python @('-m', 'venv', $Folder)
}

# uv takes seconds where pip takes a minute. Where uv can't be had, pip does it.
function Install-Packages([string] $Folder, [string[]] $What) {
    $Its = "$Folder\Scripts\python.exe"
    & $Its -m pip install --quiet --disable-pip-version-check uv
    if ($LASTEXITCODE -eq 0) {
        Invoke-Program $Its (@('-m', 'uv', 'pip', 'install', '--quiet', '--python', $Its, '--compile-bytecode') + $What)
    } else {
        Invoke-Program $Its (@('-m', 'pip', 'install', '--quiet', '--disable-pip-version-check') + $What)
    }
}

function Initialize-Course {
    if (Test-Ready '.venv\.ready' @('pyproject.toml', 'data\jupyterlab_overrides.json')) { return }
    New-Environment '.venv'
    Install-Packages '.venv' ($Versions + @('--editable', '.'))
    Invoke-Program $Run @('-m', 'compileall', '-q', 'helpers')
    New-Item -ItemType Directory -Force -Path '.venv\share\jupyter\lab\settings' | Out-Null
    Copy-Item 'data\jupyterlab_overrides.json' '.venv\share\jupyter\lab\settings\overrides.json' # no question about news, and Markdown as a page
    Set-Ready '.venv\.ready'
}

function Initialize-Tests {
    Initialize-Course
    if (-not (Test-Ready '.venv\.test-ready' '.venv\.ready')) {
        Write-Host 'Adding what the tests need.'
        Install-Packages '.venv' ($Versions + @('--editable', '.[test]'))
        Set-Ready '.venv\.test-ready'
    }
    Initialize-OldClient 'tests\clients\management_1_1\requirements.txt'
    Initialize-NodeClient 'tests\clients\node'
    Initialize-NodeClient 'tests\clients\node_device'
    Initialize-Vectors 'tests\judging\requirements.txt'
    Initialize-Package 'tests\package\requirements.txt'
}

function Initialize-OldClient([string] $Requirements) {
    if (Test-Ready '.venv-management-1.1\.ready' $Requirements) { return }
    New-Environment '.venv-management-1.1'
    Install-Packages '.venv-management-1.1' @('--requirement', $Requirements)
    Set-Ready '.venv-management-1.1\.ready'
}

function Initialize-NodeClient([string] $Folder) {
    if (Test-Ready "$Folder\node_modules\.ready" "$Folder\package.json") { return }
    Invoke-Program 'npm' @('install', '--silent', '--prefix', $Folder)
    Set-Ready "$Folder\node_modules\.ready"
}

function Initialize-Vectors([string] $Requirements) {
    if (Test-Ready 'build\vectors\.ready' $Requirements) { return }
    Invoke-Program $Run @(
        '-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps',
        '--dest', 'build\vectors', '--requirement', $Requirements
    )
    Set-Ready 'build\vectors\.ready'
}

# The local DPS as its users get it: its wheel, in an environment with nothing but that and what the tests of a client need.
function Initialize-Package([string] $Requirements) {
    $Sources = @(Get-ChildItem -Recurse -File 'helpers\local_dps' -Exclude '*.pyc' | ForEach-Object { $_.FullName })
    if (Test-Ready '.venv-package\.ready' ($Sources + $Requirements)) { return }
    if (Test-Path 'build\package') { Remove-Item -Recurse -Force 'build\package' }
    Invoke-Program $Run @('-m', 'build', '--no-isolation', '--outdir', 'build\package', 'helpers\local_dps')
    if (Test-Path '.venv-package') { Remove-Item -Recurse -Force '.venv-package' }
    New-Environment '.venv-package'
    Install-Packages '.venv-package' ($Versions + @((Get-Item 'build\package\*.whl').FullName, '--requirement', $Requirements))
    Set-Ready '.venv-package\.ready'
}

switch ($Door) {
    'tutorial' {
        Initialize-Course
        Invoke-Program $Run @('-m', 'helpers', 'run')
    }
    'lab' {
        Initialize-Course
        Invoke-Program $Run @('-m', 'helpers.jupyter_folders')
        Invoke-Program '.venv\Scripts\jupyter.exe' @(
            'lab', '--ServerApp.root_dir=.', '--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb',
            '--MappingKernelManager.cull_idle_timeout=3600', '--MappingKernelManager.cull_interval=300'
        )
    }
    'test' {
        Initialize-Tests
        $env:PYTHONUTF8 = '1' # the tests read the project's files, which are UTF-8, as text
        Invoke-Program $Run @('-m', 'pytest', '-n', '4', '--ignore=tests/azure_cli', '--ignore=tests/browser')
    }
    'clean' {
        $Made = @(
            '.venv', '.venv-*', 'build',
            'tests\clients\node\node_modules', 'tests\clients\node_device\node_modules', 'tests\browser\node_modules'
        )
        Get-Item -ErrorAction Ignore $Made | Remove-Item -Recurse -Force
    }
}
