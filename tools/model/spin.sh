#!/bin/sh
# Makes sure that the model checker spin and the C compiler that its verifiers need are there. Installs them where this runs
# as root on a system with apt; otherwise says what to install.
set -eu

missing=''
command -v spin >/dev/null 2>&1 || missing="$missing spin"
command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "starling: error: the model needs$missing. On Debian or Ubuntu: sudo apt-get install$missing;" \
    "elsewhere: https://spinroot.com (6.5 or later)" >&2
  exit 1
fi
echo "starling: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# The list is a list of words on purpose.
# shellcheck disable=SC2086
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 15 "$log" | sed 's/^/  apt: /' >&2
  echo "starling: error: apt-get could not install$missing" >&2
  exit 1
fi
