#!/bin/bash
# bogofilter on the splits of README.md: bogofilter.sh /tmp/corpus
set -eu
cd "$1"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'terse_format=%1.1c %.16f' > "$work/cf"

# Splits: lines `name.train` and `name.test`, ordered as tidegate_bayes::evaluate::shuffle_key orders.
python3 - "$work" <<'PY'
import sys
work, mask = sys.argv[1], (1 << 64) - 1
def key(text):
    x = 0xcbf29ce484222325
    for b in text.encode(): x = ((x ^ b) * 0x100000001b3) & mask
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9 & mask
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb & mask
    return x ^ (x >> 31)
lines = [line.strip() for line in open('index')]
path = lambda line: line.split(' ', 1)[1]
def put(name, chosen):
    open(f'{work}/{name}', 'w').write(''.join(line + '\n' for line in chosen))
order = sorted(lines, key=lambda line: key('1:' + path(line)))
for fold in range(5):
    put(f'fold{fold}.test', [line for at, line in enumerate(order) if at % 5 == fold])
    put(f'fold{fold}.train', [line for at, line in enumerate(order) if at % 5 != fold])
for folder in ('spamassassin', 'csdmc', 'foff'):
    put(f'{folder}.test', [line for line in lines if path(line).startswith(folder + '/')])
    put(f'{folder}.train', [line for line in lines if not path(line).startswith(folder + '/')])
put('online', sorted(lines, key=lambda line: key('2:' + path(line))))
PY

measure() {
    python3 - "$1" <<'PY'
import bisect, sys
rows = [line.split() for line in open(sys.argv[1])]
ham = sorted(float(row[-1]) for row in rows if row[0] == 'ham')
spam = [float(row[-1]) for row in rows if row[0] == 'spam']
wrong = sum(len(ham) - (bisect.bisect_left(ham, s) + bisect.bisect_right(ham, s)) / 2 for s in spam)
print(sys.argv[1].split('/')[-1], '1-ROCA%% %.4f' % (100 * wrong / len(ham) / len(spam)))
PY
}

split() {
    db=$(mktemp -d "$work/db.XXXX")
    grep '^ham' "$work/$1.train" | cut -d' ' -f2 | bogofilter -c "$work/cf" -d "$db" -n -b
    grep '^spam' "$work/$1.train" | cut -d' ' -f2 | bogofilter -c "$work/cf" -d "$db" -s -b
    cut -d' ' -f2 "$work/$1.test" | bogofilter -c "$work/cf" -d "$db" -T -b > "$db/out" || true
    paste -d' ' "$work/$1.test" "$db/out"
}

for folder in foff csdmc spamassassin; do split $folder > "$work/$folder.out"; measure "$work/$folder.out"; done
for fold in 0 1 2 3 4; do split fold$fold; done > "$work/folds.out"
measure "$work/folds.out"

db=$(mktemp -d "$work/db.XXXX")
while read -r class file; do
    score=$(bogofilter -c "$work/cf" -d "$db" -T -I "$file" 2>/dev/null || true)
    echo "$class ${score:-U 0.5}"
    if [ "$class" = spam ]; then sort=-s; else sort=-n; fi
    bogofilter -c "$work/cf" -d "$db" $sort -I "$file"
done < "$work/online" > "$work/online.out"
measure "$work/online.out"
