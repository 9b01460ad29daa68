#!/bin/sh
# Makes sure that there is a browser for the tests: one that is installed, or Debian's, or playwright's own.
# Says what it does, and fails with what to do; used by `make test`.
set -eu

found() {
  for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
    command -v "$name" >/dev/null 2>&1 && return 0
  done
  return 1
}

if [ -n "${CHROMIUM:-}" ]; then
  command -v "$CHROMIUM" >/dev/null 2>&1 && exit 0
  echo "error: CHROMIUM=$CHROMIUM: no such program. Name an installed Chromium or Chrome." >&2
  exit 1
fi
found && exit 0

if command -v apt-get >/dev/null 2>&1; then
  as_root=""
  [ "$(id -u)" -eq 0 ] || as_root="sudo -n"
  if [ -z "$as_root" ] || sudo -n true >/dev/null 2>&1; then
    echo "no browser found: installing the package chromium, for the browser tests …"
    if $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; then
      found && exit 0
    fi
    echo "apt-get could not install chromium; trying playwright's own browser …" >&2
  fi
fi

if [ -n "${PYTHON_FOR_BROWSER:-}" ]; then
  echo "no browser found: downloading playwright's Chromium, for the browser tests …"
  "$PYTHON_FOR_BROWSER" -m playwright install chromium && exit 0
fi

echo "error: the browser tests need Chromium or Chrome, and none could be installed." >&2
echo "  install one (Debian: apt-get install chromium), or name one: CHROMIUM=/path/to/chrome make test" >&2
exit 1
