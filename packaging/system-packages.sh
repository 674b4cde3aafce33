#!/bin/sh
# Install the Debian packages that are named and missing, where this user may; else say which.
missing=""
for package in "$@"; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "· installing$missing"
  # shellcheck disable=SC2086  # the names are words of their own
  if apt-get update -qq -o DPkg::Lock::Timeout=120 && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=120 --no-install-recommends $missing >/dev/null; then
    exit 0
  fi
fi
echo "· not installed:$missing (their tests are skipped, or install them by hand)"
exit 1
