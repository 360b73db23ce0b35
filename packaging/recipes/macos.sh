#!/bin/sh
# Unproven.  A Mua.app, on a Mac, in an environment with packaging/requirements-package.lock and the wheel installed.
set -eu
cat >start.py <<'END'
import sys
from mua.__main__ import main
sys.exit(main())
END
sips -s format png -Z 1024 packaging/io.github.mua.Mua.svg --out mua.png
pyinstaller --windowed --name Mua --noconfirm --icon mua.png --osx-bundle-identifier io.github.mua.Mua \
    --collect-submodules mua --collect-data mua --collect-data publicsuffixlist --copy-metadata keyring start.py
plutil -insert CFBundleURLTypes -json '[{"CFBundleURLName": "Mail", "CFBundleURLSchemes": ["mailto"]}]' \
    dist/Mua.app/Contents/Info.plist
codesign --deep --force --options runtime --sign "${IDENTITY:?a Developer ID}" dist/Mua.app
hdiutil create -volname Mua -srcfolder dist/Mua.app -ov Mua.dmg
