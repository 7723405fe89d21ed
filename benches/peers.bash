# What benches/compare and benches/scale share: tidegate, its peers and what they need, each started on loopback in a
# folder of its own and ended at the end. To be sourced from the root of the repository; needs root and Debian.

die() { echo "$(basename "$0"): $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || die "run it as root"
PATH=$PATH:/usr/sbin

need() { # PROGRAM-OR-FILE PACKAGE …
    local packages=()
    while [ $# -gt 0 ]; do
        { [ -e "$1" ] || command -v "$1" >/dev/null; } || packages+=("$2")
        shift 2
    done
    [ ${#packages[@]} -gt 0 ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    { timeout 300 apt-get update && timeout 900 apt-get install -y --no-install-recommends "${packages[@]}"; } \
        >/dev/null 2>&1 || die "could not install ${packages[*]}"
}

# BUILT=FOLDER takes the programs from there, in place of building them; TIDEGATE=PATH takes that tidegate.
if [ -z "${BUILT:-}" ]; then
    cargo build --release --quiet -p tidegate -p yardstick -p milter-load
    BUILT=${CARGO_TARGET_DIR:-target}/release
fi
tidegate=${TIDEGATE:-$BUILT/tidegate} load=$BUILT/milter-load

dir=$(mktemp -d /tmp/tidegate-bench.XXXXXX)
chmod 755 "$dir"
base=$((22000 + RANDOM % 8000))
dns=$base redis=$((base + 1)) port=$((base + 2)) control=$((base + 3)) http=$((base + 4)) smtp=$((base + 5))
started=()
stop() { # the last one started
    local pid=${started[-1]}
    unset 'started[-1]'
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}
cleanup() {
    if [ -d "$dir/postfix" ]; then deploy/postfix/throwaway stop "$dir/postfix"; fi
    while [ ${#started[@]} -gt 0 ]; do stop; done
    if [ -n "${KEEP:-}" ]; then echo "kept: $dir"; else rm -rf "$dir"; fi
}
trap cleanup EXIT
start() { # LOG COMMAND…
    local log=$1
    shift
    "$@" >"$dir/$log.log" 2>&1 &
    started+=($!)
}
await() { # PORT-OR-SOCKET WHO
    for _ in $(seq 1200); do
        case $1 in
        /*) [ -S "$1" ] && return ;;
        *) (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return ;;
        esac
        kill -0 "${started[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 8 "$dir"/*.log >&2
    die "$2 did not start"
}

# Waits until the last one started, with its children, rests: Rspamd compiles its expressions at first.
settle() {
    local pid=${started[-1]} before=0 now
    for _ in $(seq 120); do
        now=$(awk -v pid="$pid" '{ sub(/.*\) /, "", $0) } { cpu = $12 + $13 } FILENAME ~ "/" pid "/" || $2 == pid { sum += cpu }
            END { print sum + 0 }' /proc/[0-9]*/stat 2>/dev/null || true)
        [ $((now - before)) -gt 3 ] || return 0
        before=$now
        sleep 1
    done
}

# The mail that is told: the index given, else mail that is made here, as much of it.
mail() { # MESSAGES [INDEX]
    if [ -n "${2:-}" ]; then
        index=$(realpath "$2")
    else
        mkdir -p "$dir/made"
        "$BUILT/yardstick" mail mix "$dir/made" "$1"
        index=$dir/made/index
    fi
}

# A resolver that answers at once: nothing is listed but the test points of the lists that tidegate asks
# (RFC 5782, section 5), without which it would set them aside, and ask less than the others.
start_dns() {
    cat >"$dir/unbound.conf" <<END
server:
    interface: 127.0.0.1@$dns
    directory: "$dir"
    username: ""
    chroot: ""
    pidfile: ""
    use-syslog: no
    verbosity: 0
    num-threads: 1
    do-not-query-localhost: no
    local-zone: "." static
$(sed -n 's/^zone = "\(.*\)"$/\1/p' config/lists.toml config/trust.toml | sort -u | while read -r zone; do
        printf '    local-data: "%s.%s. A 127.0.0.2"\n' 2.0.0.127 "$zone" test "$zone"
    done)
remote-control:
    control-enable: no
END
    start unbound unbound -d -c "$dir/unbound.conf"
    await "$dns" unbound
}

# Each takes where to listen, as PORT or /SOCKET.
place() { case $1 in /*) echo "unix:$1" ;; *) echo "inet:127.0.0.1:$1" ;; esac; }

# The quarantine is off: no peer holds mail durably, and verdicts are compared.
start_tidegate() { # WHERE [SETTINGS [SETTINGS-OF-MILTER]]
    rm -rf "$dir/state"
    cat >"$dir/tidegate.toml" <<END
[milter]
listen = ["$(place "$1")"]
socket_mode = "0666"
${3:-}
[http]
listen = "127.0.0.1:$http"
[dns]
servers = ["127.0.0.1:$dns"]
[quarantine]
enabled = false
${2:-}
END
    start tidegate ${PIN:-} "$tidegate" serve --config "$dir/tidegate.toml" --store "$dir/state"
    await "$1" tidegate
    # The lists have been proved by then, each by its test points.
    sleep 2
}

start_empty() { # WHERE
    [ -e "$dir/empty-milter" ] || gcc -O2 -o "$dir/empty-milter" benches/empty-milter.c -lmilter -lpthread
    local where=$1
    case $where in /*) where=unix:$where ;; *) where=inet:$where@127.0.0.1 ;; esac
    (umask 000 && exec "$dir/empty-milter" "$where") >"$dir/empty.log" 2>&1 &
    started+=($!)
    await "$1" "the empty filter"
}

# RBLS=FILE puts that in place of the lists that Rspamd asks by default.
start_rspamd() { # WHERE BAYES(yes|no)
    local etc=$dir/rspamd/local.d bind
    rm -rf "$dir/rspamd"
    cp -r /etc/rspamd "$dir/rspamd"
    mkdir -p "$etc" "$dir/rspamd/override.d" "$dir/rspamd-db" "$dir/rspamd-run"
    case $1 in /*) bind="$1 mode=0666" ;; *) bind="127.0.0.1:$1" ;; esac
    echo "dns { nameserver = [\"127.0.0.1:$dns\"]; timeout = 1s; retransmits = 2; }" >"$etc/options.inc"
    echo "enabled = false;" >"$etc/worker-normal.inc"
    echo "enabled = false;" >"$etc/worker-fuzzy.inc"
    echo "bind_socket = \"127.0.0.1:$control\"; count = 1; secure_ip = \"127.0.0.1\";" >"$etc/worker-controller.inc"
    cat >"$etc/worker-proxy.inc" <<END
milter = yes;
timeout = 120s;
count = 2;
bind_socket = "$bind";
upstream "local" { default = yes; self_scan = yes; }
END
    # Its fuzzy storage is on the internet.
    echo "enabled = false;" >"$dir/rspamd/override.d/fuzzy_check.conf"
    echo 'type = "file"; filename = "'"$dir"'/rspamd-own.log"; level = "warning";' >"$etc/logging.inc"
    [ -z "${RBLS:-}" ] || cp "$RBLS" "$dir/rspamd/modules.d/rbl.conf"
    if [ "$2" = yes ]; then
        echo "servers = \"127.0.0.1:$redis\";" >"$etc/redis.conf"
        echo 'backend = "redis";' >"$etc/classifier-bayes.conf"
        start redis redis-server --port "$redis" --bind 127.0.0.1 --save '' --appendonly no --dir "$dir"
        await "$redis" redis
    else
        echo "enabled = false;" >"$dir/rspamd/override.d/classifier-bayes.conf"
        : >"$dir/rspamd/statistic.conf"
    fi
    : >"$dir/rspamd-own.log"
    # It makes its socket as the user that it becomes.
    case $1 in /*) chown _rspamd "$(dirname "$1")" ;; esac
    chown -R _rspamd:_rspamd "$dir/rspamd" "$dir/rspamd-db" "$dir/rspamd-run" "$dir/rspamd-own.log"
    start rspamd rspamd -f -u _rspamd -g _rspamd -c "$dir/rspamd/rspamd.conf" --var="CONFDIR=$dir/rspamd" \
        --var="LOCAL_CONFDIR=$dir/rspamd" --var="DBDIR=$dir/rspamd-db" --var="RUNDIR=$dir/rspamd-run" \
        --var="LOGDIR=$dir"
    await "$1" rspamd
    await "$control" "rspamd's controller"
    [ "$2" = no ] || teach_rspamd
    settle
}
stop_rspamd() { # BAYES
    stop
    [ "$1" = no ] || stop
}
# 450 of each, where it asks for 200 before it scores.
teach_rspamd() {
    local class from=$index
    if [ "$from" = "$dir/made/index" ]; then
        # Of made mail a sixth is spam.
        from=$dir/lessons/index
        [ -d "$dir/lessons" ] || { mkdir "$dir/lessons" && "$BUILT/yardstick" mail mix "$dir/lessons" 3000; }
    fi
    for class in ham spam; do
        grep "^$class " "$from" | cut -d' ' -f2- | shuf -n 450 --random-source="$from" | sed "s|^|$(dirname "$from")/|" |
            xargs rspamc -h "127.0.0.1:$control" "learn_$class" >"$dir/learn-$class.log" 2>&1 || true
    done
    grep -h -c "success = true" "$dir"/learn-*.log | paste -sd' ' | sed 's/^/rspamd learned (ham spam): /' >&2
}
