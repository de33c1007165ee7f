# How threads wait and how many there are: the command settles both before its first parallel loop.
. tests/cmd.inc
unset OMP_NUM_THREADS OMP_WAIT_POLICY GOMP_SPINCOUNT GRADROUTE_REEXECUTED

# What libgomp read when it was loaded, once for each execution: settings COMMAND ...
settings() { OMP_DISPLAY_ENV=verbose "$@" 2>&1 >"$work/null" | grep GOMP_SPINCOUNT | tr -dc '0-9\n'; }
executions() { settings "$@" | wc -l; }
last() { settings "$@" | tail -n 1; }

if [ -n "$(settings gradroute --version)" ]; then
    fails 0 '^2$' 'it executes itself once' executions gradroute train --help
    fails 0 '^300000$' 'libgomp by itself would spin' last gradroute --version
    fails 0 '^1000$' 'and then hardly spins' last gradroute train --help
    fails 0 '^1$' 'what computes nothing is executed once' executions gradroute --version
    fails 0 '^1$' 'a policy of the user stays' executions env OMP_WAIT_POLICY=active gradroute train --help
    fails 0 '^77$' 'and so do his spins' last env GOMP_SPINCOUNT=77 gradroute train --help
    fails 0 '^1$' 'the guard keeps it from executing anything' executions env GRADROUTE_REEXECUTED=1 gradroute train --help
else
    say 'ok waiting # skip: not the OpenMP of gcc'
fi

# ---- where it cannot execute itself ----
without_proc() { unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$@"; }
if without_proc true 2>"$work/null"; then
    fails 0 'Usage: gradroute train' 'without /proc it goes on as it is' without_proc gradroute train --help
else
    say 'ok without /proc # skip: no mount here'
fi

loader=/lib64/ld-linux-x86-64.so.2
if [ -x $loader ]; then
    fails 0 'Usage: gradroute train' 'a loader is not executed in its place' $loader "$(command -v gradroute)" train --help
fi

# ---- threads ----
threads() { "$@" gradroute plan "$work/tiny.yaml" --json | grep '"threads"' | tr -dc '0-9\n'; }
groups() { # a machine whose group grants that much: groups 'CPU.MAX' COMMAND ...
    mkdir -p "$work/cgroup"
    echo "$1" >"$work/cgroup/cpu.max"
    shift
    unshare -m sh -c 'echo 0::/ >"$1/self" && mount --bind "$1/self" /proc/self/cgroup && mount --bind "$1" /sys/fs/cgroup &&
        shift && exec "$@"' sh "$work/cgroup" "$@"
}
if [ "$(nproc)" -ge 2 ] && groups '100000 100000' true 2>"$work/null"; then
    fails 0 '^1$' 'threads follow the quota of the group' threads groups '100000 100000'
    fails 0 '^2$' 'no more of them than cores' threads groups '200000 100000' taskset -c 0,1
    fails 0 '^2$' 'OMP_NUM_THREADS says otherwise' threads groups '100000 100000' env OMP_NUM_THREADS=2
    explicit() { groups '100000 100000' gradroute plan "$work/tiny.yaml" --threads 2 --json; }
    fails 0 '"threads": 2' 'and so does --threads' explicit
else
    say 'ok threads follow the quota # skip: no mount here, or one core'
fi
if command -v taskset >"$work/null"; then fails 0 '^1$' 'they follow the affinity mask' threads taskset -c 0; fi
finish
