#!/bin/sh
# Runs a command with the right Node and the locked packages, fetching both where they are missing.
#
#   tools/dev/env.sh COMMAND [ARG...]     runs the command
#   eval "$(tools/dev/env.sh)"            the same PATH in the shell at hand
#
# Owns: which Node runs the repository and when packages are installed. A Node of major version 24 or later on PATH is
# taken; otherwise one pinned version is installed with npm, once, outside the tree. Progress goes to standard error.
set -eu

NODE_VERSION=24.21.0
NODE_MAJOR_MIN=24

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/starling

say() { printf 'starling: %s\n' "$*" >&2; }
fail() {
  say "error: $*"
  exit 1
}

# True when the program given is a Node new enough to run the TypeScript of this repository.
new_enough() {
  version=$("$1" --version 2>/dev/null) || return 1
  major=${version#v}
  major=${major%%.*}
  case $major in '' | *[!0-9]*) return 1 ;; esac
  [ "$major" -ge "$NODE_MAJOR_MIN" ]
}

need_npm() {
  command -v npm >/dev/null 2>&1 ||
    fail "npm is not on PATH. Install Node $NODE_MAJOR_MIN or later (npm comes with it), or any Node with npm."
}

# Removes what an interrupted run leaves behind, then ends with the signal's status.
scratch=''
lock=''
tidy_up() {
  [ -z "$scratch" ] || rm -rf "$scratch"
  [ -z "$lock" ] || rm -rf "$lock"
  scratch=''
  lock=''
}
trap tidy_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The install happens in a directory of its own and becomes visible by one rename. Two runs at once both install and
# the second rename is refused, because the target is a directory that is not empty: either result is the same. What a
# killed run left behind is removed a day later.
install_node() {
  target=$1
  need_npm
  mkdir -p "$cache" || fail "cannot write to $cache. Set XDG_CACHE_HOME to a directory that can be written."
  find "$cache" -maxdepth 1 -name '.install.*' -mtime +0 -exec rm -rf {} +
  scratch=$(mktemp -d "$cache/.install.XXXXXX")
  say "no Node $NODE_MAJOR_MIN or later on PATH: installing Node $NODE_VERSION (about 50 MB, once) into $target"
  # The package fetches the binary for this machine in its install script, so scripts have to be allowed.
  if ! npm install --prefix "$scratch" --ignore-scripts=false --no-audit --no-fund --loglevel=error \
    "node@$NODE_VERSION" >"$scratch/install.log" 2>&1; then
    sed 's/^/  npm: /' "$scratch/install.log" | tail -n 15 >&2
    fail "npm could not install Node $NODE_VERSION for $(uname -s) $(uname -m). Is the package registry in reach?" \
      "Otherwise install Node $NODE_MAJOR_MIN or later by other means and put it on PATH."
  fi
  made=$scratch/node_modules/node/bin/node
  found=$("$made" --version 2>/dev/null) ||
    fail "the Node that npm brought does not run on $(uname -s) $(uname -m)." \
      "Install Node $NODE_MAJOR_MIN or later by other means and put it on PATH."
  [ "$found" = "v$NODE_VERSION" ] || fail "asked npm for Node $NODE_VERSION, got $found."
  if ! "$made" -e 'require("node:fs").renameSync(...process.argv.slice(1))' "$scratch" "$target" 2>/dev/null; then
    new_enough "$target/node_modules/node/bin/node" || fail "$target is damaged. Remove it and run the command again."
  fi
  [ ! -d "$scratch" ] || rm -rf "$scratch"
  scratch=''
}

find_node() {
  system=$(command -v node 2>/dev/null || true)
  if [ -n "$system" ] && new_enough "$system"; then
    bin=$(dirname -- "$system")
    return
  fi
  bin=$cache/node-$NODE_VERSION/node_modules/node/bin
  new_enough "$bin/node" || install_node "$cache/node-$NODE_VERSION"
}

# npm writes this file last, so it exists only after an install that ran to its end.
stamp=$root/node_modules/.package-lock.json
packages_are_current() {
  [ -f "$stamp" ] && [ -z "$(find "$root/package-lock.json" -newer "$stamp")" ]
}

# One install at a time: a directory can be made only once. A lock whose holder is gone is taken over.
take_lock() {
  wanted=$root/out/.install.lock
  mkdir -p "$root/out"
  waited=0
  until mkdir "$wanted" 2>/dev/null; do
    holder=$(cat "$wanted/pid" 2>/dev/null || true)
    if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
      rm -rf "$wanted"
      continue
    fi
    [ "$waited" -ne 0 ] || say "waiting for another run (process ${holder:-unknown}) to install the packages"
    waited=$((waited + 1))
    [ "$waited" -lt 600 ] || fail "waited 10 minutes for $wanted. Remove it if no install is running."
    sleep 1
  done
  lock=$wanted
  echo $$ >"$lock/pid"
}

install_packages() {
  need_npm
  take_lock
  if ! packages_are_current; then
    say 'installing the packages of package-lock.json'
    began=$(date +%s)
    (cd "$root" && npm ci --include=dev --no-audit --no-fund --loglevel=error >&2) ||
      fail 'npm ci failed (above). Is the package registry in reach? Run the command again to go on.'
    say "packages installed in $(($(date +%s) - began)) s"
  fi
  rm -rf "$lock"
  lock=''
}

find_node
PATH=$root/node_modules/.bin:$bin:$PATH
export PATH
packages_are_current || install_packages
trap - EXIT

if [ $# -eq 0 ]; then
  printf "export PATH='%s':'%s':\"\$PATH\"\n" "$root/node_modules/.bin" "$bin"
  exit 0
fi
cd "$root"
exec "$@"
