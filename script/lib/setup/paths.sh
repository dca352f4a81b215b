# shellcheck shell=bash disable=SC2034
# Where things are. The other files of this folder may use every name in capitals from here.

# A clone may sit in a home that the daemon's user cannot enter: programs run from a root-owned copy.
INSTALL_ROOT=/usr/local/lib/squash
BUNDLE_ID=$(printf %s "$ROOT" | sha256sum)
BUNDLE=$INSTALL_ROOT/${BUNDLE_ID:0:12}
# Debian packages that setup installed, one a line; the other packages were there before.
PACKAGE_RECORD=$INSTALL_ROOT/packages
SETTINGS=/etc/squash/squash.env
STAMPS=$ROOT/build/stamps
NODE=$ROOT/node_modules/.bin/node
