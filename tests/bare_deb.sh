#!/bin/sh
# bare_deb.sh DEB: in a bare Debian, as root (tests/bare_box.sh): installs the package, opens the window on the demo
# account as a normal user, looks whether mail is there, and takes the package away again.
set -eu

apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends "$1" xvfb xauth xdotool >/dev/null
[ "$(command -v mua)" = /usr/bin/mua ]
useradd -m ann
as_ann() { runuser -u ann -- env HOME=/home/ann PATH=/usr/bin:/bin MUA_SECRETS=session "$@"; }
cd /
as_ann mua --version
as_ann mua --help | grep -q -- --profile
# the window, with a server behind it: engine, indexer and demo server are children of the packaged program
as_ann xvfb-run sh -c '
    mua --demo &
    timeout 90 xdotool search --sync --onlyvisible --name Mua
    seconds=0
    until [ "$(mua --profile ~/.local/share/mua-demo list Inbox 2>/dev/null | wc -l)" -gt 10 ]; do
        seconds=$((seconds + 1))
        [ $seconds -lt 60 ]
        sleep 1
    done
    mua --profile ~/.local/share/mua-demo search from:a | head -n 3
    kill %1 2>/dev/null || kill $!
'
apt-get remove -y -q mua >/dev/null
[ ! -e /usr/lib/mua ] && [ ! -e /usr/bin/mua ]
