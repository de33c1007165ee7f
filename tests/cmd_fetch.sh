# data fetch against a server on 127.0.0.1: digests, going on after a kill and a cut, servers with and without ranges.
. tests/cmd.inc
no_proxy=127.0.0.1
export no_proxy
mkdir "$work/files"
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(150000))' >"$work/files/big"
printf 'a small file' >"$work/files/small"
: >"$work/files/empty"
python3 tests/http_server.py "$work/files" "$work/port" 2>"$work/null" &
server=$!
trap 'kill $server 2>"$work/null"; rm -rf "$work"' EXIT
i=0
while [ ! -f "$work/port" ] && [ $i -lt 500 ]; do sleep 0.02; i=$((i + 1)); done
at=http://127.0.0.1:$(cat "$work/port")
sum() { sha256sum "$1" | cut -c 1-64; }
big=$(sum "$work/files/big") small=$(sum "$work/files/small")
wrong=$(printf '%064d' 7)
out=$work/out.bin
fetch() { gradroute data fetch "$@"; }
# The last request the server saw.
last() { tail -n 1 "$work/files/log"; }

json 'a file' fetch "$at/ranges/small" -o "$work/small" --json
ok 'its digest is printed' same "$(get "$work/last.json" "['sha256']")" "$small"
ok 'its bytes' cmp "$work/files/small" "$work/small"
ok 'no part is left' test ! -e "$work/small.part"
json 'with a digest it is not fetched again' fetch "$at/ranges/small" -o "$work/small" --sha256 "$small" --json
ok 'and says so' same "$(get "$work/last.json" "['kept']")" True
ok 'one request in all' same "$(wc -l <"$work/files/log")" 1
fails 2 'the file is there' 'a file in the way' fetch "$at/ranges/small" -o "$work/small"
fails 2 'another SHA-256' 'a file in the way of another digest' fetch "$at/ranges/big" -o "$work/small" --sha256 "$big"
ok 'which stays' cmp "$work/files/small" "$work/small"
ok 'an empty file' fetch "$at/ranges/empty" -o "$work/empty"
ok 'is a file' test -f "$work/empty"
ok 'after a redirection' fetch "$at/moved/big" -o "$work/moved" --sha256 "$big"

# Killed in the middle; what is there counts.
gradroute data fetch "$at/slow/big" -o "$out" --sha256 "$big" >"$work/out" 2>"$work/err" &
pid=$!
i=0
while [ "$(stat -c %s "$out.part" 2>"$work/null" || echo 0)" -lt 40000 ] && [ $i -lt 1000 ]; do sleep 0.02; i=$((i + 1)); done
kill -9 $pid
wait $pid 2>"$work/null"
ok 'a killed fetch leaves a part' test -s "$out.part"
ok 'and no file' test ! -e "$out"
have=$(stat -c %s "$out.part")
json 'it goes on' fetch "$at/ranges/big" -o "$out" --sha256 "$big" --json
ok 'from there' same "$(get "$work/last.json" "['resumed']")" "$have"
ok 'the server was asked for the rest' same "$(last)" "/ranges/big bytes=$have- 206"
ok 'the same bytes' cmp "$work/files/big" "$out"

# Stopped by a signal: its status, and the part stays.
rm "$out"
gradroute data fetch "$at/slow/big" -o "$out" --sha256 "$big" >"$work/out" 2>"$work/said" &
pid=$!
i=0
while [ "$(stat -c %s "$out.part" 2>"$work/null" || echo 0)" -lt 20000 ] && [ $i -lt 1000 ]; do sleep 0.02; i=$((i + 1)); done
kill -TERM $pid
wait $pid
ok 'a signal ends it' same $? 1
ok 'with a word on going on' grep -q 'goes on' "$work/said"
ok 'a server without ranges starts over' fetch "$at/plain/big" -o "$out" --sha256 "$big"
ok 'the right bytes' cmp "$work/files/big" "$out"

rm "$out"
fails 1 'after 75000 bytes' 'a connection that breaks' fetch "$at/cut/big" -o "$out" --sha256 "$big"
ok 'a server that sends another part is not believed' fetch "$at/other/big" -o "$out" --sha256 "$big"
ok 'again the right bytes' cmp "$work/files/big" "$out"

rm "$out"
head -c 149999 "$work/files/big" >"$out.part"
printf x >>"$out.part"
ok 'a part as long as the file but wrong starts over' fetch "$at/ranges/big" -o "$out" --sha256 "$big"
rm "$out"
cp "$work/files/big" "$out.part"
ok 'a part that is the file gets its name' fetch "$at/ranges/big" -o "$out" --sha256 "$big"
ok 'after one question' same "$(last)" "/ranges/big bytes=150000- 416"
rm "$out"
printf 'of an older file' >"$out.part"
fails 2 'SHA-256 is' 'a part of another file is found out' fetch "$at/ranges/big" -o "$out" --sha256 "$big"
ok 'and mended by the next call' fetch "$at/ranges/big" -o "$out" --sha256 "$big"
rm "$out"
printf 'of whatever' >"$out.part"
ok 'without a digest a part does not count' fetch "$at/ranges/big" -o "$out"
ok 'here too' cmp "$work/files/big" "$out"

fails 2 "expected $wrong" 'a wrong digest' fetch "$at/ranges/big" -o "$work/never" --sha256 "$wrong"
ok 'no file of that name' test ! -e "$work/never"
fails 2 'HTTP status 404' 'no such file' fetch "$at/ranges/nothing" -o "$work/never"
fails 2 "$at/ranges/nothing" 'the address is named' fetch "$at/ranges/nothing" -o "$work/never"
fails 1 'HTTP status 500' 'a server in trouble' fetch "$at/broken/big" -o "$work/never2"
fails 2 'redirections' 'round and round' fetch "$at/round/big" -o "$work/never2"
ok 'nothing is left of those' test ! -e "$work/never2" -a ! -e "$work/never2.part"
fails 2 'no connection' 'nobody there' fetch http://127.0.0.1:1/a -o "$work/never2"
fails 2 'not a SHA-256' 'no digest' fetch "$at/ranges/big" -o "$work/never2" --sha256 abc
fails 2 'http' 'no address' fetch file:///etc/hostname -o "$work/never2"
fails 2 'missing' 'no file to write' fetch "$at/ranges/big"
ok 'into a new folder' fetch "$at/ranges/big" -o "$work/new/a"
fails 1 'folder' 'a file where the folder should be' fetch "$at/ranges/big" -o "$work/small/a"
finish
