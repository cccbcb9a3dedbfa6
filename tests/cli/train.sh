#!/usr/bin/env bash
# The life of a model: train, repeat, evaluate, predict, fine-tune; files, columns and keys of the contract.
. "$(dirname "$0")/common.sh"
pictures photos 12

run 0 train photos --model mlp --size 8 --epochs 5 --batch 8 --lr 0.02 --seed 3
for file in labels.json args.toml results.csv best.safetensors last.safetensors checkpoint.safetensors predictions.csv metrics.json; do
  is_there runs/photos-mlp/$file
done
says out "run: runs/photos-mlp"
says out "epoch 5/5"
[ "$(head -1 runs/photos-mlp/results.csv)" = \
  "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr" ] || fail "columns of results.csv"
[ "$(wc -l <runs/photos-mlp/results.csv)" = 6 ] || fail "rows of results.csv"
says runs/photos-mlp/metrics.json '"task": "single"'
says runs/photos-mlp/metrics.json '"accuracy": 1'
head -1 runs/photos-mlp/predictions.csv >columns
says columns "id,path,true,predicted,confidence,loss,prob_bottom,prob_top"
[ "$(wc -l <runs/photos-mlp/predictions.csv)" = 25 ] || fail "rows of predictions.csv"

# Repeated bit for bit, never overwritten, whatever the number of threads.
run 0 train --config runs/photos-mlp/args.toml
is_there runs/photos-mlp-2
for file in best last; do same runs/photos-mlp/$file.safetensors runs/photos-mlp-2/$file.safetensors; done
same runs/photos-mlp/args.toml runs/photos-mlp-2/args.toml
same runs/photos-mlp/predictions.csv runs/photos-mlp-2/predictions.csv
run 0 train --config runs/photos-mlp/args.toml --threads 3 --out third
same runs/photos-mlp/last.safetensors third/last.safetensors
run 0 train --config runs/photos-mlp/args.toml --out third
is_there third-2/best.safetensors

# eval and metrics agree with the run's own metrics.
run 0 eval runs/photos-mlp photos --batch 8 --json; same out runs/photos-mlp/metrics.json
run 0 metrics runs/photos-mlp/predictions.csv --json; same_figures out runs/photos-mlp/metrics.json
says runs/photos-mlp/metrics.json '"calibration"'
run 0 eval runs/photos-mlp/best.safetensors photos --split val --out measured; says out precision
is_there measured/predictions.csv
is_there measured/metrics.json
says measured/labels.json '"confidence"'
run 2 eval runs/photos-mlp photos --out runs/photos-mlp; says err "runs/photos-mlp is the folder of a run, whose figures stay"
run 0 eval runs/photos-mlp photos --plots plots/new; says plots/new/roc.svg 'all together'; is_there plots/new/confusion_matrix.svg
run 0 metrics runs/photos-mlp/predictions.csv --plots plots; is_there plots/reliability.svg; is_there plots/precision_recall.svg
touch a_file; run 4 eval runs/photos-mlp photos --plots a_file/x; says err "cannot make the folder"
run 0 predict runs/photos-mlp photos --coverage 0.9 --accuracy 0.5 --json; says out '"set":'; says out '"abstained":false'
run 0 predict runs/photos-mlp photos --coverage 0.9
run 2 predict runs/photos-mlp photos --coverage 1.5; says err "--coverage"
run 0 metrics runs/photos-mlp/predictions.csv --beta 2 --bootstrap 0 --json; says out '"fbeta"'
grep -q '"intervals"' out && fail "--bootstrap 0 gives no intervals"
run 0 metrics runs/photos-mlp/predictions.csv --threshold 0.5 --json; says out '"fpr"'
run 0 metrics runs/photos-mlp/predictions.csv --bootstrap 50 --level 0.9; says out "90 % intervals: of accuracy and top-5 Wilson's, else bootstrap of 50 resamples"
run 0 metrics runs/photos-mlp/predictions.csv --beta 2 --top-k 1 --bootstrap 0 --confusion row
says out "top-1 accuracy"; says out "F2 (macro)"; says out "true \\ predicted"; says out "100.0"
run 2 metrics runs/photos-mlp/predictions.csv --confusion rows; says err "expected counts, row, column or all"
run 2 metrics runs/photos-mlp/predictions.csv --confusion row --json; says err "--confusion has no effect with --json"
run 2 metrics runs/photos-mlp/predictions.csv --top-k 0; says err "--top-k"
run 2 metrics runs/photos-mlp/predictions.csv --threshold 0.5 --beta 2; says err "--beta has no effect with --threshold"
run 2 metrics runs/photos-mlp/predictions.csv --bootstrap 0 --level 0.9; says err "--level has no effect with --bootstrap 0"
run 2 metrics runs/photos-mlp/predictions.csv --threshold 2; says err "--threshold"
run 0 metrics runs/photos-mlp/predictions.csv --against runs/photos-mlp/predictions.csv; says out "p = 1.0000"
run 0 metrics runs/photos-mlp/predictions.csv --against runs/photos-mlp/predictions.csv --json; says out '"test": "binomial"'
run 2 metrics runs/photos-mlp/predictions.csv --against measured/predictions.csv; says err "no sample in common"
run 0 train photos --model mlp --size 8 --epochs 1 --no-calibrate --tensorboard --out plain
compgen -G 'plain/events.out.tfevents.*' >/dev/null || fail "--tensorboard leaves an event file"
compgen -G 'measured/events*' >/dev/null && fail "an event file that nobody asked for"
grep -q '"calibration"' plain/metrics.json && fail "--no-calibrate leaves it out"
run 2 predict plain photos --coverage 0.9; says err "the model has no calibration"
run 2 train photos --model mlp --size 8 --thresholds f7 --out never; says err "expected f1, precision=X or recall=X"
[ ! -e never ] || fail "a wrong option left a folder"

