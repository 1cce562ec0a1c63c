# timeout: 120
# A chain and a fan of 2,000 steps each, in seconds also with sanitizers.
python3 - <<'P'
def write(name, body):
    with open(name, "w") as f:
        f.write('step s(n: int) -> int\nexec ["sh", "-c", "echo $0 > $1", n, out]\n')
        f.write(body)
write("chain.wf", "workflow chain() -> int {\n  a0 = s(0)\n" + "".join("  a%d = s(a%d + 1)\n" % (i, i - 1) for i in range(1, 2000)) + "  return a1999\n}\n")
write("fan.wf", "workflow fan() -> int {\n" + "".join("  a%d = s(%d)\n" % (i, i) for i in range(2000)) +
      "  return [" + ", ".join("a%d" % i for i in range(2000)) + "].sum()\n}\n")
P
for f in chain fan; do
    from=$(date +%s)
    wfc run -q $f.wf 2>&1
    took=$(($(date +%s) - from))
    [ $took -lt 40 ] || echo "it took $took seconds"
done
wfc runs --json | grep -o '"status":"[a-z]*"'
wfc runs last | wc -l
