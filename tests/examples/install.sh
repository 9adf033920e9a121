#!/bin/sh
# Installs the data sets that examples learn from, where that can be done: Debian or Ubuntu, as
# root. Run again it does nothing. Without them the tests that need them skip, and say so.
set -eu

packages="dataset-fashion-mnist wordnet-base"

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

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
apt-get update --quiet --quiet &&
  apt-get install --quiet --quiet --yes --no-install-recommends $missing > /dev/null ||
  echo "not installed ($missing): apt-get failed; tests that need them will skip"
