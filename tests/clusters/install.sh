#!/bin/sh
# Installs what the tests in this folder start, where that can be done: Debian or Ubuntu, as root.
# Nothing is started. Run again it does nothing. Without it those tests skip, and say so.
set -eu

packages="slurm-wlm munge cron"

if ! command -v apt-get > /dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "not installed ($packages): that takes apt-get, and root; tests that need them will skip"
  exit 0
fi
missing=""
for package in $packages; do
  dpkg-query --show --showformat='${Status}\n' "$package" 2> /dev/null | grep -q '^install ok' ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

# No daemon shall start by being installed: the tests start their own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod +x "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get update --quiet --quiet &&
  apt-get install --quiet --quiet --yes --no-install-recommends $missing > /dev/null ||
  echo "not installed ($missing): apt-get failed; tests that need them will skip"
