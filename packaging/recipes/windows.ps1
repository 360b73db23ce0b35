# Unproven.  A folder with mua.exe, on Windows, in an environment with packaging/requirements-package.lock and the wheel
# installed.  The engine has no way to listen there yet (it uses a Unix socket).
$ErrorActionPreference = "Stop"
"import sys`nfrom mua.__main__ import main`nsys.exit(main())" | Set-Content start.py
pyinstaller --onedir --windowed --name mua --noconfirm `
    --collect-submodules mua --collect-data mua --collect-data publicsuffixlist --copy-metadata keyring start.py
Compress-Archive -Path dist/mua -DestinationPath mua-windows.zip -Force
