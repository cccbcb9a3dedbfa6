#!/usr/bin/env bash
# Augmentation: contact sheets, files, mixup and CutMix on the command line.
source "$(dirname "$0")/common.sh"

pictures photos 4

run 0 data show photos --augment standard --out a.png --count 3 --size 16 --seed 7
says out "a.png: 3 samples of train, a row each: as it is, then in epochs 1 to 7"
says out 'policy = "none"'
[ "$(head -c 8 a.png | od -An -tx1 | tr -d ' \n')" = 89504e470d0a1a0a ] || fail "a.png is no PNG"
run 0 data show photos --augment standard --out b.png --count 3 --size 16 --seed 7
same a.png b.png
run 0 data show photos --augment trivial --out b.png --count 3 --size 16 --seed 7
cmp -s a.png b.png && fail "trivial and standard give the same sheet"
run 0 data show photos --augment none --json; says out '"sheet": "sheet.png"'; is_there sheet.png
[ -z "$(ls | grep tmp)" ] || fail "a temporary file was left"

# A file: the fields that data show prints.
run 0 data show photos --augment light --size 16
grep ' = ' out >light.toml
run 0 data show photos --augment light.toml --out c.png --size 16; same c.png sheet.png
printf 'preset = "light"\npolicy = "rand"\nerase = 0.25\n' >my.toml
run 0 train photos --model mlp --size 8 --epochs 1 --batch 4 --augment my.toml --out mine
says mine/args.toml 'augment = "mine/augment.toml"'; says mine/augment.toml 'erase = 0.25'
printf 'pad = "wide"\n' >bad.toml
run 3 data show photos --augment bad.toml; says err "bad.toml, line 1: pad is 'wide', expected a whole number"
printf 'wide = 1\n' >bad.toml
run 2 train photos --augment bad.toml --out none; says err "bad.toml, line 1: wide is no field"
[ ! -e none ] || fail "a run began with a bad file"
run 4 train photos --augment absent.toml; says err absent.toml
run 2 train photos --augment lihgt; says err "did you mean 'light'"
run 2 data show photos --augment lihgt; says err "did you mean 'light'"
run 2 data show photos --out a.png; says err "--out is for the contact sheet"
run 2 data list --augment standard --count 2; says err "--count is for the contact sheet"
run 2 data show photos --augment standard --count 0; says err --count
run 4 data show photos --augment standard --out absent/a.png; says err absent

# Mixed samples.
run 0 train photos --model mlp --size 8 --epochs 1 --batch 4 --mixup 0.2 --cutmix 1 --out mixed
says mixed/args.toml "mixup = 0.2"
run 2 train photos --model mlp --mixup 0.2 --loss asl; says err "--mixup makes targets that are shares of classes"
run 2 train photos --model mlp --cutmix -1; says err "--cutmix is -1, expected 0 to"
finish
