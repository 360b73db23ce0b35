#!/bin/sh
# In a bare Debian 12, as root, in a clone (tests/bare_box.sh): a server without a relay.  A cron job of nobody is mailed
# to an exchanger on this computer, while the engine runs, across kill -9, and across a "reboot" of everything.
set -eu

apt-get update -q >/dev/null
apt-get install -y -q --no-install-recommends cron python3 python3-venv ca-certificates >/dev/null
cp -r . /opt/mua
cd /opt/mua
./run --no-gui --version
chmod -R go+rX /opt/mua
for name in sendmail mailq newaliases; do ln -s /opt/mua/run /usr/sbin/$name; done
useradd --system --user-group --no-create-home --home-dir /var/lib/mua --shell /usr/sbin/nologin mua
echo good.test >/etc/mailname
export MUA_SECRETS=session

PYTHONPATH=tests .venv/bin/python tests/bare_exchanger.py /tmp/arrived >/tmp/dns &
exchanger=$!
until [ -s /tmp/dns ]; do
    kill -0 $exchanger
    sleep 0.1
done

install -d -o mua -g mua -m 700 /var/lib/mua
./run --no-gui --profile /var/lib/mua account add --name system --email postmaster@good.test \
    --local --direct --dns "$(cat /tmp/dns)" --mx-port 2525 --allow-private-mx
while [ -e /var/lib/mua/engine.sock ]; do sleep 0.1; done

start_engine() {
    ./run --no-gui engine --foreground --system >>/tmp/engine.log 2>&1 &
    engine=$! # run becomes the engine
}

# kilobytes that the engine has in memory
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$engine/status"; }
resident() { echo "an engine $1: $(rss) kB resident"; }

start_all() {
    start_engine
    cron -f &
    cron=$!
}

# arrives N: so many mails have come, each minute of cron one, none of them twice
arrives() {
    seconds=0
    until [ -e "/tmp/arrived/$1" ]; do
        seconds=$((seconds + 1))
        [ $seconds -lt 200 ] || { cat /tmp/engine.log; mailq; exit 1; }
        sleep 1
    done
    [ -z "$(sed -n 's/^Message-ID: *//Ip' /tmp/arrived/* | sort | uniq -d)" ] || { echo "twice"; exit 1; }
}

# A submission waits in the folder, or is left to the next engine: within two of cron's minutes.
waits() {
    seconds=0
    until ls /var/spool/mua | grep -q '^[0-9a-f]\{32\}$'; do
        seconds=$((seconds + 1))
        [ $seconds -lt 130 ]
        sleep 1
    done
}

echo '* * * * * nobody echo "the job has run"' >/etc/cron.d/job
start_all
until ls -l /proc/$engine/exe 2>/dev/null | grep -q python && grep -q " ready$" /tmp/engine.log; do sleep 0.1; done
resident "with nothing in its queue"
arrives 1
cat /tmp/arrived/1
grep -q '^From: .*@good.test' /tmp/arrived/1
grep -q '^To: nobody@good.test' /tmp/arrived/1
grep -q 'the job has run' /tmp/arrived/1
resident "with nothing in its queue, after its first mail"
[ "$(rss)" -lt 46080 ] || { echo "more than 45 MB"; exit 1; }

kill -9 $engine
waits # what cron says while no engine runs
start_engine
arrives 2

kill -9 $engine
waits
kill -9 $cron # and with it everything but the exchanger: a power cut, as far as a root without a kernel can have one
wait $cron || true
start_all
arrives 3
ls -ld /var/lib/mua /var/spool/mua
[ -z "$(find /var/lib/mua /var/spool/mua ! -user mua)" ] || { echo "not the user's own"; exit 1; }
if .venv/bin/python -c 'import PySide6' 2>/dev/null; then exit 1; fi
kill $engine $cron
