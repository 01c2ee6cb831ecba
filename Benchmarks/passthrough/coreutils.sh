#!/bin/sh
# The floor: hash the input, copy it, hash the copy, make it durable. coreutils.sh IN OUT
set -eu
mkdir -p "$2"
sha256sum "$1" >"$2/in.sha256"
cp --reflink=never "$1" "$2/00000.tar"
sha256sum "$2/00000.tar" >"$2/out.sha256"
sync "$2/00000.tar" "$2"
