#!/bin/sh
# A bare Debian 12 that has nothing but git, with a fresh clone of this checkout: what a new person's computer sees.
#
#   tests/bare_box.sh [-u] COMMAND     runs a shell command there, in the clone, as root or (-u) as a normal user
#   tests/bare_box.sh -b SCRIPT        the same with systemd as its first process: SCRIPT install, first, and again
#   tests/bare_box.sh                  the whole round, in boxes of their own; says which part failed
#
# Needs root and debootstrap.  The bare system is made once, in $MUA_BOX (/var/tmp/mua-box); each box is a layer over it
# that is thrown away.  How this computer reaches its package registries is copied into it (apt, pip, certificates,
# names); $MUA_BOX_BIND names more folders to show there.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
base=${MUA_BOX:-/var/tmp/mua-box}

make_base() {
    [ ! -e "$base/ready" ] || return 0
    debootstrap --variant=minbase --include=git,ca-certificates bookworm "$base/system" >"$base.log" 2>&1
    touch "$base/ready"
}

# Copies what tells apt and pip where to look, and whom to trust.
copy_settings() {
    rm -f "$1/etc/apt/sources.list"
    for path in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf.d /etc/apt/keyrings /etc/pip.conf \
        /etc/xdg/pip /root/.config/pip /etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates /etc/hosts /etc/resolv.conf; do
        [ -e "$path" ] || continue
        mkdir -p "$1${path%/*}"
        cp -rLT --remove-destination "$path" "$1$path"
    done
    for path in ${MUA_BOX_BIND:-}; do
        mkdir -p "$1$path"
        mount --bind "$path" "$1$path"
    done
}

# In namespaces of its own already: mounts, processes.  $1: an empty folder, $2: who.  Sets $root and $home.
prepare() {
    root=$1/root
    mkdir "$1/layer" "$1/work" "$root"
    # The layer is a mount, so / is one in the box: "ip netns exec" insists.
    mount -t overlay -o "lowerdir=$base/system,upperdir=$1/layer,workdir=$1/work" box "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    copy_settings "$root"
    home=/root
    if [ "$2" != root ]; then
        home=/home/$2
        chroot "$root" useradd -m -s /bin/sh "$2"
    fi
    mkdir -p "$base/pip-cache" "$root$home/.cache/pip"
    mount --bind "$base/pip-cache" "$root$home/.cache/pip"
    git -c safe.directory='*' clone -q "file://$here" "$root$home/mua"
    chroot "$root" chown -R "$2" "$home"
}

# as WHO WHAT: in the box that was prepared
as() {
    env -i $(env | grep -E '^(PIP_|SSL_CERT_|CI=)') HOME="$home" PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        chroot --userspec="$1" "$root" sh -c "cd ~/mua && $2" </dev/null
}

inside() {
    prepare "$1" "$2"
    as "$2" "$3"
}

# The same with systemd as the first process, and no network but the box's own loopback: $2 install, then $2 first in the
# started box, and $2 again after it was started once more.  Needs systemd-nspawn (Debian's systemd-container).
inside_booted() {
    prepare "$1" root
    as root "$2 install"
    umount -R "$root/proc" "$root/sys" "$root/dev"
    for when in first again; do
        systemd-nspawn --quiet --directory "$root" --register=no --keep-unit --private-network --console=pipe --boot \
            </dev/null >>"$1/console" 2>&1 &
        box=$!
        seconds=0
        until first=$(pgrep -P "$box") && nsenter -t "$first" -a systemctl is-system-running --wait 2>&1; do
            seconds=$((seconds + 1))
            [ $seconds -lt 60 ] || { cat "$1/console"; exit 1; }
            sleep 1
        done
        nsenter -t "$first" -a env HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd ~/mua && $2 $when"
        kill -TERM "$box"
        wait "$box" || true
    done
}

# box --inside WHO WHAT, or box --inside-booted WHAT
box() {
    layer=$(mktemp -d "$base/box-XXXXXX")
    how=$1
    shift
    unshare --mount --pid --fork --kill-child --mount-proc "$0" "$how" "$layer" "$@" && code=0 || code=$?
    rm -rf "$layer"
    return $code
}

part() {
    name=$1
    shift
    if box "$@" >"$base/part.log" 2>&1; then echo "ok      $name"; else
        echo "failed  $name"
        tail -n 40 "$base/part.log"
        failed=1
    fi
}

round() {
    failed=0
    part "starts as root" --inside root './run --version && ./run --no-gui --help'
    part "without PySide6" --inside root './run --no-gui --version && ! .venv/bin/python -c "import PySide6"'
    part "shows the demo" --inside root './run test --version && xvfb-run sh -c "./run --demo & timeout 60 xdotool search --sync --onlyvisible --name Mua"'
    part "tells a normal user one command" --inside ann '! ./run --version 2>said && [ "$(grep -c "apt-get install" said)" = 1 ]'
    part "mails what cron says" --inside root tests/bare_server.sh
    part "is a service of systemd" --inside-booted tests/bare_systemd.sh
    part "passes what a change has to pass" --inside root .ci/run
    return $failed
}

case ${1:-} in
--inside) shift; inside "$@" ;;
"") make_base; round ;;
--inside-booted) shift; inside_booted "$@" ;;
-u) make_base; box --inside ann "$2" ;;
-b) make_base; box --inside-booted "$2" ;;
*) make_base; box --inside root "$1" ;;
esac
