#!/usr/bin/env bash
# taxon data get: errors, what an end in the middle leaves behind, events, and the whole way where the
# files to serve are at hand. No request leaves this machine.
. "$(dirname "$0")/common.sh"
export http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
unset HTTPS_PROXY ALL_PROXY all_proxy
export XDG_CACHE_HOME=$work/cache

run 2 data get; says err "NAME is missing"
run 2 data get mnits; says err "did you mean 'mnist'"
run 2 data get mnist --mirror ftp://here/; says err "--mirror is 'ftp://here/', expected an address"
run 4 train mnist; says err "taxon data get mnist"
mkdir "some data"
run 4 train mnist --data-dir "some data"; says err "taxon data get mnist --data-dir 'some data'"
run 0 data list
says out "not here: taxon data get mnist"
says out "11.6 MB to fetch, licence: CC BY-SA 3.0"
says out "LeCun"
run 0 data list --json
for key in name title classes train test image found bytes licence citation; do says out "\"$key\":"; done
says out '"bytes": 561753746'

"$TAXON" data get mnist --mirror http://127.0.0.1:9/ --data-dir d >out 2>err; code=$?
if grep -q "this build of taxon has no downloads" err; then
  [ $code = 2 ] || fail "no downloads: exit code $code, expected 2"
  says err "train-images-idx3-ubyte.gz"
  finish
fi
[ $code = 4 ] || fail "no server: exit code $code, expected 4"
says err "http://127.0.0.1:9/train-images-idx3-ubyte.gz: "
says err "https://storage.googleapis.com/cvdf-datasets/mnist/train-images-idx3-ubyte.gz: "
[ -z "$(ls d/mnist)" ] || fail "left behind: $(ls d/mnist)"

# serve FOLDER BYTES_PER_S: sets `url`; the server ends with the next one, or with this script.
serve() {
  exec 3>&- 4<&-
  rm -f in answer; mkfifo in answer
  "$SERVE" "$1" "$2" <in >answer &
  exec 3>in 4<answer
  read -r url <&4
}
part=d/mnist/train-images-idx3-ubyte.gz.part
size() { stat -c %s "$1" 2>/dev/null || echo 0; }
until_more() { # until_more BYTES: the part holds more
  local i
  for ((i = 0; i < 200 && $(size $part) <= $1; ++i)); do sleep 0.05; done
  [ "$(size $part)" -gt "$1" ] || fail "no more than $1 bytes came"
}

# Files of the right size with wrong bytes: slow, interrupted, killed, out of room, then to the end.
mkdir site
truncate -s 9912422 site/train-images-idx3-ubyte.gz
get=(data get mnist --data-dir d)
serve site 1000000
"$TAXON" "${get[@]}" --mirror "$url" >out 2>err &
until_more 0
kill -INT $!; wait $!; code=$?
[ $code = 130 ] || { fail "interrupted: exit code $code, expected 130"; cat err >&2; }
says err "interrupted; the same command goes on from here"
before=$(size $part)
run 4 train mnist --data-dir d; says err "taxon data get mnist --data-dir 'd'"
"$TAXON" "${get[@]}" --mirror "$url" >out 2>err &
until_more "$before"
kill -KILL $!; wait $! 2>/dev/null
before=$(size $part)
serve site 0
(ulimit -f 2000; "$TAXON" "${get[@]}" --mirror "$url" >out 2>err; echo $? >code)
[ "$(cat code)" = 4 ] || { fail "no room: exit code $(cat code), expected 4"; cat err >&2; }
says err "cannot write '$part'"
[ "$(size $part)" -ge "$before" ] || fail "out of room, the part became smaller: $before, $(size $part)"
run 3 "${get[@]}" --mirror "$url" --json
says err "SHA-256 is "
says err "expected 440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
says out '{"event":"progress","file":"train-images-idx3-ubyte.gz","bytes":'
says out '{"event":"note","text":"'
[ -z "$(ls d/mnist)" ] || fail "left behind: $(ls d/mnist)"

if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
  script -qec "'$TAXON' data get mnist --data-dir d --mirror $url" typescript >/dev/null </dev/null
  says typescript "of 9.9 MB"
  grep -q $'\r' typescript || fail "no bar on a terminal"
fi

# The whole way: the publisher's files differ from those in Debian's package by the name and the date
# in their headers.
debian=/usr/share/datasets/fashion-mnist
if [ -d $debian ]; then
  published() { # published NAME DATE: the date as the header has it
    { printf "\\x1f\\x8b\\x08\\x08$2\\x00\\x03$1\\x00"; tail -c +11 "$debian/$1.gz"; } >"site/$1.gz"
  }
  for kind in images-idx3 labels-idx1; do  # 31 August 2017, 10:50:06 and 10:50:27
    published train-$kind-ubyte "\xde\xe9\xa7\x59"
    published t10k-$kind-ubyte "\xf3\xe9\xa7\x59"
  done
  serve site 0
  get=(data get fashion-mnist --mirror "$url" --data-dir "some data")
  run 0 "${get[@]}"
  says out "train-images-idx3-ubyte.gz  26.4 MB  fetched from ${url}train-images-idx3-ubyte.gz"
  says out "fashion-mnist is in some data/fashion-mnist"
  says out "licence: MIT"
  grep -q $'\r' out && fail "a bar where there is no terminal"
  [ "$(ls "some data/fashion-mnist" | wc -l)" = 4 ] || fail "not four files: $(ls "some data/fashion-mnist")"
  run 0 data show fashion-mnist --data-dir "some data"; says out 60000
  run 0 "${get[@]}" --json
  says out '"fetched":0,"from":null'
  says out '{"event":"done","name":"fashion-mnist","folder":"some data/fashion-mnist","fetched":0}'
  run 0 "${get[@]}" --quiet
  [ -s out ] && fail "--quiet is not: $(cat out)"
else
  echo "SKIPPED: no dataset-fashion-mnist here, so no published files to serve"
fi
finish