# Events.
run 0 train photos --model mlp --size 8 --epochs 2 --batch 8 --json --out events
[ "$(wc -l <out)" = 3 ] || fail "--json: $(wc -l <out) lines on stdout, expected 3"
head -1 out >first; tail -1 out >last
for key in '{"event":"epoch","epoch":1,' '"train_loss":' '"val_loss":' '"accuracy_top1":' '"images_per_s":' '"seconds":'; do
  says first "$key"
done
says last '{"event":"done","run":"events","metrics":{'
run 0 train photos --model mlp --size 8 --epochs 1 --batch 8 --quiet --out quiet
[ -s out ] && fail "--quiet wrote to stdout"

# predict: files, folders, standard input, files that cannot be read.
run 0 predict runs/photos-mlp photos/test/top/0.bmp; says out "photos/test/top/0.bmp  top  "
run 0 predict runs/photos-mlp photos/test/top/0.bmp --top 2; [ "$(wc -l <out)" = 2 ] || fail "--top 2"
run 0 predict runs/photos-mlp photos/test --json; [ "$(wc -l <out)" = 24 ] || fail "a folder"
says out '{"path":"photos/test/top/0.bmp","top":[{"label":"top","index":1,"probability":'
echo photos/test/bottom/1.bmp | "$TAXON" predict runs/photos-mlp - >out 2>err; says out "  bottom  "
echo broken >broken.png
run 1 predict runs/photos-mlp broken.png photos/test/top/0.bmp missing.png --json
[ "$(wc -l <out)" = 3 ] || fail "predict goes on after a broken file"
says out '{"path":"broken.png","error":"'
says err broken.png
says err missing.png

run 0 info runs/photos-mlp --verify; says out verified; says out "bottom, top"
run 0 info runs/photos-mlp --kernels --batch 4 --seconds 0; says out "4x192 * 192x512"

# What decides best: recorded, a column of its own where the contract has none, in the events.
run 0 train photos --model mlp --size 8 --epochs 2 --batch 8 --best macro_f1 --out by_f1
says by_f1/args.toml 'best = "macro_f1"'
says runs/photos-mlp/args.toml 'best = "accuracy"'
says out ", macro_f1 on val "
[ "$(head -1 by_f1/results.csv)" = \
  "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr,metrics/macro_f1" ] || fail "the column of --best"
run 0 train --config by_f1/args.toml --json --out by_f1
says out '"metric":"macro_f1","value":'
same by_f1/best.safetensors by_f1-2/best.safetensors
run 2 train photos --model mlp --size 8 --best f1_micro --out none; says err "--best is 'f1_micro', expected accuracy, balanced_accuracy, macro_f1"
[ -e none ] && fail "a wrong --best left a folder"

