# The live table is drawn on a terminal only, and nothing of it stays.
wfc run -j 2 "$1" > out 2> err
grep -c "running," err || true
cat > screen.py <<'P'
import os, pty, re, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("wfc", ["wfc", "run", "-j", "2", sys.argv[1]])
data = bytearray()
while True:
    try:
        data.extend(os.read(fd, 65536))
    except OSError: # the other end is closed
        break
os.waitpid(pid, 0)
text = data.decode()
# What a terminal shows at the end: each erasure takes the lines above it away.
lines = [""]
for part in re.split(r"(\r?\n|\r?\x1b\[\d+A\x1b\[J|\x1b\[[0-9;]*m)", text):
    up = re.match(r"\r?\x1b\[(\d+)A\x1b\[J", part)
    if up:
        lines = lines[:len(lines) - 1 - int(up[1])] + [""]
    elif part in ("\n", "\r\n"):
        lines.append("")
    elif not part.startswith("\x1b["):
        lines[-1] += part
print("drawn:", "2 running, 0 done" in re.sub(r"\x1b\[[0-9;]*m", "", text), "working on 1" in text)
print("\n".join(sorted(lines)))
P
TERM=xterm NO_COLOR='' python3 screen.py "$1"
