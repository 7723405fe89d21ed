"""Folds `perf script -F comm,ip,sym` and draws it as a flame graph, in SVG that needs no script.

Frames under 0.15 % are left out, so that the file stays small; what runs in the kernel is blue. Frames of the runtime
that say nothing of the work are folded away.
"""

import html, re, sys

LEAST, WIDTH, ROW = 0.0015, 1400, 17
DULL = re.compile(
    r"^(<*&?(mut )?(core|std|alloc|tokio|futures_util|futures_core|hickory_net)::|__rust|_?start|clone3?$|main$|"
    r"\[unknown\]|entry_SYSCALL|do_syscall|x64_sys|__x64_sys|ret_from)"
)


def short(name):
    name = re.sub(r"::h[0-9a-f]{16}$", "", name)
    name = re.sub(r"\+0x[0-9a-f]+$", "", name)
    return name.replace("{{closure}}", "{}")[:160]


class Node:
    def __init__(self):
        self.count, self.below = 0, {}


def read(lines):
    root, stack = Node(), []
    for line in lines:
        if line.strip() and line[0] in " \t":
            address, _, name = line.strip().partition(" ")
            kernel = address.startswith("ffffffff")
            stack.append((short(name), kernel))
        elif stack and not line.strip():
            add(root, stack)
            stack = []
    if stack:
        add(root, stack)
    return root


def add(root, stack):
    node = root
    node.count += 1
    for name, kernel in reversed(stack):
        # The leaf is told whatever it is.
        if DULL.match(name) and (name, kernel) != stack[0]:
            continue
        node = node.below.setdefault((name, kernel), Node())
        node.count += 1


def draw(node, name, kernel, x, depth, total, out):
    width = node.count / total * WIDTH
    share = node.count / total
    if share < LEAST:
        return
    hue = 205 + hash_of(name) % 25 if kernel else 12 + hash_of(name) % 45
    label = name if len(name) * 6.1 < width - 4 else name[: max(0, int((width - 8) / 6.1))]
    out.append((depth, f'<g><title>{html.escape(name)} {share:.1%}</title><rect x="{x:.1f}" y="{{y}}" width="{max(width - 0.4, 0.3):.1f}" '
                f'height="{ROW - 1}" fill="hsl({hue},75%,62%)"/>'
                + (f'<text x="{x + 3:.1f}" y="{{t}}">{html.escape(label)}</text>' if width > 22 else "") + "</g>"))
    for (below, kernel), child in sorted(node.below.items()):
        draw(child, below, kernel, x, depth + 1, total, out)
        x += child.count / total * WIDTH


def hash_of(name):
    return sum(ord(letter) * (place + 1) for place, letter in enumerate(name))


sys.setrecursionlimit(10_000)
root, out = read(sys.stdin), []
if not root.count:
    sys.exit("flame.py: perf took no samples")
draw(root, "tidegate serve", False, 0, 0, root.count, out)
deepest = max(depth for depth, _ in out)
height = (deepest + 1) * ROW + 4
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="monospace" font-size="10">')
for depth, element in out:
    y = height - (depth + 1) * ROW
    print(element.replace("{y}", str(y)).replace("{t}", str(y + 12)))
print("</svg>")
