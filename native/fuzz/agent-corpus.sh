#!/bin/sh
# `agent-corpus.sh VECTORS OUT`: the inputs that the agent's fuzzers start from. The first byte of each says how it is cut.
set -eu
vectors=$1
requests=$2/agent-requests.corpus
tars=$2/agent-tar-in.corpus
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$requests" "$tars"

grep -v '^#' "$vectors" | while IFS=': ' read -r name hex; do
    perl -e 'print "\x03", pack("H*", $ARGV[0])' "$hex" > "$requests/$name"
done

long=$(printf '%0120d' 0)
mkdir -p "$tree/folder/$long"
echo content > "$tree/folder/file"
ln "$tree/folder/file" "$tree/folder/hard"
ln -s ../out/file "$tree/folder/soft"
ln -s ../out "$tree/folder/way-out"
mkfifo "$tree/folder/fifo"
echo deep > "$tree/folder/$long/$long"
for format in gnu posix ustar; do
    skip=
    [ "$format" = ustar ] && skip=--exclude=$long
    # shellcheck disable=SC2086
    { printf '\001'; tar -c --format="$format" --blocking-factor=1 --sort=name $skip -C "$tree" folder; } > "$tars/$format"
done
# Through a link that an earlier member made.
{
    printf '\000'
    tar -c --blocking-factor=1 -C "$tree" --transform 's,.*,l,S' folder/way-out | head -c 512
    tar -c --blocking-factor=1 -C "$tree" --transform 's,.*,l/file,' folder/file
} > "$tars/through-link"
