#!/bin/sh
# In a bare Debian 12 whose first process is systemd, as root, in a clone (tests/bare_box.sh): the README's lines for a
# server, then mail of nobody's cron job that reaches an exchanger on this computer: as it is, across kill -9 of the
# service, and across reboots.
#
#   bare_systemd.sh install     before the box is started, with a network
#   bare_systemd.sh first       in the box that was started, with none but its own loopback
#   bare_systemd.sh again       after it was started once more
set -eu

install() {
    apt-get update -q >/dev/null
    apt-get install -y -q --no-install-recommends systemd systemd-sysv dbus cron procps python3 python3-venv \
        ca-certificates >/dev/null
    cp -r . /opt/mua
    cd /opt/mua
    ./run --no-gui --version
    .venv/bin/pip install --quiet --no-deps .
    ln -s /opt/mua/.venv/bin/mua /usr/bin/mua
    chmod -R go+rX /opt/mua
    cat >/etc/systemd/system/exchanger.service <<'END'
[Service]
WorkingDirectory=/opt/mua/tests
ExecStart=/opt/mua/.venv/bin/python bare_exchanger.py /var/arrived 5353
[Install]
WantedBy=multi-user.target
END
}

# arrives N: so many mails have come, each minute of cron one, none of them twice
arrives() {
    seconds=0
    until [ -e "/var/arrived/$1" ]; do
        seconds=$((seconds + 1))
        [ $seconds -lt 200 ] || { journalctl --no-pager -u mua-engine -u exchanger | tail -40; mailq; exit 1; }
        sleep 1
    done
    [ -z "$(sed -n 's/^Message-ID: *//Ip' /var/arrived/* | sort | uniq -d)" ] || { echo "twice"; exit 1; }
}

first() {
    cd /opt/mua
    systemctl enable --quiet --now exchanger
    # what the README tells an administrator, word for word
    sed -n '/^    install -Dm 644 .*sysusers/,/^    for name in sendmail/s/^    //p' README.md >/tmp/readme
    [ "$(wc -l </tmp/readme)" = 4 ]
    sh -eux /tmp/readme
    systemctl is-active mua-engine
    echo good.test >/etc/mailname
    mua --profile /var/lib/mua account remove system # its own would ask the real DNS, and not go to a loopback address
    mua --profile /var/lib/mua account add --name system --email postmaster@good.test \
        --local --direct --dns 127.0.0.1:5353 --mx-port 2525 --allow-private-mx
    echo '* * * * * nobody echo "the job has run"' >/etc/cron.d/job
    arrives 1
    grep -q 'the job has run' /var/arrived/1
    before=$(systemctl show -P MainPID mua-engine)
    systemctl kill -s KILL mua-engine
    arrives 2
    arrives 3
    [ "$(systemctl show -P MainPID mua-engine)" != "$before" ]
    ps -o user=,rss=,args= -p "$(systemctl show -P MainPID mua-engine)"
    systemd-analyze --no-pager security mua-engine | tail -n 1
    # what waits while nothing runs is there after the start
    systemctl disable --quiet --now mua-engine
    runuser -u nobody -- sh -c 'printf "Subject: left over\n\nover a reboot\n" | sendmail nobody'
    systemctl enable --quiet mua-engine
}

again() {
    systemctl is-active mua-engine
    seconds=0
    until grep -q 'over a reboot' /var/arrived/*; do
        seconds=$((seconds + 1))
        [ $seconds -lt 60 ] || { journalctl --no-pager -b -u mua-engine | tail -40; exit 1; }
        sleep 1
    done
    arrives $(($(ls /var/arrived | wc -l) + 1))
    [ "$(grep -l 'over a reboot' /var/arrived/* | wc -l)" = 1 ]
    [ -z "$(find /var/lib/mua /var/spool/mua ! -user mua)" ] || { echo "not the user's own"; exit 1; }
    mua queue list
}

"$1"
