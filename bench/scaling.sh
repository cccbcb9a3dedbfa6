#!/usr/bin/env bash
# The cost model of docs/scaling.md: how much of N GPUs' speed training in parallel keeps. Prints the
# table there; NAME=VALUE arguments change an assumption:
#   bench/scaling.sh [params=25.56e6] [norms=53] [rate=2500] [batch=256] [gpus_a_node=8] [nvlink=350e9]
#                    [network=45e9] [near=3e-6] [far=5e-6] [bucket=25e6] [jitter=0.01] [contention=0.05]
# params: of the model; norms: its batch norms; rate: images/s of one GPU; batch: of one GPU; nvlink, network:
# bytes/s of a GPU within and between nodes; near, far: seconds a message takes there; bucket: bytes of gradients
# sent together; jitter: standard deviation of a step's time; contention: how much sending slows computing.
set -euo pipefail
exec awk '
function value(name, preset) { return name in given ? given[name] + 0 : preset }
# A number above 0; 0 too where that means "none".
function fits(name, text) {
  if (text !~ /^[0-9.]+([eE][-+]?[0-9]+)?$/) return 0
  return text + 0 > 0 || (text + 0 == 0 && (name == "jitter" || name == "contention" || name == "norms"))
}
function log2(x) { return log(x) / log(2) }
function max(a, b) { return a > b ? a : b }
function min(a, b) { return a < b ? a : b }
# Summing `bytes` over all GPUs: a ring within each node, trees between nodes, each GPU its share.
function summed(bytes) { return in_node(bytes) + between(bytes / g) }
function in_node(bytes) { return g > 1 ? 2 * (g - 1) / g * bytes / nvlink + 2 * (g - 1) * near : 0 }
function between(bytes) { return n > 1 ? 2 * (n - 1) / n * bytes / network + 2 * log2(n) * far : 0 }
# A message so small that only the number of hops counts.
function small() { return 2 * log2(g) * near + (n > 1 ? 2 * log2(n) * far : 0) }
BEGIN {
  names = " params norms rate batch gpus_a_node nvlink network near far bucket jitter contention "
  for (i = 1; i < ARGC; ++i) {
    if (split(ARGV[i], pair, "=") != 2 || !index(names, " " pair[1] " ") || !fits(pair[1], pair[2])) {
      print "scaling.sh: found \"" ARGV[i] "\", expected NAME=VALUE, above 0 (jitter, contention, norms: 0 too), of:" names > "/dev/stderr"
      exit 2
    }
    given[pair[1]] = pair[2]
  }
  params = value("params", 25.56e6); norms = value("norms", 53); rate = value("rate", 2500)
  batch = value("batch", 256); per_node = value("gpus_a_node", 8); nvlink = value("nvlink", 350e9)
  network = value("network", 45e9); near = value("near", 3e-6); far = value("far", 5e-6)
  bucket = value("bucket", 25e6); jitter = value("jitter", 0.01); contention = value("contention", 0.05)
  count = split("8 64 1024", sizes, " ")
  for (i = 1; i <= count; ++i) {
    if (sizes[i] <= per_node || sizes[i] % per_node == 0) continue
    print "scaling.sh: gpus_a_node is " per_node ", expected a divisor of 8, 64 and 1024" > "/dev/stderr"
    exit 2
  }
  step = batch / rate; backward = step * 2 / 3; bytes = 4 * params
  buckets = int(bytes / bucket) + (bytes % bucket > 0)
  printf "step of one GPU %.2f ms (%d images at %d images/s), gradients %.1f MB in %d buckets\n\n",
         1e3 * step, batch, rate, bytes / 1e6, buckets
  print "|  GPUs | sums, ms | not hidden, ms | jitter, ms | efficiency | with synchronised batch norm |"
  print "| ---: | ---: | ---: | ---: | ---: | ---: |"
  for (i = 1; i <= count; ++i) {
    gpus = sizes[i]; g = min(gpus, per_node); n = gpus / g
    each = summed(bytes / buckets); all = buckets * each
    # Buckets come evenly during backward and are sent one after the other.
    end = max(backward + each, backward / buckets + all)
    exposed = end - backward
    slower = contention * min(all, backward)
    waiting = jitter * step * sqrt(2 * log(gpus))
    time = step + exposed + slower + waiting
    norm = 2 * norms * small()
    printf "| %d | %.2f | %.2f | %.2f | %.1f %% | %.1f %% |\n", gpus, 1e3 * all, 1e3 * (exposed + slower),
           1e3 * waiting, 100 * step / time, 100 * step / (time + norm)
  }
}' "$@"
