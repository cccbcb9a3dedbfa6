#!/usr/bin/env bash
# Folders of JPEGs: the cache of decoded images changes no result, its size and the decoder are the
# user's to choose, and `bench --loader` times loading alone.
. "$(dirname "$0")/common.sh"
stripes='/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACAWGBwYFCAcGhwkIiAmMFA0MCwsMGJGSjpQdGZ6eHJmcG6AkLicgIiuim5woNqirr7EztDOfJri8uDI8LjKzsb/2wBDASIkJDAqMF40NF7GhHCExsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsb/wAARCABLAGUDASIAAhEBAxEB/8QAGAAAAwEBAAAAAAAAAAAAAAAAAQIDAAT/xAAaEAEBAQADAQAAAAAAAAAAAAAAAQIDESEx/8QAGgEAAwEBAQEAAAAAAAAAAAAAAwQFAgEABv/EABwRAQEAAgMBAQAAAAAAAAAAAAABAgMEITERQf/aAAwDAQACEQMRAD8A7O/E909qO6HjBNMQ5a5tfV+So36ZxHz8DM9dHHEcx0ccdyqXtvbo41p8Swp2Xrur0u65eWr7rm5KLhFPCdIaLIajmGC25TM8Y+Z4zH1PtdNqW6fVR3SuMVdE6S2n0fQSDwTb4OI6MRLEXxGcqkbb2pkbQgaoYuidk3XPtXdR0Niq4zonR8wOj5glpHkVTM8Y2Z4wf1OtbVS1TaqdoeMW9M6LRkY+Y39c3Xo2YrkmYeMVHzvZuyao2p6r0hvjwuqnTWgLFP8AGkUzAzFMx61M5FNJ4wsyQc1pWtaOR9Bq8NIpmFzFcxm0HfehkaiXTiRl6XVT1Taqdokh/jxhkCHzGlDLw2YpIGYfpi1J5F7BmrOk3F2bJIph6vocPFcRWQuFIFaU5FCp7qmkdu4pn6nqk7bQQeKXHh8rYiWF8M5G8/DyDRgaYSd3qdvrBr6zZf4//9k='
waves='/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACAWGBwYFCAcGhwkIiAmMFA0MCwsMGJGSjpQdGZ6eHJmcG6AkLicgIiuim5woNqirr7EztDOfJri8uDI8LjKzsb/2wBDASIkJDAqMF40NF7GhHCExsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsb/wAARCABLAGUDASIAAhEBAxEB/8QAGAABAQEBAQAAAAAAAAAAAAAAAQIAAwT/xAAXEAEBAQEAAAAAAAAAAAAAAAAAAREC/8QAGQEAAwEBAQAAAAAAAAAAAAAAAQIEAwAF/8QAFxEBAQEBAAAAAAAAAAAAAAAAAAECEf/aAAwDAQACEQMRAD8A9kOp1tYkxDam0WptPIpzB1XPqnqufVaSN5B1XPpVqK1jrE1KqMaRjpOGQ4qQept1pGXIwdT9e7RaNTaikVYhtTaLU2nkVZgtRabU1pI2kFTTQeF0Gw4ZDdTbokVIZFSB1JutIypGDqfrpam0WptYSPRxDam1rRppFeY1SQeHZsOHBZ6qcVIZFSO6k3RIqQyGQOo91pGVjB1h1wtFqdbSyPYxDoBMpjFoqQRokVIZFSB1huiRUhkVIHUe6mRWHGd1JqhizmTw62pJnuYVDBFQG0Mi5BFwKFrSLkaKhep91pDhII91OMRRiXQYVjEf/9k='

for split in train val test; do
  for class in stripes waves; do
    mkdir -p photos/$split/$class
    for i in 0 1 2 3 4 5; do base64 -d <<<"${!class}" >photos/$split/$class/$i.jpg; done
  done
done
printf 'min_area = 0.2\nflip = true\n' >parts.toml
options=(photos --model cnn --size 16 --epochs 12 --batch 4 --seed 3 --augment parts.toml)

same_run() {
  for file in best last; do same $1/$file.safetensors $2/$file.safetensors; done
  same $1/predictions.csv $2/predictions.csv
}
run 0 train "${options[@]}" --out cached
TAXON_CACHE_MB=0 run 0 train "${options[@]}" --out streamed
same_run cached streamed

# Interrupted while it streams, resumed with a cache.
TAXON_CACHE_MB=0 "$TAXON" train "${options[@]}" --out part >out 2>err &
pid=$!
while [ ! -e part/checkpoint.safetensors ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -INT $pid
wait $pid
run 0 train --resume part
same_run cached part
TAXON_CACHE_MB=lots run 2 train "${options[@]}"; says err "TAXON_CACHE_MB is 'lots', expected a number"

# The library is loaded when a JPEG is met, not linked.
ldd "$TAXON" | grep -q jpeg && fail "the program needs libjpeg to start"
run 0 info; says out "JPEG "
TAXON_JPEG=stb run 0 info; says out "JPEG stb_image"
TAXON_JPEG=stb run 0 train "${options[@]}" --out plain; is_there plain/best.safetensors
TAXON_JPEG=stb run 0 bench --loader photos --size 16 --seconds 0.1 --json; says out '"jpeg":"stb_image'
run 0 bench --loader photos --size 16 --seconds 0.1 --batch 5 --json
for key in '"loader":"photos"' '"images":12' '"size":16' '"batch":5' '"threads":2' '"jpeg"' '"img_s"'; do says out "$key"; done
run 2 bench --loader photos --model cnn; says err "--model is of no use with --loader"
run 4 bench --loader nowhere/at/all; says err "nowhere/at/all"

# Damaged and dishonest files are named.
head -c 300 photos/train/waves/0.jpg >short && mv short photos/train/waves/0.jpg
run 3 train "${options[@]}" --out broken; says err "photos/train/waves/0.jpg: corrupt JPEG"
finish
