# File systems that cannot exchange two folders in one step (NFS, CIFS, sshfs): played by a system call that refuses.
# A model is replaced all the same, and a kill between any two of the renames loses neither model nor run.
. tests/cmd.inc
t=$work/tiny.yaml short='train.steps=4'

if ! strace -o "$work/null" -e trace=none true 2>"$work/null"; then
    say 'skip file systems without an exchange of folders: strace cannot trace here'
    finish
    exit
fi

# unable [INJECTION] COMMAND ...: renameat2 refuses, as there; INJECTION is one more fault.
unable() {
    case $1 in inject=*) more="-e $1"; shift ;; *) more= ;; esac
    strace -f -qq -o "$work/trace" -e trace=renameat2,rename -e inject=renameat2:error=EINVAL $more "$@"
}

ok 'a run' gradroute train "$t" -o "$work/run" --set $short
ok 'a model' gradroute ablate "$work/run" --remove animals -o "$work/old"
ok 'another one' gradroute resize "$work/run" --layers 3 -o "$work/new"
old=$(digests "$work/old") new=$(digests "$work/new")

cp -r "$work/old" "$work/model"
ok 'a model is replaced without an exchange' unable gradroute resize "$work/run" --layers 3 -o "$work/model"
ok 'the call did refuse' grep -q 'RENAME_EXCHANGE.*EINVAL' "$work/trace"
ok 'it is the new one' same "$(digests "$work/model")" "$new"

# Killed at each rename in turn: NAME is then the old model, the new one, or missing, and the next call knows which.
n=1
while [ $n -le 60 ]; do
    rm -rf "$work/model" "$work"/.model.*
    cp -r "$work/old" "$work/model"
    unable inject=rename:signal=KILL:when=$n gradroute resize "$work/run" --layers 3 -o "$work/model" >"$work/out" 2>"$work/err"
    code=$?
    [ $code = 0 ] && break
    found=$(digests "$work/model")
    case $found in "$old" | "$new") say "ok killed at rename $n: a whole model is read" ;; *) failure "killed at rename $n" ;; esac
    ok "killed at rename $n: the command goes through" gradroute resize "$work/run" --layers 3 -o "$work/model"
    ok "killed at rename $n: the new model" same "$(digests "$work/model")" "$new"
    ok "killed at rename $n: nothing is left beside it" test -z "$(find "$work" -maxdepth 1 -name '.model*')"
    n=$((n + 1))
done
ok 'every rename was met' test $n -gt 4 -a $n -le 60

# The same for the model of a run that is resumed: its folder is there already.
n=1 missing=0
while [ $n -le 60 ]; do
    rm -rf "$work/again"
    cp -r "$work/run" "$work/again"
    rm "$work/again/done.json"
    unable inject=rename:signal=KILL:when=$n gradroute train "$t" -o "$work/again" --set $short --resume >"$work/out" 2>"$work/err"
    code=$?
    [ $code = 0 ] && break
    [ -e "$work/again/model" ] || missing=$((missing + 1))
    ok "run killed at rename $n: it goes on" unable gradroute train "$t" -o "$work/again" --set $short --resume
    ok "run killed at rename $n: the same bits" same_run "$work/again" "$work/run"
    n=$((n + 1))
done
ok 'every rename of a run was met' test $n -gt 4 -a $n -le 60
ok 'the model was missing in between' test $missing -gt 0
finish
