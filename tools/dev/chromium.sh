#!/bin/sh
# Makes sure that Chromium and the fonts of the end-to-end tests are there: Chinese text and emoji have to be drawn.
# Installs them where this runs as root on a system with apt; otherwise says what to install.
set -eu

missing=''
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
  command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
if command -v fc-list >/dev/null 2>&1; then
  [ -n "$(fc-list :lang=zh-cn family)" ] || missing="$missing fonts-noto-cjk"
  fc-list : family | grep -qi 'emoji' || missing="$missing fonts-noto-color-emoji"
else
  missing="$missing fontconfig fonts-noto-cjk fonts-noto-color-emoji"
fi
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "starling: error: the browser tests need$missing. On Debian or Ubuntu: sudo apt-get install$missing" >&2
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