run 0 train photos --model mlp --size 8 --epochs 1 --batch 8 --sampling balanced --class-weights balanced --out drawn
says out "made up for twice"
says drawn/args.toml 'sampling = "balanced"'
printf 'class,weight\ntop,3\n' >weights.csv
run 0 train photos --model mlp --size 8 --epochs 1 --batch 8 --sampling weights.csv --out weighted
says weighted/args.toml 'sampling = "weighted/sampling.csv"'
rm weights.csv  # the run has its copy
run 0 train --config weighted/args.toml --out weighted1; same weighted/best.safetensors weighted1/best.safetensors
echo 'nobody,3' >weights.csv
run 3 train photos --model mlp --size 8 --sampling weights.csv --out none; says err "weights.csv, line 1: 'nobody,3' names no class"
for class in photos/train/*/; do echo "$(basename "$class"),0"; done >weights.csv
run 3 train photos --model mlp --size 8 --sampling weights.csv --out none; says err "weights.csv: no training sample has a class whose weight is above 0"
run 2 train photos --model mlp --size 8 --freeze 99 --out none
run 2 train photos --model mlp --size 8 --epochs 3 --warmup 50 --out none; says err "--warmup is 50"
run 4 train photos --model mlp --size 8 --class-weights missing.csv --out none; says err "missing.csv"
run 2 train photos --model mlp --size 8 --class-weights balancd --out none; says err "did you mean 'balanced'?"
run 2 train --resume photos --explain; says err "--explain says what a new run would use"
run 2 train photos --model runs/photos-mlp --size 16 --out none; says err "its weights are for images of"
run 2 train photos --model runs/photos-mlp --stem small --out none; says err "--stem is for new models"
[ -e none ] && fail "wrong usage left a folder"

# Fine-tuning, freezing, averaging, the other optimizer, losses, weights, stopping.
run 0 train photos --model runs/photos-mlp/best.safetensors --epochs 1 --batch 8 --out tuned
is_there tuned/best.safetensors
run 0 train photos --model runs/photos-mlp --epochs 1 --batch 8 --out tuned
same tuned/best.safetensors tuned-2/best.safetensors
says out "weights from runs/photos-mlp/best.safetensors, head included"
run 0 train photos --model resnet8 --size 8 --epochs 1 --batch 8 --freeze backbone --out frozen
says out "are computed once (those of train change: --augment none)"
run 2 train photos --model resnet8 --size 8 --unfreeze 1; says err "--unfreeze is 1 but nothing is frozen"
run 0 train photos --model frozen --epochs 3 --batch 8 --freeze backbone --unfreeze 2 --augment none --out thawed
says out "features of 24 train and 24 val images are computed once"
cp -r photos three; for split in train val test; do cp -r three/$split/top three/$split/side; done
run 0 train three --model frozen --epochs 1 --batch 8 --out head
says out "weights from frozen/best.safetensors; a new head for 3 classes (it had 2)"
run 0 train three --model frozen --epochs 1 --batch 8 --json --out head
says out '{"event":"fine_tuning","model":"frozen/best.safetensors","new_head":true,"classes":3,"old_classes":2}'
run 0 info head; says out "resize squash"  # the file's own, unless told
run 0 train three --model frozen --epochs 1 --batch 8 --resize letterbox --quiet --out boxed
run 0 info boxed; says out "resize letterbox"
run 0 train photos --model mlp --size 8 --epochs 1 --batch 8 --optimizer adamw --lr 0.001 --ema 0.9 \
  --label-smoothing 0.1 --class-weights balanced --warmup 0.5 --schedule linear --no-norm-decay --out rest
for loss in bce focal asl; do
  run 0 train photos --model mlp --size 8 --epochs 1 --batch 8 --loss $loss --quiet --out loss_$loss
done
printf 'class,weight\ntop,2\nbottom,0.5\n' >weights.csv
run 0 train photos --model mlp --size 8 --epochs 1 --batch 8 --class-weights weights.csv --quiet --out weighted
run 0 train photos --model mlp --size 8 --epochs 50 --batch 8 --lr 0.02 --target 0.9 --out target
says out "stopped after epoch"
run 2 train photos --model resnet8 --freeze 99; says err "--freeze is 99"

# Layer decay, clipping, accumulation, SWA, a rate found by a range test; what makes no sense is refused.
run 0 train photos --model frozen --epochs 3 --batch 8 --layer-decay 0.5 --clip-norm 1 --accumulate 2 --swa 2 --out averaged
run 0 info averaged --verify; says out verified
run 0 train --config averaged/args.toml --threads 1 --out averaged1
same averaged/best.safetensors averaged1/best.safetensors
run 2 train photos --model mlp --swa 2 --ema 0.9; says err "expected one of them"
run 2 train photos --model mlp --epochs 3 --swa 4; says err "--swa is 4, expected an epoch from 1 to --epochs 3"
run 2 train photos --layer-decay 0; says err "--layer-decay is 0, expected 0.01 to 1"
run 2 train photos --accumulate 0; says err "--accumulate is 0, expected 1 to"
run 2 train photos --clip-norm -1; says err "--clip-norm is -1, expected 0 to"
run 0 train photos --model mlp --size 8 --epochs 2 --batch 8 --lr auto --json --out auto
is_there auto/lr_range.csv
says out '{"event":"lr_range","lr":'
says err "the loss fell fastest at"
grep -q '^lr = [0-9]' auto/args.toml || fail "args.toml has no number for --lr auto"
run 0 train --config auto/args.toml --out auto1; same auto/best.safetensors auto1/best.safetensors

# airnet: whitening from the data, Lookahead, norms' biases at their own rate, answers from six views.
run 0 train photos --model airnet --size 12 --epochs 2 --batch 8 --seed 1 --out air
says air/args.toml 'tta = "flip-shift"'
says air/args.toml 'norm_bias_lr = 64'
says air/args.toml 'lookahead = 5'
run 0 train --config air/args.toml --threads 1 --out air1; same air/best.safetensors air1/best.safetensors
run 0 info air --verify; says out verified
run 0 eval air photos --batch 8 --json; same out air/metrics.json
run 0 train photos --model resnet8 --size 8 --epochs 1 --batch 8 --optimizer muon --lr 0.001 --out muon

# What would be used, and why; nothing is trained.
run 0 train photos --explain --lr 0.25 --out nothing; says out "given"; says out "few steps an epoch"
run 0 train photos --explain --json --out nothing; says out '{"event":"recipe","options":[{"option":"data"'
[ -e nothing ] && fail "--explain left a folder"

# Data without splits: eval measures on the samples that training held out.
mkdir unsplit; cp -r photos/train/* unsplit/
for class in top bottom; do for i in 0 1 2 3 4 5 6 7; do cp photos/val/$class/$i.bmp unsplit/$class/v$i.bmp; done; done
run 0 train unsplit --model mlp --size 8 --epochs 1 --batch 8 --seed 11 --out held
run 0 eval held unsplit --batch 8 --json; same out held/metrics.json
run 0 train unsplit --model mlp --size 8 --epochs 1 --batch 8 --val-fraction 0.3 --out held3
run 0 eval held3 unsplit --batch 8 --json; same out held3/metrics.json
grep -q "has changed" err && fail "eval says that the same data have changed"
rm unsplit/top/v0.bmp
run 0 eval held3 unsplit --batch 8 --json; says err "unsplit has changed since the training"

# A manifest with several labels.
{ echo "filename,labels,split"
  for split in train val test; do for i in 0 1 2 3 4 5 6 7; do
    echo "photos/$split/top/$i.bmp,top|bright,$split"; echo "photos/$split/bottom/$i.bmp,bottom,$split"
  done; done; } >labels.csv
run 0 train labels.csv --model mlp --size 8 --epochs 4 --batch 8 --lr 0.05 --out several
says out mAP
[ "$(head -1 several/results.csv)" = \
  "epoch,time,train/loss,metrics/mAP,metrics/f1_micro,metrics/f1_macro,val/loss,lr" ] || fail "columns, several labels"
says several/metrics.json '"mAP":'
run 0 eval several labels.csv --batch 8 --json; same out several/metrics.json
run 0 metrics several/predictions.csv --json; same_figures out several/metrics.json
says several/args.toml 'best = "mean_ap"'
run 0 train labels.csv --model mlp --size 8 --epochs 1 --batch 8 --best f1_macro --json --out several_f1
says out '"metric":"f1_macro"'
# A model of one class a sample goes on with several labels, and back.
run 0 train labels.csv --model frozen --epochs 1 --batch 8 --out to_several; says to_several/metrics.json '"mAP":'
run 0 train photos --model to_several --epochs 1 --batch 8 --out to_one; says to_one/metrics.json '"accuracy":'
run 0 eval to_one photos --batch 8 --json; same out to_one/metrics.json
run 2 train labels.csv --model mlp --size 8 --loss ce --out none; [ -e none ] && fail "--loss ce left a folder"
run 2 train labels.csv --model mlp --size 8 --best accuracy --out none; says err "expected mean_ap, f1_micro, f1_macro"
run 0 data show labels.csv; says out bright

# Events that nobody gets are an error.
if [ -e /dev/full ]; then
  "$TAXON" train photos --model mlp --size 8 --epochs 1 --batch 8 --json --out unheard >/dev/full 2>err; code=$?
  [ $code = 4 ] || fail "a full stdout: exit code $code, expected 4"
  says err "cannot write to stdout"
fi
finish
